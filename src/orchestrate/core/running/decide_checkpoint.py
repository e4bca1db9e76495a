"""Commands about checkpoints and the integration line: taken, gone back to, published, audited."""

from __future__ import annotations

import msgspec

from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.legality import (
    HOLDS_CHECKPOINTS,
    IN_PROGRESS,
    Events,
    StaleAttemptError,
    refusal,
    require_row,
)
from orchestrate.core.running.owed import (
    is_publication_owed,
    needs_host,
    owed_checkpoint,
)
from orchestrate.core.running.plan import bits
from orchestrate.core.running.rollback import Restoration, restoration, stable_facts
from orchestrate.core.running.state import CheckpointKind, Due, RunState, TaskState
from orchestrate.core.running.status import (
    TASK_SETTLED,
    GateStatus,
    TaskStatus,
)


def owed_now(state: RunState, now: float) -> ev.CheckpointTaken | None:
    """The checkpoint that is owed and takes nobody outside; None if there is none."""
    kind = owed_checkpoint(state)
    if kind is None or needs_host(state):
        return None
    due = state.due or Due(kind)
    return _taken(state, kind, now, note=due.note, by=due.by)


def _taken(
    state: RunState, kind: CheckpointKind, now: float, *, note: str = "", by: str = ""
) -> ev.CheckpointTaken:
    """A checkpoint without the host. What is at work is not held: it is being stopped."""
    missing = {}
    if state.base:
        writing = bits(state.live & state.index.writing)
        missing = {state.index.order[n].id: "it was being stopped" for n in writing}
    return ev.CheckpointTaken(
        at=now,
        checkpoint=f"c{state.checkpoints + 1}",
        kind=kind,
        line=state.line,
        missing=missing,
        quiet=not state.live,
        note=note,
        by=by,
    )


def fall_back(state: RunState, now: float) -> Events:
    """Take a failed run back to its last stable checkpoint, if a gate refused what came after it.

    Only then: a task that fails leaves nothing on the line, and everything else there was merged
    because it passed. What is taken back is done anew when the run is resumed, with the reason.
    """
    gate = state.gates.get(state.failed_gate)
    stable = state.stable
    if (
        gate is None
        or gate.status is not GateStatus.FAILED
        or stable is None
        or stable.line == state.line
        or state.live
        or state.index.workflow.rollback == "never"
    ):
        return ()
    then = stable_facts(stable)
    change = restoration(state, then)
    reason = f"gate {state.failed_gate} failed" + (f": {gate.reason}" if gate.reason else "")
    return (
        _taken(state, "failure", now, note=reason),
        ev.RunRolledBack(
            at=now,
            checkpoint=then.checkpoint,
            line=change.line,
            tasks=_told_why(state, change, reason),
            gates=change.gates,
            workflow=change.workflow,
            automatic=True,
            reason=reason,
        ),
    )


def _told_why(state: RunState, change: Restoration, reason: str) -> dict[str, TaskState]:
    """The restored records, those to be done anew with the reason why."""
    position = state.index.position
    told = {}
    for name, record in change.tasks.items():
        undone = name in position and state.tasks[position[name]].status is TaskStatus.SUCCEEDED
        if undone and record.status not in TASK_SETTLED:
            record = msgspec.structs.replace(record, cause="checks_failed", message=reason)
        told[name] = record
    return told


def ask_checkpoint(state: RunState, command: cmd.AskCheckpoint, now: float) -> Events:
    """See AskCheckpoint."""
    if state.status not in HOLDS_CHECKPOINTS:
        raise refusal(state, f"a run that is {state.status.value} cannot be gone back to")
    if needs_host(state) and state.status in IN_PROGRESS:
        return (ev.CheckpointDue(at=now, kind=command.kind, note=command.note, by=command.by),)
    return (_taken(state, command.kind, now, note=command.note, by=command.by),)


def record_checkpoint(state: RunState, command: cmd.RecordCheckpoint, now: float) -> Events:
    """See RecordCheckpoint.

    Snapshots were taken while the run went on: only what is still at work counts, and what the
    checkpoint is for is what it is owed for now.
    """
    kind, checkpoint = owed_checkpoint(state), f"c{state.checkpoints + 1}"
    if kind is None or command.checkpoint not in ("", checkpoint):
        raise StaleAttemptError("this checkpoint is not awaited any more")
    plan, due = state.index, state.due or Due(kind, command.note, command.by)
    snapshots: dict[str, str] = {}
    missing: dict[str, str] = {}
    for number in bits(state.live & plan.writing):
        task = plan.order[number].id
        key = f"{task}.{state.tasks[number].attempts}"
        if key in command.snapshots:
            snapshots[task] = command.snapshots[key]
        else:
            missing[task] = command.missing.get(key, "it began while the others were snapshotted")
    marked = command.mark if command.mark and command.line == state.line else state.line
    return (
        ev.CheckpointTaken(
            at=now,
            checkpoint=checkpoint,
            kind=kind,
            line=marked,
            snapshots=snapshots,
            missing=missing,
            quiet=not state.live,
            note=due.note,
            by=due.by,
        ),
    )


def roll_back(state: RunState, command: cmd.RollBack, now: float) -> Events:
    """See RollBack."""
    require_row(state, command)
    if state.live:
        raise refusal(state, "RollBack is not possible while attempts are at work")
    change = restoration(state, command.target)
    return (
        _taken(state, "rollback", now, note=f"before going to {command.checkpoint}"),
        ev.RunRolledBack(
            at=now,
            checkpoint=command.checkpoint,
            line=change.line,
            tasks=change.tasks,
            gates=change.gates,
            workflow=change.workflow,
            reason=command.reason,
            by=command.by,
        ),
    )


def record_publication(state: RunState, command: cmd.RecordPublication, now: float) -> Events:
    """See RecordPublication."""
    if not is_publication_owed(state) or command.commit != state.line:
        raise StaleAttemptError("the line is not waiting to be published")
    return (ev.LinePublished(at=now, branch=command.branch, commit=command.commit),)


def record_audit(state: RunState, command: cmd.RecordAudit, now: float) -> Events:
    """See RecordAudit."""
    if not state.run:
        raise refusal(state, "there is no run to audit")
    if (command.verdict, command.changes) == (state.audit, state.audit_changes):
        return ()
    return (ev.AuditRecorded(at=now, verdict=command.verdict, changes=command.changes),)
