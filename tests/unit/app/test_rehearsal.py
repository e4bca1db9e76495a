"""Giving the agents of a workflow to a script."""

from __future__ import annotations

import pytest

from orchestrate.app.rehearsal import is_scripted, rehearsed, with_script
from orchestrate.core.agents.script import LeaveOutputs, Script, ScriptedAttempt
from orchestrate.core.planning.definition import EachSpec, OutputSpec, TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.errors import DefinitionError

MODELS = frozenset({"claude", "codex", "scripted"})
BY_SCRIPT = (Assignee("builder", "scripted", model="opus", paid=True, priced=False),)
NOTHING = (ScriptedAttempt(1),)


def flow(*tasks: TaskSpec, resolver: TaskSpec | None = None) -> Workflow:
    return Workflow("w", tasks=tasks, resolver=resolver)


def test_rehearsal_takes_every_agent_from_every_model() -> None:
    workflow = rehearsed(
        flow(
            TaskSpec("open", "p", agent="a"),
            TaskSpec(
                "named", "p", agent="a", backend="claude", alternatives=("b", "@codex", "c@codex")
            ),
            TaskSpec("person", "p", agent="a", backend="human"),
            TaskSpec("command", "p", run="ls"),
            resolver=TaskSpec("r", "p", agent="a"),
        ),
        MODELS.__contains__,
    )
    assert [task.backend for task in workflow.tasks] == ["scripted", "scripted", "human", None]
    assert workflow.tasks[1].alternatives == ("b@scripted", "@scripted", "c@scripted")
    assert workflow.resolver is not None
    assert workflow.resolver.backend == "scripted"


def test_workflow_is_scripted_only_by_name() -> None:
    assert not is_scripted(flow(TaskSpec("t", "p", agent="a")))
    assert is_scripted(flow(TaskSpec("t", "p", agent="a", backend="scripted")))
    assert is_scripted(flow(TaskSpec("t", "p", agent="a", alternatives=("@scripted",))))


@pytest.mark.parametrize("bill", [False, True])
def test_scripted_staff_is_paid_only_by_a_script_that_bills(bill: bool) -> None:
    other = Assignee("builder", "claude", paid=True)
    task = TaskSpec("t", "p", agent="builder", staff=(*BY_SCRIPT, other), advisor=BY_SCRIPT[0])
    (task,) = with_script(flow(task), "/s.yaml", Script({"t": NOTHING}, bill)).tasks
    expected = Assignee("builder", "scripted", paid=bill, script="/s.yaml")
    assert task.staff == (expected, other)
    assert task.advisor == expected


def test_tasks_without_a_script_are_all_named() -> None:
    tasks = [TaskSpec(name, "p", agent="builder", staff=BY_SCRIPT) for name in ("a", "b", "c")]
    with pytest.raises(DefinitionError, match=r"says nothing of the tasks a, c, and"):
        with_script(flow(*tasks), "/s.yaml", Script({"b": NOTHING}))


def test_group_needs_something_for_its_members() -> None:
    group = TaskSpec("fix", "p", agent="b", staff=BY_SCRIPT, each=EachSpec("list", "items"))
    with pytest.raises(DefinitionError, match="says nothing of task fix"):
        with_script(flow(group), "/s.yaml", Script({"fix": NOTHING}))
    assert with_script(flow(group), "/s.yaml", Script({"fix.*": NOTHING})).tasks[0].staff[0].script


def test_output_that_no_task_declares_is_told_with_its_line() -> None:
    attempt = ScriptedAttempt(7, (LeaveOutputs({"report": "", "extra": ""}),))
    task = TaskSpec("t", "p", agent="b", staff=BY_SCRIPT, outputs=(OutputSpec("report", "r.md"),))
    with pytest.raises(DefinitionError, match=r"s\.yaml:7: task t declares no output 'extra'"):
        with_script(flow(task), "/s.yaml", Script({"t": (attempt,)}))
