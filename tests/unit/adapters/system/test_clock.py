"""The system clock tells Unix time and waits as long as asked."""

from __future__ import annotations

import asyncio
import time

from orchestrate.adapters.system.clock import SystemClock


def test_now_is_unix_time() -> None:
    before = time.time()
    assert before <= SystemClock().now() <= time.time()


def test_sleeping_lets_others_work_meanwhile() -> None:
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async def scenario() -> float:
        start = time.monotonic()
        task = asyncio.create_task(other())
        await SystemClock().sleep(0.02)
        order.append("woken")
        await task
        return time.monotonic() - start

    assert asyncio.run(scenario()) >= 0.02
    assert order == ["other", "woken"]
