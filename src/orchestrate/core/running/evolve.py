"""`evolve(state, event) -> state`: fold one fact in.

Total over events this kernel writes; a history it cannot have written raises InternalError. No
clock, no randomness: equal histories give equal states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from orchestrate.core.running import events as ev
from orchestrate.core.running.draft import Draft
from orchestrate.core.running.plan import PlanIndex, bits
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import (
    ATTEMPT,
    GATE,
    RUN,
    TASK,
    AttemptStatus,
    GateStatus,
    RunStatus,
    TaskStatus,
    following,
)

_replace = msgspec.structs.replace


def evolve(state: RunState, event: ev.AnyEvent) -> RunState:
    """The state after `event`."""
    draft: Any = Draft(state)
    draft.version += 1
    draft.updated_at = event.at
    FOLD[type(event)](draft, event)
    frozen: RunState = draft.freeze()
    return frozen


def fold(state: RunState, events: Iterable[ev.AnyEvent]) -> RunState:
    """The state after all of `events`, in order."""
    for event in events:
        state = evolve(state, event)
    return state


def rederive(state: RunState) -> RunState:
    """`state` with its indexes computed anew from its facts; equal to `state` if they were true."""
    draft = Draft(state)
    if state.plan is not None and state.status not in (RunStatus.IDLE, RunStatus.PLANNING):
        draft.derive()
    return draft.freeze()


# -- run ---------------------------------------------------------------------------------------


def _created(draft: Any, event: ev.RunCreated) -> None:
    draft.run = event.run
    draft.request = event.request
    draft.repository = event.repository
    draft.revision = event.revision
    draft.program = event.program
    draft.created_at = event.at


def _planned(draft: Any, event: ev.RunPlanned) -> None:
    draft.status = following(RUN, draft.status, "run_planned")
    draft.inputs = event.inputs
    draft.fingerprint = event.fingerprint
    draft.max_parallel = event.workflow.limits.max_parallel
    draft.plan_with(PlanIndex(event.workflow))


def _started(draft: Any, event: ev.RunStarted) -> None:
    draft.status = following(RUN, draft.status, "run_started")
    draft.reason = event.reason
    draft.started_at = draft.leg_started_at = event.at
    draft.derive()


def _adopted(draft: Any, event: ev.RunAdopted) -> None:
    draft.status = following(RUN, draft.status, "run_adopted")
    draft.owner = event.owner
    draft.leg_started_at = event.at


def _paused(draft: Any, event: ev.RunPaused) -> None:
    draft.status = following(RUN, draft.status, "run_paused")
    draft.reason = event.reason


def _resumed(draft: Any, event: ev.RunResumed) -> None:
    failed = draft.status is RunStatus.FAILED
    draft.status = following(RUN, draft.status, "run_resumed")
    draft.reason = event.reason
    draft.leg_started_at = event.at
    draft.ended_at = 0.0
    draft.failed_task = draft.failed_gate = ""
    if failed:
        _reopen(draft)


def reopened(state: RunState) -> int:
    """Bit set of the tasks that resuming a failed run opens again.

    Failed tasks and those skipped because of them, but none in a phase that ended clean: its
    failures were accepted there, and what came after it, its gates included, was built on that.
    """
    again = 0
    for number, task in state.tasks.items():
        if state.phases[state.index.phase_of[number]].clean:
            continue
        if task.status is TaskStatus.FAILED or (
            task.status is TaskStatus.SKIPPED and task.skipped_by != "condition"
        ):
            again |= 1 << number
    return again


def _reopen(draft: Any) -> None:
    """Give failed work a new allowance; keep everything that was finished."""
    tasks = draft.tasks.mutate()
    for number in bits(reopened(draft.freeze())):
        task = draft.tasks[number]
        status = following(TASK, task.status, "run_resumed")
        tasks[number] = TaskState(status=status, attempts=task.attempts, attempt=task.attempt)
    draft.tasks = tasks.finish()
    for name, gate in draft.gates.items():
        if gate.status in (GateStatus.FAILED, GateStatus.UNKNOWN):
            status = following(GATE, gate.status, "run_resumed")
            draft.gates = draft.gates.set(name, _replace(gate, status=status))
    draft.derive()


def _completed(draft: Any, event: ev.RunCompleted) -> None:
    draft.status = following(RUN, draft.status, "run_completed")
    draft.reason = event.reason
    draft.ended_at = event.at


def _failed(draft: Any, event: ev.RunFailed) -> None:
    draft.status = following(RUN, draft.status, "run_failed")
    draft.reason = event.reason
    draft.failed_task = event.task
    draft.failed_gate = event.gate
    draft.ended_at = event.at


def _cancelled(draft: Any, event: ev.RunCancelled) -> None:
    draft.status = following(RUN, draft.status, "run_cancelled")
    draft.reason = event.reason
    draft.ended_at = event.at
    if draft.plan is None:
        return
    tasks = draft.tasks.mutate()
    for number, task in draft.tasks.items():
        if "run_cancelled" in TASK[task.status]:
            tasks[number] = _replace(
                task, status=following(TASK, task.status, "run_cancelled"), finished_at=event.at
            )
    draft.tasks = tasks.finish()
    draft.derive()


def _limit_changed(draft: Any, event: ev.LimitChanged) -> None:
    draft.max_parallel = event.max_parallel


# -- tasks and attempts ------------------------------------------------------------------------


def _condition_held(draft: Any, event: ev.ConditionHeld) -> None:
    draft.make_ready(draft.plan.position[event.task])


def _skipped(draft: Any, event: ev.TaskSkipped) -> None:
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


def _task_failed(draft: Any, event: ev.TaskFailed) -> None:
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, "task_failed")
    draft.tasks = draft.tasks.set(
        number, _replace(before, status=status, message=event.message, finished_at=event.at)
    )
    draft.settle_task(number, status)


def _attempt_started(draft: Any, event: ev.AttemptStarted) -> None:
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    bit = 1 << number
    draft.tasks = draft.tasks.set(
        number,
        TaskState(
            status=following(TASK, before.status, "attempt_started"),
            attempt=AttemptStatus.STARTED,
            attempts=event.number,
            failures=before.failures,
            losses=before.losses,
            started_at=event.at,
            cause=before.cause,
            message=before.message,
        ),
    )
    # Large sets make every operation on them count: change only the one that holds the task.
    if before.status is TaskStatus.READY:
        draft.ready ^= bit
    else:
        draft.retrying ^= bit
    draft.live |= bit


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
    elif status is not TaskStatus.CANCELLED:
        draft.settle_task(number, status)


def _attempt_succeeded(draft: Any, event: ev.AttemptSucceeded) -> None:
    _end_attempt(
        draft,
        event,
        "attempt_succeeded",
        summary=event.summary,
        artifacts=event.artifacts,
        metrics=event.metrics,
        exit_code=event.exit_code,
        cause=None,
        message="",
    )


def _attempt_failed(draft: Any, event: ev.AttemptFailed) -> None:
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    _end_attempt(
        draft,
        event,
        "attempt_failed" if event.retry_at is None else "attempt_failed_retry",
        failures=before.failures + 1,
        not_before=event.retry_at or 0.0,
        cause=event.cause,
        message=event.message,
        exit_code=event.exit_code,
    )


def _attempt_lost(draft: Any, event: ev.AttemptLost) -> None:
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    _end_attempt(
        draft,
        event,
        "attempt_lost_retry" if event.retry else "attempt_lost",
        losses=before.losses + 1,
        cause="lost",
        message=event.message,
    )


def _attempt_interrupted(draft: Any, event: ev.AttemptInterrupted) -> None:
    _end_attempt(draft, event, "attempt_interrupted", message=event.reason)


def _attempt_cancelled(draft: Any, event: ev.AttemptCancelled) -> None:
    _end_attempt(draft, event, "attempt_cancelled")


# -- gates -------------------------------------------------------------------------------------


def _gate_opened(draft: Any, event: ev.GateOpened) -> None:
    gate = draft.gates[event.gate]
    draft.gates = draft.gates.set(
        event.gate,
        _replace(
            gate,
            status=following(GATE, gate.status, "gate_opened"),
            opened_at=event.at,
            deadline_at=event.deadline_at,
        ),
    )
    draft.gate_changed(draft.plan.gates[event.gate][0])


def _gate_decided(draft: Any, event: ev.GateDecided) -> None:
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


#: What folds each kind of event in.
FOLD: dict[type, Callable[[Any, Any], None]] = {
    ev.RunCreated: _created,
    ev.RunPlanned: _planned,
    ev.RunStarted: _started,
    ev.RunAdopted: _adopted,
    ev.RunPaused: _paused,
    ev.RunResumed: _resumed,
    ev.RunCompleted: _completed,
    ev.RunFailed: _failed,
    ev.RunCancelled: _cancelled,
    ev.LimitChanged: _limit_changed,
    ev.ConditionHeld: _condition_held,
    ev.TaskSkipped: _skipped,
    ev.TaskFailed: _task_failed,
    ev.AttemptStarted: _attempt_started,
    ev.AttemptSucceeded: _attempt_succeeded,
    ev.AttemptFailed: _attempt_failed,
    ev.AttemptLost: _attempt_lost,
    ev.AttemptInterrupted: _attempt_interrupted,
    ev.AttemptCancelled: _attempt_cancelled,
    ev.GateOpened: _gate_opened,
    ev.GateDecided: _gate_decided,
}
