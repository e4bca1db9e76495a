"""No attempt and no gate is performed twice while its outcome waits to be recorded (N3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from orchestrate.adapters.memory.store import MemoryStore
from orchestrate.app import runs
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import (
    GateSpec,
    Limits,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.commands import DecideGate
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.hosts.local.driver import Driver
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.store import InboxAnswer, NewEvent


class SlowStore(MemoryStore):
    """Lets everything else run for a while before an append is durable."""

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().append(stream, expected, events, answers)


class Clock:
    """Virtual time that stands still; nothing here waits for it."""

    def now(self) -> float:
        return 1_000.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing should wait {seconds} s")


class Staggered:
    """Ends attempt after attempt, so that some end while an earlier one's outcome is appended."""

    def __init__(self) -> None:
        self.performed: Counter[str] = Counter()

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        self.performed[request.key.task] += 1
        for _ in range(3 * int(request.key.task[1:])):
            await asyncio.sleep(0)
        return AttemptResult(ok=True)

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        raise AssertionError(f"{request.key} was not left behind by anybody")


class Gates:
    def __init__(self) -> None:
        self.evaluated: Counter[str] = Counter()

    async def evaluate(self, state: RunState, gate: str) -> DecideGate:
        self.evaluated[gate] += 1
        for _ in range(5 * len(self.evaluated)):
            await asyncio.sleep(0)
        return DecideGate(gate=gate, verdict="passed", by="engine")


def request(state: RunState, key: AttemptKey) -> AttemptRequest:
    folder = f"/nowhere/{key}"
    return AttemptRequest(
        key=key,
        token=str(key),
        phase="work",
        repository="/nowhere",
        folder=folder,
        outputs_dir=folder,
        scratch_dir=folder,
    )


@pytest.mark.parametrize("tasks", [2, 7, 30])
def test_outcomes_that_arrive_during_an_append_are_taken_once(tasks: int) -> None:
    workflow = Workflow(
        name="wide",
        phases=(
            PhaseSpec(
                name="work",
                gates=tuple(GateSpec(name=f"g{n}", kind="command", command="x") for n in range(4)),
            ),
        ),
        tasks=tuple(TaskSpec(id=f"t{n}", phase="work", run="x") for n in range(tasks)),
        limits=Limits(max_parallel=5),
    )
    performer, gates = Staggered(), Gates()

    async def drive() -> tuple[RunState, list[Any]]:
        store, clock = SlowStore(), Clock()
        new = runs.NewRun("r", workflow, {}, "", "/nowhere", "", "test")
        state = await runs.create(store, clock, new, "test")
        driver = Driver(
            store=store,
            state=state,
            performer=performer,
            gates=gates,
            clock=clock,
            build_request=request,
            sample=lambda: HostView(at=clock.now()),
        )
        return await driver.run(), runs.history(store, "r")

    state, history = asyncio.run(drive())
    assert state.status is RunStatus.COMPLETED
    assert performer.performed == Counter({f"t{n}": 1 for n in range(tasks)})
    assert gates.evaluated == Counter({f"work/g{n}": 1 for n in range(4)})
    assert len(history) == state.version


class Ticking(Clock):
    """A clock that moves on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self._now = 1_000.0

    def now(self) -> float:
        self._now += 1.0
        return self._now


class FailsOnce(Staggered):
    async def perform(self, request: AttemptRequest) -> AttemptResult:
        self.performed[request.key.task] += 1
        if request.key.number == 1:
            return AttemptResult(ok=False, cause="exit", message="no")
        return AttemptResult(ok=True)


def test_a_retry_that_falls_due_while_the_host_is_looked_at_may_start() -> None:
    workflow = Workflow(
        name="retry",
        phases=(PhaseSpec(name="work"),),
        tasks=(
            TaskSpec(
                id="t0",
                phase="work",
                run="x",
                retry=RetryPolicy(max_attempts=2, backoff_s=0.5, on=("exit",)),
            ),
        ),
    )
    performer = FailsOnce()

    async def drive() -> RunState:
        store, clock = MemoryStore(), Ticking()
        new = runs.NewRun("r", workflow, {}, "", "/nowhere", "", "test")
        state = await runs.create(store, clock, new, "test")
        driver = Driver(
            store=store,
            state=state,
            performer=performer,
            gates=Gates(),
            clock=clock,
            build_request=request,
            sample=lambda: HostView(at=clock.now()),
        )
        return await driver.run()

    assert asyncio.run(drive()).status is RunStatus.COMPLETED
    assert performer.performed == Counter({"t0": 2})
