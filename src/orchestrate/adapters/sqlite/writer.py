"""The one writer of a database: a thread that commits everything waiting in one transaction.

Group commit is what makes a durable step cheap: `synchronous=FULL` costs one fsync per transaction,
however many appends share it. A version conflict fails its own append and not the batch; a failed
commit fails all of its batch, because nothing of it is durable.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from orchestrate.errors import StoreError

#: Work inside the transaction; returns the value for its waiter or raises to fail it alone. It must
#: check before it writes, so that failing leaves nothing behind.
Work = Callable[[sqlite3.Connection], Any]
#: Told the outcome after the commit: (value, error).
Tell = Callable[[Any, BaseException | None], None]

#: Most pieces of work in one transaction; bounds the latency of the first in the queue.
MAX_BATCH = 512


class Writer:
    """Owns the writing connection and its thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[tuple[Work, Tell] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="orchestrate-store", daemon=True)
        self._thread.start()

    def submit(self, work: Work, tell: Tell) -> None:
        """Queue `work`; `tell` is called from the writer's thread once it is durable or failed."""
        if self._closed:
            raise StoreError("the event store is closed")
        self._queue.put((work, tell))

    def close(self) -> None:
        """Commit what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            self._connection.close()

    def _serve(self) -> None:
        while True:
            item = self._queue.get()
            batch = []
            while item is not None:
                batch.append(item)
                if len(batch) >= MAX_BATCH:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._commit(batch)
            if item is None:
                return

    def _commit(self, batch: list[tuple[Work, Tell]]) -> None:
        connection = self._connection
        outcomes: list[tuple[Tell, Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, tell in batch:
                try:
                    outcomes.append((tell, work(connection), None))
                except sqlite3.Error:
                    raise
                except Exception as error:
                    outcomes.append((tell, None, error))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = StoreError(
                f"the event store cannot be written: {error}",
                remedy="check free disk space and permissions; nothing of this step was recorded",
            )
            outcomes = [(tell, None, failure) for _, tell in batch]
        for tell, value, problem in outcomes:
            tell(value, problem)
