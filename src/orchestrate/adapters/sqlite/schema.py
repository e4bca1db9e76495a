"""The database's tables, and how older ones become newer ones."""

from __future__ import annotations

import sqlite3

from orchestrate.errors import StoreError

#: Identifies our databases (`PRAGMA application_id`): the bytes "orch".
APPLICATION_ID = 0x6F726368

#: One entry per schema version, oldest first; entry n turns version n into n + 1.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        chain BLOB NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL
    );
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream INTEGER NOT NULL REFERENCES streams (id),
        version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        schema INTEGER NOT NULL,
        data BLOB NOT NULL,
        chain BLOB NOT NULL
    );
    CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL,
        data BLOB NOT NULL,
        sent_at REAL NOT NULL,
        answered INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX inbox_waiting ON inbox (stream, id) WHERE answered = 0;
    CREATE TABLE snapshots (
        stream TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        chain BLOB NOT NULL,
        data BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
)


def check_ours(connection: sqlite3.Connection, path: str) -> None:
    """Make sure the database is empty or ours, and not too new. Changes nothing.

    Most databases of other programs have the application id 0 as well, so that alone says nothing.

    Raises:
        StoreError: the file belongs to another program, or was written by a newer version.
    """
    # One read transaction: another process may be creating the same database at this moment.
    connection.execute("BEGIN")
    try:
        application = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is a database of another program", remedy="move it away")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} has schema version {version}; this program knows up to {len(MIGRATIONS)}",
            remedy="use the newer version of orchestrate that wrote it",
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database that is ours to this program's schema, in one transaction."""
    if _pragma(connection, "user_version") == len(MIGRATIONS):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        version = _pragma(connection, "user_version")
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                if statement.strip():
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
