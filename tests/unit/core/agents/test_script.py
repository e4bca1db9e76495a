"""Which attempts of a script are for a task, and what a scripted answer is."""

from __future__ import annotations

import pytest

from orchestrate.core.agents.answer import answer_schema
from orchestrate.core.agents.script import (
    DeleteFiles,
    LeaveOutputs,
    Script,
    ScriptedAttempt,
    whole_answer,
)
from orchestrate.core.planning.definition import OutputSpec

ONE, TWO, THREE = (ScriptedAttempt(line) for line in (1, 2, 3))


def test_own_id_wins_over_patterns_and_the_first_pattern_over_the_next() -> None:
    script = Script({"fix.*": (ONE,), "fix.[ab]": (TWO,), "fix.b": (THREE,)})
    assert script.attempts("fix.b") == (THREE,)
    assert script.attempts("fix.a") == (ONE,)
    assert script.attempts("fix") == ()


@pytest.mark.parametrize(
    ("name", "covered"),
    [("fix.*", True), ("fix.one", True), ("*", True), ("fix", False), ("other.*", False)],
)
def test_members_of_a_group_are_covered_by_what_could_be_theirs(name: str, covered: bool) -> None:
    assert Script({name: (ONE,)}).covers_members("fix") is covered


def test_outputs_of_an_attempt_are_those_its_steps_leave() -> None:
    steps = (LeaveOutputs({"a": ""}), DeleteFiles(("b",)), LeaveOutputs({"c": ""}))
    assert ScriptedAttempt(1, steps).outputs == {"a", "c"}


def test_answer_is_labelled_and_complete_where_nothing_is_said() -> None:
    answer = whole_answer({}, answer_schema({}, ()))
    assert answer == {
        "summary": "scripted: did what its script says",
        "outcome": "done",
        "reason": "",
        "follow_ups": [],
    }


def test_reason_for_not_doing_it_is_labelled_as_well() -> None:
    answer = whole_answer({"outcome": "cannot", "reason": "no way", "summary": "no"}, {})
    assert (answer["summary"], answer["reason"]) == ("scripted: no", "scripted: no way")


def test_only_what_may_be_null_is_filled_in() -> None:
    returns = {
        "tests": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }
    schema = answer_schema(returns, (OutputSpec("report", "r.md", media_type="text/plain"),))
    answer = whole_answer({}, schema)
    assert answer["report"] is None
    assert answer["note"] is None
    assert "tests" not in answer
