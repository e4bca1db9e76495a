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


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the database to this program's schema, in one transaction.

    Raises:
        StoreError: the file belongs to another program, or was written by a newer version.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == len(MIGRATIONS) and application == APPLICATION_ID:
        return
    if application not in (0, APPLICATION_ID):
        raise StoreError(f"{path} is a database of another program", remedy="move it away")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} has schema version {version}; this program knows up to {len(MIGRATIONS)}",
            remedy="use the newer version of orchestrate that wrote it",
        )
    connection.execute("BEGIN EXCLUSIVE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
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
