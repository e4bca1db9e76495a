"""Folding of what happens to tasks, their attempts and the gates: one function per event."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.core.running import events as ev
from orchestrate.core.running.state import TaskState
from orchestrate.core.running.status import (
    ATTEMPT,
    GATE,
    TASK,
    AttemptStatus,
    GateStatus,
    RunStatus,
    TaskStatus,
    following,
)

_replace = msgspec.structs.replace


def condition_held(draft: Any, event: ev.ConditionHeld) -> None:
    """See ConditionHeld."""
    draft.make_ready(draft.plan.position[event.task])


def skipped(draft: Any, event: ev.TaskSkipped) -> None:
    """See TaskSkipped."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    draft.tasks = draft.tasks.set(
        number,
        _replace(
            before,
            status=following(TASK, before.status, "task_skipped"),
            skipped_by=event.cause,
            message=event.detail,
            finished_at=event.at,
        ),
    )
    draft.settle_task(number, TaskStatus.SKIPPED)


def task_failed(draft: Any, event: ev.TaskFailed) -> None:
    """See TaskFailed."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, "task_failed")
    draft.tasks = draft.tasks.set(
        number, _replace(before, status=status, message=event.message, finished_at=event.at)
    )
    draft.groups &= ~(1 << number)
    draft.settle_task(number, status)


def attempt_started(draft: Any, event: ev.AttemptStarted) -> None:
    """See AttemptStarted."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    bit = 1 << number
    status = following(TASK, before.status, "attempt_started")
    draft.tasks = draft.tasks.set(number, _begun(before, event, status))
    # Large sets make every operation on them count: change only the one that holds the task.
    if before.status is TaskStatus.READY:
        draft.ready ^= bit
    else:
        draft.retrying ^= bit
    draft.live |= bit


def _begun(before: TaskState, event: ev.AttemptStarted, status: TaskStatus) -> TaskState:
    """The record of a task whose attempt began: what earlier ones led to is not its own."""
    if not before.attempts and not before.used:
        # Nothing is known of it yet. Most attempts are first ones, and this is half the price.
        return TaskState(
            status=status,
            attempt=AttemptStatus.STARTED,
            attempts=event.number,
            started_at=event.at,
            base=event.base,
        )
    return TaskState(
        status=status,
        attempt=AttemptStatus.STARTED,
        attempts=event.number,
        failures=before.failures,
        losses=before.losses,
        started_at=event.at,
        cause=before.cause,
        message=before.message,
        used=before.used,
        base=event.base,
        work=before.work if before.resolving else None,
        checks=before.checks,
        returns=before.returns,
        conflicts=before.conflicts,
        resolving=before.resolving,
        snapshot=before.snapshot,
    )


def _end_attempt(draft: Any, event: Any, trigger: str, **changes: Any) -> None:
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, trigger)
    draft.tasks = draft.tasks.set(
        number,
        _replace(
            before,
            status=status,
            attempt=following(ATTEMPT, before.attempt, trigger),
            finished_at=event.at,
            **changes,
        ),
    )
    bit = 1 << number
    draft.live ^= bit
    if status is TaskStatus.READY:
        draft.ready |= bit
        draft.hold_back(number)
    elif status is TaskStatus.RETRYING:
        draft.retrying |= bit
        draft.hold_back(number)
    elif status is TaskStatus.MERGING:
        draft.merging |= bit
        draft.undelivered = True
    elif status is TaskStatus.CONFLICTED:
        draft.conflicted |= bit
    elif status is not TaskStatus.CANCELLED:
        draft.settle_task(number, status)


def attempt_succeeded(draft: Any, event: ev.AttemptSucceeded) -> None:
    """See AttemptSucceeded."""
    trigger = "attempt_succeeded"
    about_work: dict[str, Any] = {}
    if event.work is not None:
        late = draft.status is RunStatus.CANCELLED
        trigger = "attempt_delivered_late" if late else "attempt_delivered"
        about_work = {"work": event.work, "conflicts": (), "resolving": False}
    _end_attempt(
        draft,
        event,
        trigger,
        **about_work,
        snapshot="",
        summary=event.summary,
        artifacts=event.artifacts,
        metrics=event.metrics,
        exit_code=event.exit_code,
        cause=None,
        message="",
    )


def attempt_failed(draft: Any, event: ev.AttemptFailed) -> None:
    """See AttemptFailed."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    trigger = "attempt_failed" if event.retry_at is None else "attempt_failed_retry"
    if before.resolving and event.retry_at is None and draft.status is not RunStatus.CANCELLED:
        trigger = "resolution_failed"
    _end_attempt(
        draft,
        event,
        trigger,
        resolving=before.resolving and event.retry_at is not None,
        failures=before.failures + 1,
        not_before=event.retry_at or 0.0,
        cause=event.cause,
        message=event.message,
        exit_code=event.exit_code,
    )


def attempt_lost(draft: Any, event: ev.AttemptLost) -> None:
    """See AttemptLost."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    trigger = "attempt_lost_retry" if event.retry else "attempt_lost"
    if before.resolving and not event.retry:
        trigger = "resolution_lost"
    _end_attempt(
        draft,
        event,
        trigger,
        resolving=before.resolving and event.retry,
        losses=before.losses + 1,
        cause="lost",
        message=event.message,
    )


def attempt_interrupted(draft: Any, event: ev.AttemptInterrupted) -> None:
    """See AttemptInterrupted."""
    _end_attempt(draft, event, "attempt_interrupted", message=event.reason)


def attempt_cancelled(draft: Any, event: ev.AttemptCancelled) -> None:
    """See AttemptCancelled."""
    _end_attempt(draft, event, "attempt_cancelled")


# -- gates -------------------------------------------------------------------------------------


def gate_opened(draft: Any, event: ev.GateOpened) -> None:
    """See GateOpened."""
    gate = draft.gates[event.gate]
    draft.gates = draft.gates.set(
        event.gate,
        _replace(
            gate,
            status=following(GATE, gate.status, "gate_opened"),
            opened_at=event.at,
            deadline_at=event.deadline_at,
            reminded_at=0.0,
        ),
    )
    draft.gate_changed(draft.plan.gates[event.gate][0])


def gate_decided(draft: Any, event: ev.GateDecided) -> None:
    """See GateDecided."""
    gate = draft.gates[event.gate]
    status = following(GATE, gate.status, f"gate_{event.verdict}")
    draft.gates = draft.gates.set(
        event.gate,
        _replace(
            gate,
            status=status,
            decided_at=event.at,
            by=event.by,
            reason=event.reason,
            evidence=event.evidence,
        ),
    )
    if status is not GateStatus.PASSED and not draft.stopping:
        draft.stopping = f"gate {event.gate} {status.value}"
    draft.gate_changed(draft.plan.gates[event.gate][0])


def gate_reminded(draft: Any, event: ev.GateReminded) -> None:
    """See GateReminded."""
    gate = draft.gates[event.gate]
    draft.gates = draft.gates.set(event.gate, _replace(gate, reminded_at=event.at))
