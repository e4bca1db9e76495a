"""What resuming would do about tasks of agents and people, and what a list of runs counts."""

from __future__ import annotations

from typing import Any

from orchestrate.app.runs import PreviewLine, preview, row
from orchestrate.core.planning.definition import RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.ports.store import StreamHead
from tests.unit.core.running.drive import CLAUDE, CODEX, Run, agent_task, task, workflow


def _lines(run: Run) -> dict[str, PreviewLine]:
    return {line.task: line for line in preview(run.state, lambda *_: False).lines}


def _run(**more: Any) -> Run:
    return Run(workflow(agent_task("a", **more), task("b"))).start()


def test_a_task_that_a_person_has_is_for_them() -> None:
    run = _run(hand_over=HandOver())
    run.fail("a", "refusal")
    run.give(cmd.PauseRun())
    line = _lines(run)["a"]
    assert (line.fate, line.why) == ("handed", "a person has it: orchestrate task show r a")


def test_a_task_that_is_tried_again_says_who_tries() -> None:
    run = _run(staff=(CLAUDE, CODEX))
    run.fail("a", "refusal")
    run.give(cmd.PauseRun())
    line = _lines(run)["a"]
    assert (line.fate, line.why) == ("retry", "attempt 1 failed: boom; next is builder (codex)")
    run = _run(retry=RetryPolicy(max_attempts=2))
    run.interrupt("a")
    run.give(cmd.PauseRun())
    assert _lines(run)["a"].why == "was interrupted; next is builder (claude)"


def test_a_list_of_runs_counts_tasks_that_wait_for_people() -> None:
    human = TaskSpec("a", "main", agent="x", backend="human")
    run = Run(workflow(human, task("b"))).start()
    head = StreamHead("r", run.state.version, b"", 1.0, 2.0)
    assert row(run.state, head).waiting == 1
