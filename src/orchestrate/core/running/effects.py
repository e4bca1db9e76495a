"""`pending(state)`: what a run owes to the world, derived from its state alone.

Recovery is therefore the normal path: fold the log, ask what is pending, do it. Every effect may be
performed again after a crash, so each carries the key that makes it recognisable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    """An open command gate: run its command and report the verdict."""

    gate: str


class AskPerson(msgspec.Struct, frozen=True):
    """An open human gate: nothing to do but wait, until `deadline_at` if set."""

    gate: str
    deadline_at: float | None


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


def eligible(state: RunState, excluded: Callable[[], int] = lambda: 0) -> Iterator[Eligible]:
    """Tasks that may start, most urgent first. Lazy: taking k costs O(k).

    Args:
        state: the run.
        excluded: asked before each task; a bit set of tasks not to yield from here on (those of a
            phase found to be full, for instance, so that they need not be walked one by one).
    """
    if state.status is not RunStatus.EXECUTING or state.stopping:
        return
    plan = state.index
    retrying = state.retrying
    left = state.ready | retrying
    while left := left & ~excluded():
        low = left & -left
        left ^= low
        number = low.bit_length() - 1
        not_before = state.tasks[number].not_before if retrying & low else 0.0
        yield Eligible(plan.order[number].id, number, plan.phase_of[number], not_before)


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
            yield EvaluateGate(name)
        elif gate.kind == "human":
            yield AskPerson(name, record.deadline_at)
            if record.deadline_at is not None:
                yield WakeAt(record.deadline_at)


def _wakes(state: RunState) -> Iterator[WakeAt]:
    due = [state.tasks[number].not_before for number in bits(state.retrying)]
    if due and not state.stopping:
        yield WakeAt(min(due))
    limit = state.index.workflow.limits.timeout_s
    if limit is not None:
        yield WakeAt(state.leg_started_at + limit)
