"""Checkpoints and publication: when one is owed, and what for.

Only a run with an integration line takes checkpoints by itself; in any other there is no code to
hold, and the log can be gone back to at every event anyway. They are owed

* at the beginning, so that there is always one to fall back to;
* when a phase is done;
* before delivered work is merged;
* every so often while attempts are at work;
* when somebody asks.
"""

from __future__ import annotations

from orchestrate.core.running.marks import done_unmarked, moved_since_mark
from orchestrate.core.running.state import CheckpointKind, GateState, RunState
from orchestrate.core.running.status import RunStatus, TaskStatus


def owed_checkpoint(state: RunState) -> CheckpointKind | None:
    """Which checkpoint is owed now; taking it satisfies every other reason as well."""
    if state.due is not None:
        return state.due.kind
    if not state.base or state.status is not RunStatus.EXECUTING:
        return None
    if not state.checkpoints:
        return "start"
    if done_unmarked(state):
        return "phase"
    return "merge" if state.merging and state.undelivered else None


def awaits_quiet(state: RunState) -> bool:
    """Whether nothing may start for a moment, because a phase ended and nothing is at work.

    Only a checkpoint taken while nothing is at work can be fallen back to, and this is the moment
    for it; with the next phase begun, there would not be another before that has ended.
    """
    return bool(state.base) and not state.live and bool(done_unmarked(state))


def needs_host(state: RunState) -> bool:
    """Whether taking a checkpoint takes more than an event: workspaces at work, a phase to mark."""
    if state.plan is None:
        return False
    return bool(state.base) and (bool(state.live & state.plan.writing) or moved_since_mark(state))


def is_publication_owed(state: RunState) -> bool:
    """Whether all is done and the line holds something the user does not have yet.

    Not before the last checkpoint: the mark of the last phase is on the line as well.
    """
    return (
        state.status is RunStatus.EXECUTING
        and state.line != state.base
        and not state.published
        and not state.stopping
        and not state.remaining
        and all(phase.done for phase in state.phases)
        and owed_checkpoint(state) is None
        and not has_failed(state)
    )


def has_failed(state: RunState) -> bool:
    """Whether a task failed that nothing tolerates."""
    tolerated = state.index.tolerated
    return any(
        task.status is TaskStatus.FAILED and not tolerated >> number & 1
        for number, task in state.tasks.items()
    )


def checkpoint_due_at(state: RunState) -> float | None:
    """When the next checkpoint of a run at work falls due, in Unix seconds."""
    if not state.base or not state.live or state.due is not None:
        return None
    return state.checkpoint_at + state.index.workflow.checkpoint_every_s


def reminder_at(gate: GateState, every_s: float) -> float:
    """When a person is to be reminded of an open gate, in Unix seconds."""
    return max(gate.opened_at, gate.reminded_at) + every_s
