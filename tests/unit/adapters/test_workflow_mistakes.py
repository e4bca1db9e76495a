"""Every mistake in a workflow file is reported at its place, with a fix; all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.files.workflow_reader import (
    WorkflowError,
    check_workflow,
    read_workflow,
)
from orchestrate.adapters.files.workflow_report import CODES, MAX_PROBLEMS
from orchestrate.adapters.files.yaml_nodes import MAX_BYTES
from orchestrate.errors import ExitCode, RequestError
from tests.unit.adapters.workflow_mistakes import MISTAKES, ONE, Mistake, task

AGENTS = frozenset({"architect", "code-reviewer"})
MARK = "⟦"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.code}-{m.says[:20]}")
def test_mistake_is_reported_where_it_is(mistake: Mistake) -> None:
    before, found, after = mistake.text.partition(MARK)
    assert found
    place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    result = check_workflow((before + after).encode(), "w.yaml", known_agents=AGENTS)
    problems = [problem for problem in result.problems if problem.code == mistake.code]
    assert [(problem.line, problem.column) for problem in problems] == [place], result.problems
    assert problems[0].file == "w.yaml"
    assert mistake.says in problems[0].message
    assert mistake.fix in problems[0].fix
    assert (problems[0].severity == "warning") is mistake.warning
    assert (result.workflow is None) is any(p.severity == "error" for p in result.problems)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.code}-{m.says[:20]}")
def test_one_mistake_is_not_reported_as_many(mistake: Mistake) -> None:
    text = mistake.text.replace(MARK, "")
    result = check_workflow(text.encode(), "w.yaml", known_agents=AGENTS)
    errors = [problem for problem in result.problems if problem.severity == "error"]
    if mistake.warning:
        # Some warnings are about values that are used wrongly only because they are shown here.
        assert mistake.code in {problem.code for problem in result.problems}
        assert len(errors) <= 1
    else:
        assert {problem.code for problem in errors} == {mistake.code}


def test_every_code_has_an_example() -> None:
    shown_elsewhere = {"too-large", "not-utf-8", "more"}
    assert {mistake.code for mistake in MISTAKES} == set(CODES) - shown_elsewhere


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
nme: w
name: w
phases:
  - name: one
    tasks:
      - id: a
        agent: architct
        timeout: 5x
        when: inputs.none == 1 and and
      - id: a
        run: x
        needs: [b, nothing]
      - id: b
        run: x
        needs: [c]
      - id: c
        run: x
        needs: [b]
"""
    result = check_workflow(text.encode(), "w.yaml", known_agents=AGENTS)
    assert [(problem.line, problem.code) for problem in result.problems] == [
        (1, "missing-key"),
        (1, "unknown-key"),
        (6, "no-prompt"),
        (7, "unknown-agent"),
        (8, "bad-duration"),
        (9, "bad-expression"),
        (10, "duplicate-id"),
        (12, "unknown-task"),
        (15, "cycle"),
    ]


def test_bytes_that_are_not_utf_8_are_placed() -> None:
    (problem,) = check_workflow(b"a: 1\nb: \xff", "w.yaml", known_agents=None).problems
    assert (problem.code, problem.line, problem.column) == ("not-utf-8", 2, 4)


def test_large_file_is_refused_unread() -> None:
    (problem,) = check_workflow(b"#" * (MAX_BYTES + 1), "w.yaml", known_agents=None).problems
    assert problem.code == "too-large"


def test_list_of_mistakes_is_bounded_and_says_so() -> None:
    text = ONE + "".join(f"k{number}: 1\n" for number in range(MAX_PROBLEMS + 50))
    problems = check_workflow(text.encode(), "w.yaml", known_agents=None).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert (problems[-1].code, problems[-1].message) == ("more", "and 50 more mistakes")


def test_messages_stay_short_and_printable() -> None:
    text = task(f'- id: a\n  run: x\n  trigger: "{"long" * 500}\\e[31m\\a"')
    for problem in check_workflow(text.encode(), "w.yaml", known_agents=None).problems:
        assert len(problem.message) <= 300
        assert problem.message.isprintable()


def test_reading_raises_with_all_problems(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(ONE + "nme: x\n" + "on_failure: never\n", encoding="utf-8")
    with pytest.raises(WorkflowError) as caught:
        read_workflow(path)
    assert [problem.code for problem in caught.value.problems] == ["unknown-key", "bad-value"]
    assert caught.value.exit_code is ExitCode.DEFINITION
    assert f"{path}:8:1: error: unknown key 'nme'; did you mean name? [unknown-key]" in str(
        caught.value
    )


def test_file_that_cannot_be_opened_is_a_request_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(RequestError, match="cannot be read"):
            read_workflow(path)
