"""The yardstick: the least that durable orchestration can be.

An asyncio program that records two events a task (started, finished) in SQLite at
`synchronous=FULL`, with group commit: one thread commits everything that waits in one transaction.
No kernel, no scheduling, no hash chain, no recovery. What the real driver costs beyond this is the
price of everything it does.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
import time
from pathlib import Path


class Log:
    """Appends rows; a future resolves when its row is durable."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, data BLOB)")
        self._queue: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None]
        self._queue = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    async def append(self, event: dict[str, object]) -> None:
        """Record `event`; returns when it is durable."""
        future = self._loop.create_future()
        self._queue.put((json.dumps(event).encode(), future))
        await future

    def close(self) -> None:
        """Commit the rest and stop."""
        self._queue.put(None)
        self._thread.join()
        self._db.close()

    def _serve(self) -> None:
        while True:
            item = self._queue.get()
            batch = []
            while item is not None:
                batch.append(item)
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "INSERT INTO events (data) VALUES (?)", [(data,) for data, _ in batch]
                )
                self._db.execute("COMMIT")
                self._loop.call_soon_threadsafe(_resolve, [future for _, future in batch])
            if item is None:
                return


def _resolve(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


async def _work(log: Log, tasks: list[int]) -> None:
    while tasks:
        number = tasks.pop()
        await log.append({"event": "started", "task": f"t{number}", "at": time.time()})
        await log.append({"event": "finished", "task": f"t{number}", "at": time.time()})


async def _run(path: Path, tasks: int, width: int) -> float:
    log = Log(path)
    numbers = list(range(tasks))
    begin = time.perf_counter()
    await asyncio.gather(*(_work(log, numbers) for _ in range(width)))
    elapsed = time.perf_counter() - begin
    log.close()
    return elapsed


def tasks_per_second(folder: Path, tasks: int, width: int) -> float:
    """Tasks a second of the prototype; width 1 is a chain."""
    path = folder / f"prototype-{tasks}-{width}-{time.monotonic_ns()}.db"
    return tasks / asyncio.run(_run(path, tasks, width))
