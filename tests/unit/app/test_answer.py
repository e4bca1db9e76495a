"""An answer is judged by its form; what is wrong is said so that it can be mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.app.answer import MAX_MISTAKES, judge, metrics
from orchestrate.core.agents.answer import answer_schema
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from tests.unit.app.test_prompt import request as prompt_request

REPORT = OutputSpec("report", "out/report.md", media_type="text/markdown")
DATA = OutputSpec("data", "data.json", media_type="application/json")
REMARKS = {
    "remarks": {
        "type": "array",
        "items": {"type": "object", "properties": {"path": {"type": "string"}}},
    }
}
GOOD: dict[str, Any] = {"summary": "Fixed it.", "outcome": "done", "reason": "", "follow_ups": []}


def asked(
    folder: Path, *outputs: OutputSpec, returns: dict[str, Any] | None = None
) -> AttemptRequest:
    """A request with these outputs in `folder`."""
    return msgspec.structs.replace(
        prompt_request(),
        outputs=outputs,
        outputs_dir=str(folder),
        answer_schema=answer_schema(returns or {}, outputs),
    )


def judged(request: AttemptRequest, answer: dict[str, Any] | None, **more: object) -> AttemptResult:
    """The answer, judged."""
    return judge(request, AttemptResult(ok=True, answer=answer, **more))  # type: ignore[arg-type]


def test_good_answer_gives_its_summary_as_written(tmp_path: Path) -> None:
    summary = "  Fixed\tsrc/a.py.\n\nNothing else. "
    result = judged(asked(tmp_path), {**GOOD, "summary": summary})
    assert (result.ok, result.summary, result.cause) == (True, summary, None)


def test_failed_attempts_and_those_without_a_model_stay_as_they_are(tmp_path: Path) -> None:
    failed = AttemptResult(ok=False, cause="crash", answer={"x": 1})
    assert judge(asked(tmp_path), failed) is failed
    shell = AttemptResult(ok=True)
    assert judge(prompt_request(answer_schema={}), shell) is shell


def test_no_answer_is_a_bad_output(tmp_path: Path) -> None:
    result = judged(asked(tmp_path), None)
    assert (result.ok, result.cause) == (False, "bad_output")
    assert "one JSON object" in result.message


def test_all_mistakes_are_named_at_once_with_their_places(tmp_path: Path) -> None:
    answer = {
        "summary": "",
        "outcome": "maybe",
        "follow_ups": [1],
        "remarks": [{"path": "a"}, {"path": 2}],
        "a/b": 1,
    }
    result = judged(asked(tmp_path, returns=REMARKS), answer)
    assert result.cause == "bad_output"
    for place in ("/outcome: ", "/follow_ups/0: ", "/remarks/1/path: ", "/summary: it is empty"):
        assert f"\n- {place}" in result.message
    assert "'reason' is a required property" in result.message
    assert "'a/b' was unexpected" in result.message


def test_list_of_mistakes_is_bounded_and_the_rest_counted(tmp_path: Path) -> None:
    answer = {**GOOD, "follow_ups": [5] * 20, **dict.fromkeys(map(str, range(10)))}
    answer |= {"outcome": 1, "reason": 2}
    message = judged(asked(tmp_path), answer).message
    assert message.count("\n- ") == MAX_MISTAKES + 1
    assert message.endswith(f"and {24 - MAX_MISTAKES} more mistakes")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("follow_ups", ["more"] * 20_000, "/follow_ups: it has 20000 entries, and at most 20"),
        ("follow_ups", ["x" * 501], "/follow_ups/0: it has 501 characters; at most 500"),
        ("reason", "y" * 2_001, "/reason: it has 2001 characters, and at most 2000"),
    ],
)
def test_what_everybody_is_told_is_bounded_too(
    tmp_path: Path, field: str, value: object, said: str
) -> None:
    result = judged(asked(tmp_path), {**GOOD, field: value})
    assert (result.ok, said in result.message) == (False, True), result.message[:200]
    assert len(result.message) < 5_000


@pytest.mark.parametrize(("count", "ok"), [(50, True), (51, False), (63, False)])
def test_summary_of_more_than_fifty_words_is_refused_and_not_cut(
    tmp_path: Path, count: int, ok: bool
) -> None:
    result = judged(asked(tmp_path), {**GOOD, "summary": "wörd\u00a0" * count})
    assert result.ok is ok
    if not ok:
        assert f"it has {count} words, and at most 50" in result.message
        assert result.summary == ""


def test_summary_in_a_script_without_spaces_is_bounded_too(tmp_path: Path) -> None:
    assert judged(asked(tmp_path), {**GOOD, "summary": "直" * 1_000}).ok
    result = judged(asked(tmp_path), {**GOOD, "summary": "直" * 1_001})
    assert "1001 characters" in result.message


@pytest.mark.parametrize(
    ("reason", "message"),
    [("No network.", "No network."), (" ", "it said that it cannot, and no reason")],
)
def test_agent_that_cannot_has_refused(tmp_path: Path, reason: str, message: str) -> None:
    answer = {**GOOD, "outcome": "cannot", "reason": reason, "report": "half"}
    result = judged(asked(tmp_path, REPORT), answer)
    assert (result.ok, result.cause, result.message) == (False, "refusal", message)
    assert result.summary == "Fixed it."
    assert not list(tmp_path.iterdir())


def test_outputs_in_the_answer_are_written_where_they_belong(tmp_path: Path) -> None:
    answer = {**GOOD, "report": "# Bericht ✓\n", "data": '{"a": 1}'}
    assert judged(asked(tmp_path, REPORT, DATA), answer).ok
    assert (tmp_path / "out" / "report.md").read_text("utf-8") == "# Bericht ✓\n"
    assert (tmp_path / "data.json").read_text() == '{"a": 1}'
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]


def test_output_that_returns_describes_is_written_as_json(tmp_path: Path) -> None:
    output = OutputSpec("remarks", "remarks.json", media_type="application/json")
    answer = {**GOOD, "remarks": [{"path": "ä"}]}
    result = judged(asked(tmp_path, output, returns=REMARKS), answer)
    assert json.loads((tmp_path / "remarks.json").read_bytes()) == [{"path": "ä"}]
    assert result.metrics["remarks"] == 1


def test_file_the_agent_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("[]")
    assert judged(asked(tmp_path, DATA), {**GOOD, "data": "not JSON"}).ok
    assert (tmp_path / "data.json").read_text() == "[]"


def test_advisor_leaves_no_outputs_of_the_task_it_advises_on(tmp_path: Path) -> None:
    request = msgspec.structs.replace(asked(tmp_path, DATA), advising=True)
    assert judged(request, {**GOOD, "data": "[]"}).summary == "Fixed it."
    assert not list(tmp_path.iterdir())


def test_output_given_as_null_is_not_written(tmp_path: Path) -> None:
    assert judged(asked(tmp_path, DATA), {**GOOD, "data": None}).ok
    assert not list(tmp_path.iterdir())


def test_json_output_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    result = judged(asked(tmp_path, DATA), {**GOOD, "data": "{'a': 1}"})
    assert result.cause == "bad_output"
    assert "\n- /data: it is not JSON text" in result.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["../stolen.md", "link/stolen.md", "/tmp/stolen.md"])
def test_nothing_is_written_outside_of_the_outputs_folder(tmp_path: Path, path: str) -> None:
    outputs, elsewhere = tmp_path / "outputs", tmp_path / "elsewhere"
    outputs.mkdir()
    elsewhere.mkdir()
    (outputs / "link").symlink_to(elsewhere)
    output = OutputSpec("report", path, media_type="text/markdown")
    result = judged(asked(outputs, output), {**GOOD, "report": "x"})
    assert result.cause == "bad_output"
    assert "leads out of the outputs folder" in result.message
    assert not list(elsewhere.iterdir())
    assert not (tmp_path / "stolen.md").exists()


def test_nothing_is_written_through_a_link_in_the_place_of_the_outputs_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "outputs").symlink_to(tmp_path / "elsewhere")
    result = judged(asked(tmp_path / "outputs", REPORT), {**GOOD, "report": "x"})
    assert (result.ok, "leads out of the outputs folder" in result.message) == (False, True)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_link_in_the_place_of_an_output_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outputs, target = tmp_path / "outputs", tmp_path / "target"
    outputs.mkdir()
    (outputs / "data.json").symlink_to(target)
    assert judged(asked(outputs, DATA), {**GOOD, "data": "[]"}).ok
    assert (outputs / "data.json").read_text() == "[]"
    assert not target.exists()


def test_folder_in_the_place_of_an_output_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "data.json").mkdir()
    result = judged(asked(tmp_path, DATA), {**GOOD, "data": "[]"})
    assert "/data: data.json cannot be written" in result.message


def test_numbers_and_lengths_become_metrics() -> None:
    answer = {
        "n": 3,
        "x": 0.5,
        "ok": True,
        "no": False,
        "list": [1, 2],
        "text": "5",
        "nothing": None,
    }
    assert metrics(answer) == {"n": 3.0, "x": 0.5, "ok": 1.0, "no": 0.0, "list": 2.0}


def test_numbers_no_metric_can_hold_are_left_out() -> None:
    assert metrics({"inf": float("inf"), "nan": float("nan"), "big": 10**400}) == {}


def test_what_the_host_measured_stands_above_what_the_agent_says(tmp_path: Path) -> None:
    returns = {"tests": {"type": "integer"}}
    result = judged(asked(tmp_path, returns=returns), {**GOOD, "tests": 9}, metrics={"tests": 2.0})
    assert result.metrics == {"tests": 2.0, "follow_ups": 0.0}


def test_text_that_cannot_be_stored_is_a_mistake(tmp_path: Path) -> None:
    result = judged(asked(tmp_path), {**GOOD, "summary": "half \ud800"})
    assert result.cause == "bad_output"
    assert "cannot be stored" in result.message
    msgspec.json.encode(result.message)
