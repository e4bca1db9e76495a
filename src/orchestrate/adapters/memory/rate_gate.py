"""The rate gate's twin in memory: same contract, for one process."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestrate.core.running import rate_gate
from orchestrate.core.running.rate_gate import OPEN, WIDEST, GateState
from orchestrate.ports.clock import Clock
from orchestrate.ports.rate_gate import ProviderView

#: Between two looks at a full gate, in seconds.
PAUSE_S = 0.02


class MemoryRateGate:
    """Implements `ports.rate_gate.RateGate` in dictionaries. One process, one thread."""

    def __init__(self, clock: Clock, *, width: int = WIDEST) -> None:
        self._clock = clock
        self._width = width
        self._states: dict[str, GateState] = {}
        #: Provider -> holder -> when it entered.
        self._inside: dict[str, dict[str, float]] = {}
        #: Provider -> holders that wait, first come first.
        self._line: dict[str, list[str]] = {}

    def view(self, providers: Collection[str], now: float) -> Mapping[str, ProviderView]:
        """See RateGate."""
        return {provider: self._look(provider, now) for provider in providers}

    async def enter(self, provider: str, holder: str) -> None:
        """See RateGate."""
        inside = self._inside.setdefault(provider, {})
        line = self._line.setdefault(provider, [])
        if holder in inside:
            return
        if holder not in line:
            line.append(holder)
        try:
            while (wait := self._wait(provider, line.index(holder))) > 0.0:
                await self._clock.sleep(wait)
            inside[holder] = self._clock.now()
        finally:
            line.remove(holder)

    def leave(
        self,
        provider: str,
        holder: str,
        limited: bool = False,
        retry_after_s: float | None = None,
        *,
        served: bool = True,
    ) -> None:
        """See RateGate."""
        began_at = self._inside.get(provider, {}).pop(holder, None)
        if began_at is None:
            return
        state, now = self._state(provider), self._clock.now()
        if limited:
            self._states[provider] = rate_gate.limited(state, began_at, now, retry_after_s)
        elif served:
            self._states[provider] = rate_gate.served(state, now, self._width)

    def close(self) -> None:
        """See RateGate."""
        self._inside.clear()

    def _state(self, provider: str) -> GateState:
        return self._states.get(provider, OPEN)

    def _reckoned(self, provider: str, now: float) -> GateState:
        state = self._states[provider] = rate_gate.reckoned(self._state(provider), now)
        return state

    def _wait(self, provider: str, ahead: int) -> float:
        """0 if it is the turn of whoever has `ahead` others before it; else how long to wait."""
        now = self._clock.now()
        state = self._reckoned(provider, now)
        if rate_gate.free(state, len(self._inside[provider]), now, self._width) > ahead:
            return 0.0
        opens_at = rate_gate.until(state, now)
        return PAUSE_S if opens_at is None else max(opens_at - now, PAUSE_S)

    def _look(self, provider: str, now: float) -> ProviderView:
        state = self._reckoned(provider, now)
        inside = len(self._inside.get(provider, {}))
        waiting = len(self._line.get(provider, []))
        left = rate_gate.free(state, inside, now, self._width)
        reason = rate_gate.described(state, inside, now, self._width)
        if left and left <= waiting:
            reason = f"{waiting} others wait for this provider already"
        return ProviderView(max(0, left - waiting), rate_gate.until(state, now), reason)
