"""A group becomes one task per item and goes on under its own name."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import (
    EachSpec,
    OutputSpec,
    PhaseSpec,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.expansion import expanded, problem_with
from orchestrate.core.planning.graph import levels

GROUP = TaskSpec(
    id="fix",
    phase="p",
    run="x",
    needs=("triage",),
    when="tasks.triage.ok",
    outputs=(OutputSpec(name="o", path="o"),),
    writes=("src/**",),
    each=EachSpec(task="triage", output="fixes", limit=2, tolerate=True),
)
FLOW = Workflow(
    name="w",
    phases=(PhaseSpec(name="p"),),
    tasks=(
        TaskSpec(id="triage", phase="p", run="x"),
        GROUP,
        TaskSpec(id="report", phase="p", run="x", needs=("fix",)),
        TaskSpec(id="fix.taken", phase="p", run="x"),
    ),
)


def test_group_waits_for_its_members_and_others_for_the_group() -> None:
    found = expanded(FLOW, "fix", [("a", {"line": 3}, ("src/a.py",)), ("b", {}, ())])
    tasks = {task.id: task for task in found.tasks}
    assert list(tasks) == ["triage", "fix.a", "fix.b", "fix", "report", "fix.taken"]
    assert levels(found) == (("triage", "fix.taken"), ("fix.a", "fix.b"), ("fix",), ("report",))
    first, second, group = tasks["fix.a"], tasks["fix.b"], tasks["fix"]
    assert (first.item, first.writes) == ({"key": "a", "line": 3}, ("src/a.py",))
    assert (second.item, second.writes) == ({"key": "b"}, ("src/**",))
    assert first.outputs == GROUP.outputs
    assert not first.is_group
    assert group.is_group
    assert group.members == group.needs == ("fix.a", "fix.b")
    assert (group.outputs, group.tolerate, group.each) == ((), True, None)


def test_group_without_items_stays_and_has_no_members() -> None:
    found = expanded(FLOW, "fix", [])
    assert [task.id for task in found.tasks] == [task.id for task in FLOW.tasks]
    assert (found.tasks[1].members, found.tasks[1].expanded) == ((), True)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (["a", "b", "c"], "at most 2 are allowed"),
        (["a", "a"], "two tasks would be called fix.a"),
        (["taken"], "two tasks would be called fix.taken"),
        (["A b"], "'A b' cannot be part of a task's name"),
        (["x" * 64], "cannot be part of a task's name"),
        (["a", "b"], ""),
    ],
)
def test_keys_that_cannot_name_tasks_are_refused(keys: list[str], why: str) -> None:
    found = problem_with(FLOW, GROUP, keys)
    assert why in found
    assert bool(found) is bool(why)
