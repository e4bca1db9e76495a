"""`pending(state)`: what a run owes to the world, derived from its state alone.

Recovery is therefore the normal path: fold the log, ask what is pending, do it. Every effect may be
performed again after a crash, so each carries the key that makes it recognisable.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import EVIDENCE_GATES
from orchestrate.core.running.marks import done_unmarked, moved_since_mark
from orchestrate.core.running.owed import (
    awaits_quiet,
    checkpoint_due_at,
    is_publication_owed,
    owed_checkpoint,
    reminder_at,
)
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import CheckpointKind, RunState
from orchestrate.core.running.status import RUN_ENDED, GateStatus, RunStatus


class PerformAttempt(msgspec.Struct, frozen=True):
    """A started attempt without outcome: perform it, or find out how it ended."""

    key: AttemptKey


class StopAttempt(msgspec.Struct, frozen=True):
    """A started attempt of a run that ended: stop it and report."""

    key: AttemptKey
    reason: str


class EvaluateGate(msgspec.Struct, frozen=True):
    """An open gate that evidence decides: gather it and report the verdict on this opening."""

    gate: str
    opened_at: float = 0.0


class AskPerson(msgspec.Struct, frozen=True):
    """An open human gate: nothing to do but wait, until `deadline_at` if set."""

    gate: str
    deadline_at: float | None
    opened_at: float = 0.0


class MergeWorks(msgspec.Struct, frozen=True):
    """Delivered work: merge it into `line`, in this order, checking what it makes of the line."""

    line: str
    works: tuple[AttemptKey, ...]


class AwaitResolution(msgspec.Struct, frozen=True):
    """Work that conflicts with the line, for a person to join or send back."""

    key: AttemptKey


class AwaitHandIn(msgspec.Struct, frozen=True):
    """A task in the hands of a person, until `deadline_at` if that is set."""

    key: AttemptKey
    deadline_at: float | None = None


class ReadList(msgspec.Struct, frozen=True):
    """A group that may be expanded: read the list it is over and hand in its items."""

    task: str


class TakeCheckpoint(msgspec.Struct, frozen=True):
    """Snapshot the workspaces of these attempts and record the checkpoint `checkpoint`.

    With `mark`, the end of the phases named is marked on `line` by a commit of its own first.
    """

    kind: CheckpointKind
    note: str
    by: str
    line: str
    attempts: tuple[AttemptKey, ...]
    mark: tuple[str, ...] = ()
    checkpoint: str = ""


class PublishLine(msgspec.Struct, frozen=True):
    """Everything is done and the line has moved: give it to the user."""

    line: str


class WakeAt(msgspec.Struct, frozen=True):
    """Something falls due at this Unix time (a retry, a deadline, the run's time-out)."""

    at: float


class Eligible(msgspec.Struct, frozen=True):
    """A task that may start as soon as a slot is granted, and not before `not_before`."""

    task: str
    position: int
    phase: int
    not_before: float


Effect = (
    PerformAttempt
    | StopAttempt
    | EvaluateGate
    | AskPerson
    | MergeWorks
    | AwaitResolution
    | AwaitHandIn
    | ReadList
    | TakeCheckpoint
    | PublishLine
    | WakeAt
)


def startable(state: RunState) -> int:
    """Bit set of the tasks that may start once granted (some perhaps only later: `not_before`)."""
    if state.status is not RunStatus.EXECUTING or state.stopping:
        return 0
    if state.base and awaits_quiet(state):
        return 0
    return state.ready | state.retrying


def eligible_at(state: RunState, number: int) -> Eligible:
    """The startable task at position `number`."""
    plan = state.index
    not_before = state.tasks[number].not_before if state.retrying >> number & 1 else 0.0
    return Eligible(plan.order[number].id, number, plan.phase_of[number], not_before)


def eligible(state: RunState) -> Iterator[Eligible]:
    """Tasks that may start, most urgent first. Lazy: taking k costs O(k)."""
    for number in bits(startable(state)):
        yield eligible_at(state, number)


def pending(state: RunState) -> Iterator[Effect]:
    """Effects owed now, attempts first. Starting eligible tasks is owed only once granted."""
    if state.plan is None:
        return
    ended = state.status in RUN_ENDED
    for number in bits(state.live):
        task = state.plan.order[number].id
        key = AttemptKey(state.run, task, state.tasks[number].attempts)
        yield StopAttempt(key, state.reason) if ended else PerformAttempt(key)
    # Most runs have no line: what only such a one can owe is not looked for in the others.
    lined = bool(state.base) or state.due is not None
    if lined and state.status in (RunStatus.EXECUTING, RunStatus.PAUSED) and owed_checkpoint(state):
        yield _checkpoint(state)
    if state.status is not RunStatus.EXECUTING:
        return
    yield from _gates(state)
    for number in bits(state.handed):
        deadline_at = state.tasks[number].deadline_at
        yield AwaitHandIn(_key(state, number), deadline_at)
        if deadline_at is not None:
            yield WakeAt(deadline_at)
    if lined or state.groups or state.merging or state.conflicted:
        yield from _line(state)
    yield from _wakes(state)


def _key(state: RunState, number: int) -> AttemptKey:
    return AttemptKey(state.run, state.index.order[number].id, state.tasks[number].attempts)


def _checkpoint(state: RunState) -> TakeCheckpoint:
    plan = state.index
    due = state.due
    mark: tuple[str, ...] = ()
    if moved_since_mark(state):
        mark = tuple(plan.workflow.phases[n].name for n in bits(done_unmarked(state)))
    return TakeCheckpoint(
        kind=owed_checkpoint(state) or "manual",
        note=due.note if due is not None else "",
        by=due.by if due is not None else "",
        line=state.line,
        attempts=tuple(_key(state, number) for number in bits(state.live & plan.writing)),
        mark=mark,
        checkpoint=f"c{state.checkpoints + 1}",
    )


def _line(state: RunState) -> Iterator[Effect]:
    """Work on the integration line, and lists to read."""
    for number in bits(state.conflicted):
        yield AwaitResolution(_key(state, number))
    if state.merging and not owed_checkpoint(state):
        yield MergeWorks(state.line, tuple(_key(state, n) for n in bits(state.merging)))
    if not state.stopping:
        order = state.index.order
        for number in bits(state.groups):
            if not order[number].expanded:
                yield ReadList(order[number].id)
    # The checkpoint at the end of the last phase still moves the line.
    if is_publication_owed(state) and not owed_checkpoint(state):
        yield PublishLine(state.line)


def _gates(state: RunState) -> Iterator[Effect]:
    for name, (_, gate) in state.index.gates.items():
        record = state.gates[name]
        if record.status is not GateStatus.OPEN:
            continue
        if gate.kind in EVIDENCE_GATES and not state.stopping:
            yield EvaluateGate(name, record.opened_at)
        elif gate.kind == "human":
            yield AskPerson(name, record.deadline_at, record.opened_at)
            if record.deadline_at is not None:
                yield WakeAt(record.deadline_at)
            if gate.remind_s is not None:
                yield WakeAt(reminder_at(record, gate.remind_s))


def _wakes(state: RunState) -> Iterator[WakeAt]:
    if not state.stopping:
        # Each of them: the first may be held back by something else when its time has come.
        for number in bits(state.retrying):
            yield WakeAt(state.tasks[number].not_before)
    checkpoint_at = checkpoint_due_at(state) if state.base else None
    if checkpoint_at is not None:
        yield WakeAt(checkpoint_at)
    limit = state.index.workflow.limits.timeout_s
    if limit is not None:
        yield WakeAt(state.leg_started_at + limit)
