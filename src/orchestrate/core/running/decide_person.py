"""Commands about tasks in the hands of a person, and the end of the time they have."""

from __future__ import annotations

from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.legality import Events, StaleAttemptError, position
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, TaskStatus
from orchestrate.errors import RequestError


def _require_handed(state: RunState, name: str, number: int) -> None:
    task = state.tasks[position(state, name)]
    ended = state.status in RUN_ENDED
    if task.status is not TaskStatus.HANDED or task.attempts != number or ended:
        raise StaleAttemptError(
            f"attempt {number} of task {name} is not in the hands of a person: the task is"
            f" {task.status.value}, its latest attempt {task.attempts}, the run"
            f" {state.status.value}"
        )


def hand_in(state: RunState, command: cmd.HandIn, now: float) -> Events:
    """See HandIn."""
    _require_handed(state, command.task, command.number)
    spec = state.index.order[position(state, command.task)]
    if spec.must_change and command.work is None:
        raise RequestError(
            f"task {command.task} has to change something, and nothing was changed",
            remedy="make the change in the workspace, or decline the task",
        )
    return (
        ev.AttemptSucceeded(
            at=now,
            task=command.task,
            number=command.number,
            summary=command.summary,
            artifacts=command.artifacts,
            work=command.work,
            by=command.by,
        ),
    )


def decline(state: RunState, command: cmd.DeclineTask, now: float) -> Events:
    """See DeclineTask."""
    _require_handed(state, command.task, command.number)
    reason = f": {command.reason}" if command.reason else ""
    return (
        ev.AttemptFailed(
            at=now,
            task=command.task,
            number=command.number,
            cause="refusal",
            message=f"given back by {command.by}{reason}",
        ),
    )


def overdue(state: RunState, now: float) -> Events:
    """The end of tasks that a person did not hand in in time."""
    late = [
        (state.index.order[number].id, state.tasks[number])
        for number in bits(state.handed)
        if (state.tasks[number].deadline_at or now + 1.0) <= now
    ]
    return tuple(
        ev.AttemptFailed(
            at=now,
            task=name,
            number=record.attempts,
            cause="timeout",
            message="nobody handed it in in time",
        )
        for name, record in late
    )
