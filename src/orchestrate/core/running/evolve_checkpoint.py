"""Folding of checkpoints, rollbacks and what becomes of the line: one function per event."""

from __future__ import annotations

from typing import Any

from orchestrate.core.running import events as ev
from orchestrate.core.running.marks import done_phases, done_unmarked, moved_since_mark
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.state import Due, Stable
from orchestrate.core.running.status import RUN, following


def checkpoint_due(draft: Any, event: ev.CheckpointDue) -> None:
    """See CheckpointDue."""
    draft.due = Due(event.kind, event.note, event.by)


def checkpoint_taken(draft: Any, event: ev.CheckpointTaken) -> None:
    """Only the beginning, or the end of a phase, is stable: elsewhere a phase is half done."""
    ended = done_unmarked(draft)
    if event.line != draft.line or not moved_since_mark(draft):
        draft.marked = done_phases(draft)
    marks = ended & draft.marked
    draft.checkpoints += 1
    draft.checkpoint_at = event.at
    draft.line = event.line
    draft.due = None
    draft.undelivered = False
    if event.quiet and not draft.stopping and (event.kind == "start" or marks):
        draft.stable = Stable(event.checkpoint, draft.line, draft.plan, draft.tasks, draft.gates)


def rolled_back(draft: Any, event: ev.RunRolledBack) -> None:
    """See RunRolledBack."""
    trigger = "run_rolled_back_by_failure" if event.automatic else "run_rolled_back"
    draft.status = following(RUN, draft.status, trigger)
    if event.workflow is not None:
        draft.replan(PlanIndex(event.workflow))
    position = draft.plan.position
    draft.tasks = draft.tasks.update({position[name]: task for name, task in event.tasks.items()})
    draft.gates = draft.gates.update(event.gates)
    draft.line = event.line
    draft.published = ""
    draft.due = None
    if not event.automatic:
        draft.exhausted = False
        draft.reason = event.reason
        draft.ended_at = 0.0
        draft.failed_task = draft.failed_gate = ""
    draft.derive()
    draft.undelivered = bool(draft.merging)
    draft.marked = done_phases(draft)
    # What was stable since is ahead of here, and a failure must not lead forward.
    draft.stable = Stable(event.checkpoint, draft.line, draft.plan, draft.tasks, draft.gates)


def published(draft: Any, event: ev.LinePublished) -> None:
    """See LinePublished."""
    draft.published = event.branch


def audited(draft: Any, event: ev.AuditRecorded) -> None:
    """See AuditRecorded."""
    draft.audit = event.verdict
    draft.audit_changes = event.changes
