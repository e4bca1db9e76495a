"""`pending(state)`: what a run owes to the world, derived from its state alone.

Recovery is therefore the normal path: fold the log, ask what is pending, do it. Every effect may be
performed again after a crash, so each carries the key that makes it recognisable.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, GateStatus, RunStatus


class PerformAttempt(msgspec.Struct, frozen=True):
    """A started attempt without outcome: perform it, or find out how it ended."""

    key: AttemptKey


class StopAttempt(msgspec.Struct, frozen=True):
    """A started attempt of a run that ended: stop it and report."""

    key: AttemptKey
    reason: str


class EvaluateGate(msgspec.Struct, frozen=True):
    """An open command gate: run its command and report the verdict on this opening."""

    gate: str
    opened_at: float = 0.0


class AskPerson(msgspec.Struct, frozen=True):
    """An open human gate: nothing to do but wait, until `deadline_at` if set."""

    gate: str
    deadline_at: float | None
    opened_at: float = 0.0


class WakeAt(msgspec.Struct, frozen=True):
    """Something falls due at this Unix time (a retry, a deadline, the run's time-out)."""

    at: float


class Eligible(msgspec.Struct, frozen=True):
    """A task that may start as soon as a slot is granted, and not before `not_before`."""

    task: str
    position: int
    phase: int
    not_before: float


Effect = PerformAttempt | StopAttempt | EvaluateGate | AskPerson | WakeAt


def startable(state: RunState) -> int:
    """Bit set of the tasks that may start once granted (some perhaps only later: `not_before`)."""
    if state.status is not RunStatus.EXECUTING or state.stopping:
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
    if state.status is not RunStatus.EXECUTING:
        return
    yield from _gates(state)
    yield from _wakes(state)


def _gates(state: RunState) -> Iterator[Effect]:
    for name, (_, gate) in state.index.gates.items():
        record = state.gates[name]
        if record.status is not GateStatus.OPEN:
            continue
        if gate.kind == "command" and not state.stopping:
            yield EvaluateGate(name, record.opened_at)
        elif gate.kind == "human":
            yield AskPerson(name, record.deadline_at, record.opened_at)
            if record.deadline_at is not None:
                yield WakeAt(record.deadline_at)


def _wakes(state: RunState) -> Iterator[WakeAt]:
    due = [state.tasks[number].not_before for number in bits(state.retrying)]
    if due and not state.stopping:
        yield WakeAt(min(due))
    limit = state.index.workflow.limits.timeout_s
    if limit is not None:
        yield WakeAt(state.leg_started_at + limit)
