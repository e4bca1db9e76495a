"""What going to a checkpoint would change, compared with now. Nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from orchestrate.app.checkpoints import essence
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import GateStatus, TaskStatus

Fate = Literal["again", "back", "goes-on", "changed", "joins", "leaves"]


class TaskChange(msgspec.Struct, frozen=True):
    """What becomes of one task. Statuses are None where the task is not in the plan.

    `fate` is "again": its result is taken back and it is done anew; "back": the result it had then
    holds again; "goes-on": it was at work then and starts again from the files it had; "joins" and
    "leaves": a list had been expanded then, or had not; "changed": anything else.
    """

    task: str
    now: TaskStatus | None
    then: TaskStatus | None
    fate: Fate
    why: str


class GateChange(msgspec.Struct, frozen=True):
    """What becomes of one gate; one that was open then is asked anew, and so is closed."""

    gate: str
    now: GateStatus | None
    then: GateStatus | None


class StateChanges(msgspec.Struct, frozen=True):
    """Everything of the state that would be different, in the order of the workflow."""

    tasks: tuple[TaskChange, ...] = ()
    gates: tuple[GateChange, ...] = ()


def state_changes(now: RunState, then: Facts) -> StateChanges:
    """What going to `then` changes of the tasks and gates of `now`.

    Attempts at work are looked at as what a rollback leaves of them: ready to start.
    """
    current = facts(now, "")
    order = dict.fromkeys(
        task.id for workflow in (current.workflow, then.workflow) for task in workflow.tasks
    )
    tasks = (
        _task_change(name, current.tasks.get(name), then.tasks.get(name), then.snapshots.get(name))
        for name in order
    )
    return StateChanges(
        tuple(change for change in tasks if change is not None),
        tuple(_gate_changes(current, then)),
    )


def _task_change(
    name: str, now: TaskState | None, then: TaskState | None, snapshot: str | None
) -> TaskChange | None:
    if then is None or now is None:
        left = then is None
        return TaskChange(
            name,
            None if now is None else now.status,
            None if then is None else then.status,
            "leaves" if left else "joins",
            "its list was not expanded yet" if left else "its list was expanded already",
        )
    if now.status is not TaskStatus.HANDED and essence(now) == essence(then, snapshot):
        return None
    fate, why = _fate(now, then, snapshot)
    return TaskChange(name, now.status, then.status, fate, why)


def _fate(now: TaskState, then: TaskState, snapshot: str | None) -> tuple[Fate, str]:
    if now.status is TaskStatus.HANDED:
        after = _without_person(then, snapshot)
        return "changed", f"a person has attempt {now.attempts}, which is not used; {after}"
    if then.status is TaskStatus.RUNNING:
        files = (
            "from the files it had" if snapshot else "from the beginning: its files are not held"
        )
        return "goes-on", f"attempt {then.attempts} was at work; it starts again {files}"
    if then.status is TaskStatus.SUCCEEDED:
        return "back", f"the result of attempt {then.attempts} holds again"
    if then.status is TaskStatus.MERGING:
        return "changed", f"the work of attempt {then.attempts} waits to be merged again"
    if then.status is TaskStatus.CONFLICTED:
        return "changed", f"the work of attempt {then.attempts} is in conflict again"
    if now.status is TaskStatus.SUCCEEDED:
        return "again", f"the result of attempt {now.attempts} is taken back; it is done anew"
    if then.snapshot:
        return "goes-on", "it starts again from the files it had"
    return "changed", f"it is {then.status.value} again"


def _without_person(then: TaskState, snapshot: str | None) -> str:
    """What becomes of a task that is taken from a person."""
    if then.status is TaskStatus.HANDED:
        return "it is handed out anew"
    if then.status is TaskStatus.RUNNING:
        return f"it starts again{' from the files it had' if snapshot else ''}"
    return f"it is {then.status.value} again"


def _gate_changes(now: Facts, then: Facts) -> Iterator[GateChange]:
    for name in dict.fromkeys((*now.gates, *then.gates)):
        before, after = _asked(now, name), _asked(then, name)
        if before is not after:
            yield GateChange(name, now.gates[name].status if name in now.gates else None, after)


def _asked(held: Facts, name: str) -> GateStatus | None:
    """The gate's status as a rollback leaves it."""
    gate = held.gates.get(name)
    if gate is None:
        return None
    return GateStatus.CLOSED if gate.status is GateStatus.OPEN else gate.status
