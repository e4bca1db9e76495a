"""`evolve(state, event) -> state`: fold one fact in.

Total over events this kernel writes; a history it cannot have written raises InternalError. No
clock, no randomness: equal histories give equal states. Events about the whole run are folded here,
the others in the modules beside this one; `FOLD` names the function of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from orchestrate.core.running import events as ev
from orchestrate.core.running.draft import Draft
from orchestrate.core.running.evolve_attempt import (
    advice_given,
    attempt_cancelled,
    attempt_failed,
    attempt_interrupted,
    attempt_lost,
    attempt_started,
    attempt_succeeded,
    condition_held,
    gate_decided,
    gate_opened,
    gate_reminded,
    skipped,
    task_failed,
    task_handed,
    task_split,
)
from orchestrate.core.running.evolve_checkpoint import (
    audited,
    checkpoint_due,
    checkpoint_taken,
    published,
    rolled_back,
)
from orchestrate.core.running.evolve_work import (
    group_ended,
    group_expanded,
    work_conflicted,
    work_merged,
    work_resolved,
    work_returned,
)
from orchestrate.core.running.plan import PlanIndex, bits
from orchestrate.core.running.spending import RUN as RUN_SCOPE
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import (
    GATE,
    RUN,
    TASK,
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
    draft.base = draft.line = event.base
    draft.created_at = event.at


def _planned(draft: Any, event: ev.RunPlanned) -> None:
    draft.status = following(RUN, draft.status, "run_planned")
    draft.inputs = event.inputs
    draft.fingerprint = event.fingerprint
    draft.max_parallel = event.workflow.limits.max_parallel
    draft.budget = event.workflow.limits.budget
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
    draft.exhausted = event.exhausted


def _resumed(draft: Any, event: ev.RunResumed) -> None:
    failed = draft.status is RunStatus.FAILED
    draft.exhausted = False
    draft.status = following(RUN, draft.status, "run_resumed")
    draft.reason = event.reason
    draft.leg_started_at = event.at
    draft.ended_at = 0.0
    draft.failed_task = draft.failed_gate = ""
    if failed:
        _reopen(draft)


def reopened(state: RunState) -> int:
    """Bit set of the tasks that resuming a failed run opens again.

    Failed tasks and those skipped because of them, but none in a phase that ended clean, nor in a
    group that ended well: its failures were accepted there, and what came after it, its gates
    included, was built on that.
    """
    again = 0
    for number, task in state.tasks.items():
        if state.phases[state.index.phase_of[number]].clean or _is_accepted(state, number):
            continue
        if task.status is TaskStatus.FAILED or (
            task.status is TaskStatus.SKIPPED and task.skipped_by != "condition"
        ):
            again |= 1 << number
    return again


def _is_accepted(state: RunState, number: int) -> bool:
    group = state.index.order[number].group
    return bool(group) and state.task(group).status is TaskStatus.SUCCEEDED


def _reopen(draft: Any) -> None:
    """Give failed work a new allowance; keep everything that was finished."""
    tasks = draft.tasks.mutate()
    for number in bits(reopened(draft.freeze())):
        task = draft.tasks[number]
        status = following(TASK, task.status, "run_resumed")
        tasks[number] = TaskState(
            status=status,
            attempts=task.attempts,
            attempt=task.attempt,
            used=task.used,
            cause=task.cause if task.checks else None,
            message=task.message if task.checks else "",
            checks=task.checks,
        )
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
    draft.exhausted = False
    draft.reason = event.reason
    draft.ended_at = event.at
    draft.due = None
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


def _budget_changed(draft: Any, event: ev.BudgetChanged) -> None:
    if event.scope == RUN_SCOPE:
        draft.budget = event.budget
    else:
        draft.budgets = draft.budgets.set(event.scope, event.budget)


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
    ev.BudgetChanged: _budget_changed,
    ev.ConditionHeld: condition_held,
    ev.TaskSkipped: skipped,
    ev.TaskFailed: task_failed,
    ev.AttemptStarted: attempt_started,
    ev.AttemptSucceeded: attempt_succeeded,
    ev.AttemptFailed: attempt_failed,
    ev.AttemptLost: attempt_lost,
    ev.AttemptInterrupted: attempt_interrupted,
    ev.AttemptCancelled: attempt_cancelled,
    ev.AdviceGiven: advice_given,
    ev.TaskSplit: task_split,
    ev.TaskHanded: task_handed,
    ev.GateOpened: gate_opened,
    ev.GateDecided: gate_decided,
    ev.GateReminded: gate_reminded,
    ev.WorkMerged: work_merged,
    ev.WorkReturned: work_returned,
    ev.WorkConflicted: work_conflicted,
    ev.WorkResolved: work_resolved,
    ev.GroupExpanded: group_expanded,
    ev.GroupEnded: group_ended,
    ev.CheckpointDue: checkpoint_due,
    ev.CheckpointTaken: checkpoint_taken,
    ev.RunRolledBack: rolled_back,
    ev.LinePublished: published,
    ev.AuditRecorded: audited,
}
