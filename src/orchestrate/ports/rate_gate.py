"""One gate per provider for all agents of the machine: who may ask it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from orchestrate.core.running.capacity import ProviderView

__all__ = ["ProviderView", "RateGate"]


class RateGate(Protocol):
    """Permits to ask a provider, machine-wide; those of a process that died are free at once."""

    def view(self, providers: Collection[str], now: float) -> Mapping[str, ProviderView]:
        """How the gates of `providers` stand at Unix time `now`.

        Does not wait: made to be called once per scheduling turn. Attempts that were admitted and
        have not entered yet are not counted; the caller knows them.
        """
        ...

    async def enter(self, provider: str, holder: str) -> None:
        """Wait until `holder` may ask `provider`; first come, first served, across processes.

        Cancelling the awaiting task gives up the place in the line. Without effect for a holder
        that is inside. `holder` is unique in its process, as an attempt's key is.

        Raises:
            StoreError: the machine's record of permits cannot be read or written.
        """
        ...

    def leave(
        self,
        provider: str,
        holder: str,
        limited: bool = False,
        retry_after_s: float | None = None,
        *,
        served: bool = True,
    ) -> None:
        """Give the permit back and say what was met; without effect for a holder not inside.

        Args:
            provider: whom it asked.
            holder: as entered.
            limited: it ended because the provider limits requests: everybody waits.
            retry_after_s: how long the provider asked to wait; None when it did not say.
            served: the provider answered it, so that more may be let in. If it neither did that
                nor set a limit, nothing is learned.

        Raises:
            StoreError: the machine's record of permits cannot be written.
        """
        ...

    def close(self) -> None:
        """Give everything back that this process holds, and let go of the record."""
        ...
