"""The event store on one SQLite file in WAL mode, `synchronous=FULL`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from orchestrate.adapters.sqlite.schema import check_ours, migrate
from orchestrate.adapters.sqlite.writer import Writer
from orchestrate.core.codec import CHAIN_START, link
from orchestrate.errors import StoreError, VersionConflictError
from orchestrate.ports.store import (
    InboxAnswer,
    InboxEntry,
    NewEvent,
    Snapshot,
    StoredEvent,
    StreamHead,
)

T = TypeVar("T")

#: How long a statement waits for another process's transaction, in milliseconds.
BUSY_TIMEOUT_MS = 15_000

_INSERT = (
    "INSERT INTO events (stream, version, kind, at, schema, data, chain)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        # Before anything is written: a database that is not ours stays as it is.
        check_ours(connection, str(path))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteStore:
    """Streams in one file, mode 0600. Reads happen on the caller's thread, writes on one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the store at `path`, whose folder must exist.

        Raises:
            StoreError: not a database of ours, newer than this program, or unreadable.
        """
        self.path = path
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            writing = _connect(path)
            try:
                self._reading = _connect(path)
            except BaseException:
                writing.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the event store {path} cannot be opened: {error}",
                remedy="check the file and its permissions; `orchestrate doctor` shows where it is",
            ) from error
        self._writer = Writer(writing)
        self._data_version = -1

    # -- writing -------------------------------------------------------------------------------

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        """See EventStore."""
        return await self._write(lambda db: _append(db, stream, expected, events, answers))

    async def send(self, stream: str, data: bytes, sent_at: float) -> int:
        """See EventStore."""

        def work(db: sqlite3.Connection) -> int:
            cursor = db.execute(
                "INSERT INTO inbox (stream, data, sent_at) VALUES (?, ?, ?)",
                (stream, data, sent_at),
            )
            return int(cursor.lastrowid or 0)

        return await self._write(work)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See EventStore."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR REPLACE INTO snapshots (stream, version, chain, data)"
                " VALUES (?, ?, ?, ?)",
                (snapshot.stream, snapshot.version, snapshot.chain, snapshot.data),
            )

        await self._write(work)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)

        def tell(value: Any, error: BaseException | None) -> None:
            # A loop that was closed meanwhile has nobody waiting; the writer must survive that.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, value, error)

        self._writer.submit(work, tell)
        return await future

    # -- reading -------------------------------------------------------------------------------

    def _rows(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._reading.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the event store {self.path} cannot be read: {error}") from error

    def changed(self) -> bool:
        """See EventStore. SQLite counts commits by other connections, our writer's included."""
        now = int(self._rows("PRAGMA data_version")[0][0])
        before, self._data_version = self._data_version, now
        return now != before

    def inbox(self, stream: str) -> Sequence[InboxEntry]:
        """See EventStore."""
        rows = self._rows(
            "SELECT id, stream, data, sent_at FROM inbox"
            " WHERE stream = ? AND answered = 0 ORDER BY id",
            stream,
        )
        return [InboxEntry(*row) for row in rows]

    def answer(self, entry: int) -> InboxAnswer | None:
        """See EventStore."""
        rows = self._rows("SELECT id, error FROM inbox WHERE id = ? AND answered = 1", entry)
        return InboxAnswer(*rows[0]) if rows else None

    def read(self, stream: str, after: int = 0, upto: int | None = None) -> Iterator[StoredEvent]:
        """See EventStore. Reads in pages, so a long stream needs no long memory."""
        found = self._rows("SELECT id, version, chain FROM streams WHERE name = ?", stream)
        if not found:
            return
        key, end, head = found[0]
        last = end if upto is None else min(upto, end)
        chain = self._chain_at(key, stream, after)
        while after < last:
            rows = self._rows(
                "SELECT position, version, kind, at, schema, data, chain FROM events"
                " WHERE stream = ? AND version > ? AND version <= ? ORDER BY version LIMIT 1000",
                key,
                after,
                last,
            )
            if not rows:
                raise _damaged(stream, after + 1, f"its log ends early, {end} events were recorded")
            for position, version, kind, at, schema, data, stored in rows:
                # Whoever edits a row may leave text where bytes were.
                chain = link(chain, data) if isinstance(data, bytes) else b""
                at_head = version != end or chain == head
                if version != after + 1 or chain != stored or not at_head:
                    raise _damaged(stream, after + 1, "it does not fit the hash chain")
                after = version
                yield StoredEvent(position, stream, version, kind, at, schema, data, stored)

    def _chain_at(self, key: int, stream: str, version: int) -> bytes:
        if version <= 0:
            return CHAIN_START
        rows = self._rows("SELECT chain FROM events WHERE stream = ? AND version = ?", key, version)
        if not rows:
            raise StoreError(f"stream {stream} has no event {version}")
        return bytes(rows[0][0])

    def head(self, stream: str) -> StreamHead | None:
        """See EventStore."""
        rows = self._rows(
            "SELECT name, version, chain, created_at, updated_at FROM streams WHERE name = ?",
            stream,
        )
        return StreamHead(*rows[0]) if rows else None

    def heads(self) -> Sequence[StreamHead]:
        """See EventStore."""
        rows = self._rows(
            "SELECT name, version, chain, created_at, updated_at FROM streams ORDER BY id DESC"
        )
        return [StreamHead(*row) for row in rows]

    def snapshot(self, stream: str) -> Snapshot | None:
        """See EventStore."""
        rows = self._rows(
            "SELECT s.stream, s.version, s.chain, s.data FROM snapshots s"
            " JOIN streams t ON t.name = s.stream"
            " JOIN events e ON e.stream = t.id AND e.version = s.version AND e.chain = s.chain"
            " WHERE s.stream = ?",
            stream,
        )
        return Snapshot(*rows[0]) if rows else None

    def close(self) -> None:
        """See EventStore."""
        self._writer.close()
        self._reading.close()


def _damaged(stream: str, version: int, how: str) -> StoreError:
    return StoreError(
        f"event {version} of {stream} is missing or was changed from outside: {how}",
        remedy="restore the database from a backup; nothing was deleted",
    )


def _append(
    db: sqlite3.Connection,
    stream: str,
    expected: int,
    events: Sequence[NewEvent],
    answers: Sequence[InboxAnswer],
) -> int:
    row = db.execute("SELECT id, version, chain FROM streams WHERE name = ?", (stream,)).fetchone()
    key, version, chain = row or (None, 0, CHAIN_START)
    if version != expected:
        raise VersionConflictError(
            f"stream {stream} is at version {version}, not {expected}",
            remedy="another process drives this run; attach to it instead",
        )
    if events:
        if key is None:
            key = db.execute(
                "INSERT INTO streams (name, version, chain, created_at, updated_at)"
                " VALUES (?, 0, ?, ?, ?)",
                (stream, CHAIN_START, events[0].at, events[0].at),
            ).lastrowid
        rows = []
        for event in events:
            version += 1
            chain = link(chain, event.data)
            rows.append((key, version, event.kind, event.at, event.schema, event.data, chain))
        db.executemany(_INSERT, rows)
        db.execute(
            "UPDATE streams SET version = ?, chain = ?, updated_at = ? WHERE id = ?",
            (version, chain, events[-1].at, key),
        )
    for answer in answers:
        db.execute(
            "UPDATE inbox SET answered = 1, error = ? WHERE id = ?", (answer.error, answer.id)
        )
    return int(version)
