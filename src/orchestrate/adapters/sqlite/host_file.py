"""The file that all processes of the user share: who asks which provider now.

It says nothing that could not be found out again. So a power failure may take the last changes
(`synchronous=NORMAL`), and it may be deleted when nothing runs.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrate.core.running.rate_gate import OPEN, GateState
from orchestrate.errors import StoreError

#: Identifies this kind of file (`PRAGMA application_id`): the bytes "orhg".
APPLICATION_ID = 0x6F726867
VERSION = 1
#: How long a statement waits for another process's transaction, which takes well under 1 ms.
BUSY_TIMEOUT_MS = 5_000

_SCHEMA = (
    "CREATE TABLE gates (provider TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE permits (ticket INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL,"
    " owner TEXT NOT NULL, holder TEXT NOT NULL, inside INTEGER NOT NULL DEFAULT 0,"
    " since REAL NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,"
    " UNIQUE (provider, owner, holder))",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class HostFile:
    """One SQLite file, mode 0600, created if need be in a folder that exists.

    `rows` is its connection, for use inside `reading` and `writing`.
    """

    def __init__(self, path: Path) -> None:
        """Open or create it.

        Raises:
            StoreError: it cannot be opened, or is not one of ours.
        """
        self._path = path
        with self.reading():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self.rows = _opened(path)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what goes wrong inside into a StoreError."""
        try:
            yield
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"the record of who asks which provider, {self._path}, cannot be used: {error}",
                remedy="check its permissions; it may be deleted while no run is driven",
            ) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; nothing of it is kept if anything inside raises."""
        with self.reading():
            self.rows.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.rows.execute("ROLLBACK")
                raise
            self.rows.execute("COMMIT")

    def state(self, provider: str) -> GateState:
        """A provider's gate; open where nothing is recorded."""
        row = self.rows.execute(
            "SELECT state FROM gates WHERE provider = ?", (provider,)
        ).fetchone()
        return OPEN if row is None else msgspec.json.decode(row[0], type=GateState)

    def save(self, provider: str, state: GateState) -> None:
        """Record a provider's gate, if it changed; inside `writing`."""
        if state != self.state(provider):
            self.rows.execute(
                "INSERT OR REPLACE INTO gates (provider, state) VALUES (?, ?)",
                (provider, msgspec.json.encode(state)),
            )

    def close(self) -> None:
        """Let go of it; idempotent."""
        self.rows.close()


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _check_ours(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")
        if not _pragma(database, "user_version"):
            for statement in _SCHEMA:
                database.execute(statement)
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _check_ours(database: sqlite3.Connection) -> None:
    """Raise before anything is written to a database of another kind or a newer version."""
    # One read transaction: another process may be creating the same file at this moment.
    database.execute("BEGIN")
    try:
        application = _pragma(database, "application_id")
        version = _pragma(database, "user_version")
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        database.execute("ROLLBACK")
    if application != APPLICATION_ID and (application or version or tables):
        raise sqlite3.DatabaseError("it is a database of another kind")
    if version > VERSION:
        raise sqlite3.DatabaseError(f"version {version} of it was written by a newer program")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])
