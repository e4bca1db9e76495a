"""What going back to a checkpoint changes: the records that differ, and nothing else.

A rollback is a new event that carries the restored records itself, so folding never has to look
into the past. Three things are not put back, because they would let two different pieces of work
share a name: the numbers of attempts, the order of checkpoints, and the log.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.budget import UNLIMITED
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running.state import GateState, RunState, Stable, TaskState
from orchestrate.core.running.status import GateStatus, TaskStatus

_replace = msgspec.structs.replace


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a checkpoint holds of the state. `snapshots` maps a task at work to its workspace."""

    checkpoint: str
    line: str
    workflow: Workflow
    tasks: dict[str, TaskState]
    gates: dict[str, GateState]
    snapshots: dict[str, str] = {}


class Restoration(msgspec.Struct, frozen=True):
    """What has to change for the run to be as it was."""

    line: str
    tasks: dict[str, TaskState]
    gates: dict[str, GateState]
    workflow: Workflow | None


def facts(state: RunState, checkpoint: str, snapshots: dict[str, str] | None = None) -> Facts:
    """The facts of `state`, which is the one right after the checkpoint was taken."""
    return Facts(
        checkpoint=checkpoint,
        line=state.line,
        workflow=state.index.workflow,
        tasks={state.index.order[number].id: task for number, task in state.tasks.items()},
        gates=dict(state.gates),
        snapshots=snapshots or {},
    )


def stable_facts(stable: Stable) -> Facts:
    """The facts kept for a failure to fall back to."""
    order = stable.plan.order
    return Facts(
        checkpoint=stable.checkpoint,
        line=stable.line,
        workflow=stable.plan.workflow,
        tasks={order[number].id: task for number, task in stable.tasks.items()},
        gates=dict(stable.gates),
    )


def restoration(now: RunState, then: Facts) -> Restoration:
    """How `now`, in which nothing is at work, becomes what it was `then`."""
    position = now.index.position
    tasks = {}
    for name, before in then.tasks.items():
        number = position.get(name)
        current = None if number is None else now.tasks[number]
        used = now.retired.get(name, 0) if current is None else current.next_number - 1
        record = _restored_task(before, then.snapshots.get(name, ""), used)
        if record != current:
            tasks[name] = record
    gates = {
        name: gate
        for name, known in then.gates.items()
        if (gate := _restored_gate(known)) != now.gates.get(name)
    }
    workflow = None if then.workflow == now.index.workflow else then.workflow
    return Restoration(then.line, tasks, gates, workflow)


def _restored_task(before: TaskState, snapshot: str, used: int) -> TaskState:
    record = _replace(before, used=used if used > before.attempts else before.used)
    if before.status is TaskStatus.RUNNING:
        # It was at work: it starts again, from the files it had.
        return _replace(
            record,
            status=TaskStatus.READY,
            attempt=None,
            snapshot=snapshot,
            session=None,
            reserved=UNLIMITED,
        )
    if before.status is TaskStatus.HANDED:
        return _replace(record, status=TaskStatus.READY, attempt=None, deadline_at=None)
    # The files are those of then; a conversation about later ones would contradict them.
    return _replace(record, session=None) if record.session is not None else record


def _restored_gate(before: GateState) -> GateState:
    # What was asked then is asked anew: a verdict given since was about something else.
    return GateState() if before.status is GateStatus.OPEN else before
