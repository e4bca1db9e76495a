"""Folding of what happens to delivered work and to groups: one function per event."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.core.planning.expansion import expanded
from orchestrate.core.running import events as ev
from orchestrate.core.running.evolve_attempt import moved_on
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.state import TaskState
from orchestrate.core.running.status import TASK, TaskStatus, following

_replace = msgspec.structs.replace


def _settle_work(draft: Any, event: Any, trigger: str, **changes: Any) -> None:
    """Take a task out of the train, or out of a conflict."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, trigger)
    draft.tasks = draft.tasks.set(number, _replace(before, status=status, **changes))
    bit = 1 << number
    draft.merging &= ~bit
    draft.conflicted &= ~bit
    if status is TaskStatus.READY:
        draft.ready |= bit
        draft.hold_back(number)
    elif status is TaskStatus.MERGING:
        draft.merging |= bit
        draft.undelivered = True
    elif status is TaskStatus.CONFLICTED:
        draft.conflicted |= bit
    else:
        draft.settle_task(number, status)


def work_merged(draft: Any, event: ev.WorkMerged) -> None:
    """See WorkMerged."""
    draft.line = event.commit
    _settle_work(
        draft,
        event,
        "work_merged",
        commit=event.commit,
        checks=event.checks,
        verified=event.verified,
        cause=None,
        message="",
        finished_at=event.at,
    )


def work_returned(draft: Any, event: ev.WorkReturned) -> None:
    """See WorkReturned."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    _settle_work(
        draft,
        event,
        "work_returned_retry" if event.retry else "work_returned",
        **_sent_back(before, event),
        cause=event.cause,
        message=event.message,
        checks=event.checks,
        conflicts=(),
        resolving=False,
        finished_at=event.at,
    )


def _sent_back(before: TaskState, event: ev.WorkReturned) -> dict[str, Any]:
    moved = moved_on(before, event)
    if moved:
        return moved
    # A conversation goes on in the files it began with. What the work breaks with is not in them,
    # and whoever does not see it cannot mend it.
    session = None if event.together else before.session
    return {"returns": before.returns + 1, "session": session}


def work_conflicted(draft: Any, event: ev.WorkConflicted) -> None:
    """See WorkConflicted."""
    before: TaskState = draft.tasks[draft.plan.position[event.task]]
    _settle_work(
        draft,
        event,
        "work_conflicted_resolver" if event.resolver else "work_conflicted",
        conflicts=event.conflicts,
        resolving=event.resolver,
        returns=before.returns + event.resolver,
        # Whoever goes on does so from another line than the conversation was about.
        session=None,
        cause="conflict",
        message=f"{len(event.conflicts)} files conflict with what was merged",
    )


def work_resolved(draft: Any, event: ev.WorkResolved) -> None:
    """See WorkResolved."""
    _settle_work(
        draft, event, "work_resolved", work=event.work, conflicts=(), cause=None, message=""
    )


# -- groups ------------------------------------------------------------------------------------


def group_expanded(draft: Any, event: ev.GroupExpanded) -> None:
    """See GroupExpanded."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, "group_expanded")
    draft.tasks = draft.tasks.set(number, _replace(before, status=status))
    items = [(item.key, item.values, item.writes) for item in event.items]
    draft.replan(PlanIndex(expanded(draft.plan.workflow, event.task, items)))
    draft.derive()


def group_ended(draft: Any, event: ev.GroupEnded) -> None:
    """See GroupEnded."""
    number = draft.plan.position[event.task]
    before = draft.tasks[number]
    status = following(TASK, before.status, "group_ended")
    metrics = {"succeeded": float(event.succeeded), "failed": float(event.failed)}
    draft.tasks = draft.tasks.set(
        number,
        # What failed may have been the whole, before it was split.
        _replace(
            before, status=status, metrics=metrics, cause=None, message="", finished_at=event.at
        ),
    )
    draft.groups &= ~(1 << number)
    draft.settle_task(number, status)
