from __future__ import annotations

from orchestrate.app.runs import preview
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import advance
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RunStatus

WORKFLOW = Workflow(
    name="w",
    phases=(PhaseSpec(name="p"),),
    tasks=(
        TaskSpec(id="slow", phase="p", run="x"),
        TaskSpec(id="bad", phase="p", run="x"),
        TaskSpec(id="after", phase="p", run="x", needs=("bad",)),
    ),
)


def after(*commands: cmd.AnyCommand) -> RunState:
    state = INITIAL
    for command in (
        cmd.CreateRun(run="r", request="", repository="/r"),
        cmd.PlanRun(workflow=WORKFLOW),
        cmd.StartRun(),
        cmd.GrantSlots(tasks=("slow", "bad")),
        cmd.FailAttempt(task="bad", number=1, cause="exit", message="no"),
        *commands,
    ):
        _, state = advance(state, command, 1.0)
    return state


def fates(state: RunState, *finished: str) -> list[tuple[str, str]]:
    found = preview(state, lambda task, _: task in finished)
    return [(line.task, line.fate) for line in found.lines]


def test_a_failure_in_a_run_that_still_executes_is_not_promised_another_try() -> None:
    state = after()
    assert state.status is RunStatus.EXECUTING
    assert fates(state) == [("slow", "again"), ("bad", "kept"), ("after", "blocked")]
    assert fates(state, "slow")[0] == ("slow", "recover")


def test_a_failed_run_tries_its_failures_again_and_keeps_what_was_finished() -> None:
    state = after(cmd.SucceedAttempt(task="slow", number=1))
    assert state.status is RunStatus.FAILED
    assert fates(state) == [("slow", "kept"), ("bad", "retry"), ("after", "blocked")]
