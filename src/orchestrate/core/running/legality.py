"""What may be asked of a run now, and what a refusal says."""

from __future__ import annotations

from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN, RUN_ENDED, GateStatus, RunStatus
from orchestrate.errors import ConflictError, IllegalCommandError, RequestError

Events = tuple[ev.AnyEvent, ...]

#: Which trigger of the run table a command stands for.
RUN_COMMANDS: dict[str, str] = {
    "PlanRun": "run_planned",
    "StartRun": "run_started",
    "AdoptRun": "run_adopted",
    "PauseRun": "run_paused",
    "ResumeRun": "run_resumed",
    "CancelRun": "run_cancelled",
    "RollBack": "run_rolled_back",
}

#: While these last, the limit of parallel attempts can be changed.
LIMIT_CHANGES = frozenset({RunStatus.PLANNING, RunStatus.EXECUTING, RunStatus.PAUSED})
#: While these last, or after a failure that can be resumed, the budget can be changed.
BUDGET_CHANGES = frozenset({*LIMIT_CHANGES, RunStatus.FAILED})
#: While these last, gates are decided and workspaces snapshotted.
IN_PROGRESS = frozenset({RunStatus.EXECUTING, RunStatus.PAUSED})
#: While these last, there is something a checkpoint can hold and somebody can go back to.
HOLDS_CHECKPOINTS = frozenset({*IN_PROGRESS, RunStatus.FAILED, RunStatus.COMPLETED})


class StaleAttemptError(ConflictError):
    """An outcome or verdict came for something that no longer waits for it.

    Repeated, or from a past owner. The reporter has nothing to do; hosts drop it.
    """


def legal_commands(state: RunState) -> tuple[str, ...]:
    """Names of the commands somebody may give now, those of the lifecycle first."""
    if not state.run:
        return ("CreateRun",)
    legal = [name for name, trigger in RUN_COMMANDS.items() if trigger in RUN[state.status]]
    if state.live and "RollBack" in legal:
        legal.remove("RollBack")
    if state.status in LIMIT_CHANGES:
        legal.append("SetLimit")
    if state.status in BUDGET_CHANGES:
        legal.append("SetBudget")
    if state.status in IN_PROGRESS and any(
        gate.status is GateStatus.OPEN for gate in state.gates.values()
    ):
        legal.append("DecideGate")
    if state.conflicted:
        legal.append("ResolveConflict")
    if state.handed and state.status not in RUN_ENDED:
        legal += ["HandIn", "DeclineTask"]
    if state.status in HOLDS_CHECKPOINTS:
        legal.append("AskCheckpoint")
    return tuple(legal)


def refusal(state: RunState, problem: str) -> IllegalCommandError:
    """The error that says `problem` and what is allowed instead."""
    return IllegalCommandError(problem, legal=legal_commands(state))


def require_row(state: RunState, command: object) -> None:
    """Refuse `command` unless the run's status has a row for it."""
    name = type(command).__name__
    if RUN_COMMANDS[name] not in RUN[state.status] or not state.run:
        raise refusal(state, f"{name} is not possible while the run is {state.status.value}")


def position(state: RunState, name: str) -> int:
    """The position of the task called `name`.

    Raises:
        StaleAttemptError: a rollback took that task out of the plan.
        RequestError: there never was one.
    """
    number = None if state.plan is None else state.plan.position.get(name)
    if number is None:
        if name in state.retired:
            raise StaleAttemptError(f"the run went back to where it had no task {name}")
        raise RequestError(f"run {state.run or 'without a name'} has no task {name}")
    return number
