"""Folding of what happens to tasks, their attempts and the gates: one function per event."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.core.planning.budget import UNLIMITED
from orchestrate.core.planning.expansion import split
from orchestrate.core.running import events as ev
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.spending import charge
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
from orchestrate.core.sharing.usage import AgentSession

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
            reserved=event.reserved,
            rung=before.rung,
            performer=before.performer,
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
        rung=before.rung,
        performer=before.performer,
        limited=before.limited,
        session=before.session,
        advice=before.advice,
        reserved=event.reserved,
    )


def _end_attempt(draft: Any, event: Any, trigger: str, **changes: Any) -> None:
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, trigger)
    if draft.plan.paid >> number & 1:
        _settle_account(draft, number, before, event)
        changes["reserved"] = UNLIMITED
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
    if before.status is TaskStatus.HANDED:
        draft.handed ^= bit
    else:
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


def _settle_account(draft: Any, number: int, before: TaskState, event: Any) -> None:
    """Add what an attempt consumed to what was spent."""
    who = performing(draft.plan, number, before)
    usage = event.usage
    # What vanished may have consumed anything; what never began consumed nothing.
    if who is None or not who.paid or (usage is None and not isinstance(event, ev.AttemptLost)):
        return
    task = draft.plan.order[number]
    draft.spent = charge(draft.spent, task, who.backend, usage, before.reserved, event.duration_s)
    if usage is None or (usage.cost_usd is None and usage.tokens):
        draft.unpriced += 1


def attempt_succeeded(draft: Any, event: ev.AttemptSucceeded) -> None:
    """See AttemptSucceeded."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
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
        session=None if before.resolving else event.session,
        snapshot="",
        summary=event.summary,
        follow_ups=event.follow_ups,
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
        **next_rung(before, event),
        resolving=before.resolving and event.retry_at is not None,
        not_before=event.retry_at or 0.0,
        cause=event.cause,
        message=event.message,
        exit_code=event.exit_code,
    )


#: What whoever comes next begins with: all tries, and no conversation.
_ANEW: dict[str, Any] = {"failures": 0, "limited": 0, "losses": 0, "returns": 0, "session": None}


def moved_on(
    before: TaskState, event: ev.AttemptFailed | ev.AttemptLost | ev.WorkReturned
) -> dict[str, Any]:
    """What changes when somebody else takes over; nothing if nobody does."""
    if not event.rung or (event.rung, event.performer) == (before.rung, before.performer):
        return {}
    return {"rung": event.rung, "performer": event.performer, **_ANEW}


def next_rung(before: TaskState, event: ev.AttemptFailed) -> dict[str, Any]:
    """What a failure changes of a task's place on the ladder of recovery."""
    moved = moved_on(before, event)
    if moved:
        return moved
    return {
        "failures": before.failures + (not event.blameless),
        "limited": before.limited + event.blameless,
        "session": _session(before, event.session),
    }


def _session(before: TaskState, latest: AgentSession | None) -> AgentSession | None:
    """The conversation to go on with; what was said about a conflict is no part of it."""
    return before.session if before.resolving else latest or before.session


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
        **{
            "losses": before.losses + 1,
            "session": _session(before, event.session),
            **moved_on(before, event),
        },
        resolving=before.resolving and event.retry,
        cause="lost",
        message=event.message,
    )


def attempt_interrupted(draft: Any, event: ev.AttemptInterrupted) -> None:
    """See AttemptInterrupted."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    _end_attempt(
        draft,
        event,
        "attempt_interrupted",
        # What was wrong with earlier work is what the next attempt has to be told.
        message=event.reason if before.cause is None else before.message,
        session=_session(before, event.session),
    )


def attempt_cancelled(draft: Any, event: ev.AttemptCancelled) -> None:
    """See AttemptCancelled."""
    _end_attempt(draft, event, "attempt_cancelled")


def advice_given(draft: Any, event: ev.AdviceGiven) -> None:
    """See AdviceGiven."""
    _end_attempt(draft, event, "advice_given", advice=event.advice, performer=0, **_ANEW)


def task_split(draft: Any, event: ev.TaskSplit) -> None:
    """See TaskSplit."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, "task_split")
    # What was delivered for the whole, and sent back, is not what the members deliver.
    record = _replace(before, status=status, session=None, work=None)
    draft.tasks = draft.tasks.set(number, record)
    draft.replan(PlanIndex(split(draft.plan.workflow, event.task)))
    draft.derive()


def task_handed(draft: Any, event: ev.TaskHanded) -> None:
    """See TaskHanded."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    bit = 1 << number
    draft.tasks = draft.tasks.set(
        number,
        _replace(
            before,
            status=following(TASK, before.status, "task_handed"),
            attempt=AttemptStatus.STARTED,
            attempts=event.number,
            started_at=event.at,
            finished_at=0.0,
            not_before=0.0,
            base=event.base,
            work=None,
            session=None,
            deadline_at=event.deadline_at,
        ),
    )
    draft.ready &= ~bit
    draft.retrying &= ~bit
    draft.handed |= bit


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
