"""The machine's own time."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Implements `ports.clock.Clock`. Waiting is on the event loop's monotonic time."""

    def now(self) -> float:
        """Unix time in seconds; may jump when the machine's clock is set."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the event loop."""
        await asyncio.sleep(seconds)
