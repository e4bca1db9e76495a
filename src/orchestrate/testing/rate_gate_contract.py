"""What every rate gate must do: one suite, run against each adapter.

Subclass `RateGateContract` in a test module, implement `open`, and pytest collects the tests.
Nothing here needs pytest itself.

    class TestMyGate(RateGateContract):
        def open(self, clock: Clock, width: int) -> RateGate: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from orchestrate.core.running.rate_gate import FIRST_WAIT_S
from orchestrate.ports.clock import Clock
from orchestrate.ports.rate_gate import ProviderView, RateGate

T = TypeVar("T")

NOON = 1_000_000.0
HERE, THERE = "here", "there"


class SteppedClock:
    """Time that passes only when a test says so; implements `ports.clock.Clock`."""

    def __init__(self, now: float = NOON) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Unix seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was stepped by `seconds`."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, sleeper))
        await sleeper

    def set(self, now: float) -> None:
        """Jump without waking anybody, as when the machine's clock is set."""
        moved = now - self._now
        self._now = now
        self._sleepers = [(due + moved, sleeper) for due, sleeper in self._sleepers]

    async def step(self, seconds: float) -> None:
        """Let time pass and whoever wakes up run, in the order they wake."""
        end = self._now + seconds
        await settle()
        while due := sorted((item for item in self._sleepers if item[0] <= end), key=_when):
            self._now = max(self._now, due[0][0])
            self._sleepers.remove(due[0])
            if not due[0][1].done():
                due[0][1].set_result(None)
            await settle()
        self._now = end


def _when(item: tuple[float, asyncio.Future[None]]) -> float:
    return item[0]


async def settle() -> None:
    """Let every task run until it waits for something that is not there yet."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` in an event loop of its own."""
    return asyncio.run(work)


class RateGateContract:
    """The contract of every rate gate, within one process."""

    # -- to be implemented ---------------------------------------------------------------------

    def open(self, clock: Clock, width: int) -> RateGate:
        """A gate with nobody inside that lets `width` attempts in at once."""
        raise NotImplementedError

    # -- helpers -------------------------------------------------------------------------------

    def _gate(self, width: int = 4) -> tuple[RateGate, SteppedClock]:
        clock = SteppedClock()
        return self.open(clock, width), clock

    @staticmethod
    async def _fill(gate: RateGate, count: int) -> list[str]:
        names = [f"attempt-{number}" for number in range(count)]
        for name in names:
            await gate.enter(HERE, name)
        return names

    @staticmethod
    def _look(gate: RateGate, clock: SteppedClock, provider: str = HERE) -> ProviderView:
        return gate.view([provider], clock.now())[provider]

    # -- the contract --------------------------------------------------------------------------

    def test_open_gate_lets_as_many_in_as_it_is_wide(self) -> None:
        """Up to its width, and the view counts down."""

        async def script() -> None:
            gate, clock = self._gate(2)
            assert self._look(gate, clock) == ProviderView(free=2)
            await self._fill(gate, 2)
            full = self._look(gate, clock)
            assert (full.free, full.until) == (0, None)
            assert "at most 2" in full.reason
            gate.close()

        run(script())

    def test_view_has_every_provider_that_was_asked_for(self) -> None:
        """Also one that nobody ever used."""

        async def script() -> None:
            gate, clock = self._gate(3)
            await gate.enter(HERE, "a")
            view = gate.view([HERE, THERE], clock.now())
            assert {name: item.free for name, item in view.items()} == {HERE: 2, THERE: 3}
            gate.close()

        run(script())

    def test_entering_twice_takes_one_permit(self) -> None:
        """A holder is inside or it is not."""

        async def script() -> None:
            gate, clock = self._gate(2)
            await gate.enter(HERE, "a")
            await gate.enter(HERE, "a")
            assert self._look(gate, clock).free == 1
            gate.leave(HERE, "a")
            assert self._look(gate, clock).free == 2
            gate.close()

        run(script())

    def test_leaving_without_being_inside_changes_nothing(self) -> None:
        """Not even a limit is believed of somebody who was not inside."""

        async def script() -> None:
            gate, clock = self._gate(2)
            gate.leave(HERE, "nobody", limited=True, retry_after_s=100.0)
            assert self._look(gate, clock) == ProviderView(free=2)
            gate.close()

        run(script())

    def test_who_waits_enters_when_somebody_leaves_in_the_order_they_came(self) -> None:
        """First come, first served."""

        async def script() -> None:
            gate, clock = self._gate(1)
            await gate.enter(HERE, "inside")
            entered: list[str] = []

            async def come(name: str) -> None:
                await gate.enter(HERE, name)
                entered.append(name)

            tasks = []
            for name in ("first", "second"):
                tasks.append(asyncio.ensure_future(come(name)))
                await settle()
            await clock.step(10.0)
            assert entered == []
            gate.leave(HERE, "inside")
            await clock.step(1.0)
            assert entered == ["first"]
            gate.leave(HERE, "first")
            await clock.step(1.0)
            assert entered == ["first", "second"]
            await asyncio.gather(*tasks)
            gate.close()

        run(script())

    def test_those_who_wait_are_not_overtaken_by_a_newcomer(self) -> None:
        """A place that is promised is not shown as free."""

        async def script() -> None:
            gate, clock = self._gate(1)
            await gate.enter(HERE, "inside")
            waiting = asyncio.ensure_future(gate.enter(HERE, "waiting"))
            await settle()
            gate.leave(HERE, "inside")
            view = self._look(gate, clock)
            assert (view.free, view.reason != "") == (0, True)
            newcomer = asyncio.ensure_future(gate.enter(HERE, "newcomer"))
            await clock.step(1.0)
            assert (waiting.done(), newcomer.done()) == (True, False)
            gate.leave(HERE, "waiting")
            await clock.step(1.0)
            await newcomer
            gate.close()

        run(script())

    def test_cancelled_waiter_leaves_no_trace(self) -> None:
        """The place in the line is given up."""

        async def script() -> None:
            gate, clock = self._gate(1)
            await gate.enter(HERE, "inside")
            waiting = asyncio.ensure_future(gate.enter(HERE, "waiting"))
            await settle()
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
            gate.leave(HERE, "inside")
            assert self._look(gate, clock) == ProviderView(free=1)
            gate.close()

        run(script())

    def test_limit_closes_the_gate_for_as_long_as_the_provider_said(self) -> None:
        """For that provider alone, and not a second less."""

        async def script() -> None:
            gate, clock = self._gate()
            await gate.enter(HERE, "a")
            await clock.step(5.0)
            gate.leave(HERE, "a", limited=True, retry_after_s=120.0)
            closed = self._look(gate, clock)
            assert (closed.free, closed.until) == (0, clock.now() + 120.0)
            assert "120 s" in closed.reason
            assert self._look(gate, clock, THERE) == ProviderView(free=4)
            probe = asyncio.ensure_future(gate.enter(HERE, "probe"))
            await clock.step(119.0)
            assert not probe.done()
            await clock.step(2.0)
            assert probe.done()
            gate.close()

        run(script())

    def test_gate_opens_one_two_four_as_attempts_are_served(self) -> None:
        """After the wait, step by step."""

        async def script() -> None:
            gate, clock = self._gate(4)
            await gate.enter(HERE, "a")
            await clock.step(1.0)
            gate.leave(HERE, "a", limited=True)
            await clock.step(FIRST_WAIT_S)
            seen = []
            for name in ("b", "c", "d"):
                seen.append(self._look(gate, clock).free)
                await gate.enter(HERE, name)
                await clock.step(1.0)
                gate.leave(HERE, name)
            assert [*seen, self._look(gate, clock).free] == [1, 2, 4, 4]
            gate.close()

        run(script())

    def test_limit_met_by_several_at_once_closes_the_gate_once(self) -> None:
        """Those that were inside when it closed prove nothing new."""

        async def script() -> None:
            gate, clock = self._gate(4)
            names = await self._fill(gate, 4)
            await clock.step(1.0)
            for name in names:
                gate.leave(HERE, name, limited=True)
            assert self._look(gate, clock).until == clock.now() + FIRST_WAIT_S
            gate.close()

        run(script())

    def test_probe_that_is_limited_closes_the_gate_for_longer(self) -> None:
        """And so on, doubling."""

        async def script() -> None:
            gate, clock = self._gate(4)
            await gate.enter(HERE, "a")
            await clock.step(1.0)
            gate.leave(HERE, "a", limited=True)
            await clock.step(FIRST_WAIT_S)
            await gate.enter(HERE, "probe")
            await clock.step(1.0)
            gate.leave(HERE, "probe", limited=True)
            assert self._look(gate, clock).until == clock.now() + 2 * FIRST_WAIT_S
            gate.close()

        run(script())

    def test_probe_that_was_not_answered_proves_nothing(self) -> None:
        """It was stopped, or its program could not be started: one more goes and asks."""

        async def script() -> None:
            gate, clock = self._gate(4)
            await gate.enter(HERE, "a")
            await clock.step(1.0)
            gate.leave(HERE, "a", limited=True)
            await clock.step(FIRST_WAIT_S)
            for name in ("stopped", "broken"):
                await gate.enter(HERE, name)
                assert self._look(gate, clock).free == 0
                gate.leave(HERE, name, served=False)
                assert self._look(gate, clock).free == 1
            await gate.enter(HERE, "served")
            gate.leave(HERE, "served")
            assert self._look(gate, clock).free == 2
            gate.close()

        run(script())

    def test_clock_set_back_does_not_keep_the_gate_closed(self) -> None:
        """It waits from then on for as long as it would have waited."""

        async def script() -> None:
            gate, clock = self._gate(4)
            await gate.enter(HERE, "a")
            await clock.step(1.0)
            gate.leave(HERE, "a", limited=True, retry_after_s=60.0)
            clock.set(NOON - 86_400.0)
            assert self._look(gate, clock).until == clock.now() + 60.0
            await clock.step(60.0)
            assert self._look(gate, clock) == ProviderView(free=1)
            gate.close()

        run(script())
