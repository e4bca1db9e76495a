"""Both event stores keep the contract; the one on SQLite also survives what a file can suffer."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrate.adapters.memory.store import MemoryStore
from orchestrate.adapters.sqlite.schema import APPLICATION_ID, MIGRATIONS
from orchestrate.adapters.sqlite.store import SqliteStore
from orchestrate.core.codec import decode_event
from orchestrate.errors import StoreError, VersionConflictError
from orchestrate.ports.store import EventStore, StoredEvent
from orchestrate.testing.store_contract import RUN, DurableStoreContract, StoreContract, event

WRITER = Path(__file__).with_name("store_writer.py")


class TestMemoryStore(StoreContract):
    """The twin."""

    def open(self) -> EventStore:
        return MemoryStore()

    def damage(self, store: EventStore, stream: str, log: Sequence[StoredEvent]) -> None:
        assert isinstance(store, MemoryStore)
        store._streams[stream] = list(log)


class TestSqliteStore(DurableStoreContract):
    """The real one, on a real file."""

    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "events.db"

    def open(self) -> EventStore:
        return SqliteStore(self.path)

    def damage(self, store: EventStore, stream: str, log: Sequence[StoredEvent]) -> None:
        with sqlite3.connect(self.path) as db:
            key = db.execute("SELECT id FROM streams WHERE name = ?", (stream,)).fetchone()[0]
            db.execute("DELETE FROM events WHERE stream = ?", (key,))
            db.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (e.position, key, e.version, e.kind, e.at, e.schema, e.data, e.chain)
                    for e in log
                ],
            )
        db.close()


# -- what the file may be ----------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


def test_file_and_its_companions_are_private(path: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(path)
        asyncio.run(store.append(RUN, 0, [event(1)]))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert set(modes) == {"events.db", "events.db-wal", "events.db-shm"}
    assert set(modes.values()) == {0o600}


def test_empty_file_becomes_a_database_of_the_present_schema(path: Path) -> None:
    path.touch()
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(path).close()
    monkeypatch.setattr(
        "orchestrate.adapters.sqlite.schema.MIGRATIONS",
        (*MIGRATIONS, "CREATE TABLE extra (id); CREATE TABLE extra (id)"),
    )
    with pytest.raises(StoreError, match="extra"):
        SqliteStore(path)
    monkeypatch.undo()
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        found = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone()
    db.close()
    assert found == (0,)


def test_database_of_a_newer_version_is_refused_untouched(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"schema version {len(MIGRATIONS) + 1}") as refused:
        SqliteStore(path)
    assert "newer version" in refused.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE notes (text)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"],
)
def test_database_of_another_program_is_refused_untouched(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["events.db"]


def test_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        SqliteStore(tmp_path / "nowhere" / "events.db")


def test_closed_store_refuses_to_write(path: Path) -> None:
    store = SqliteStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        asyncio.run(store.append(RUN, 0, [event(1)]))


def test_event_of_a_newer_schema_is_refused_when_it_is_decoded() -> None:
    with pytest.raises(StoreError, match="schema version 99"):
        decode_event(b"{}", 99)
    with pytest.raises(StoreError, match="schema version 0"):
        decode_event(b"{}", 0)


def test_writer_survives_a_loop_that_is_gone(path: Path) -> None:
    store = SqliteStore(path)

    async def give_up() -> None:
        waiting = asyncio.ensure_future(store.append(RUN, 0, [event(1)]))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(give_up())
    # Whether the abandoned append happened or not, the next one is told the truth.
    version = asyncio.run(store.append("other", 0, [event(2)]))
    assert version == 1
    store.close()


# -- several processes -------------------------------------------------------------------------


def _writer(path: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(path), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_create_the_same_store_at_once_agree(path: Path) -> None:
    writers = [_writer(path, f"s{number}", "20") for number in range(4)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    store = SqliteStore(path)
    assert {head.stream: head.version for head in store.heads()} == {
        f"s{number}": 20 for number in range(4)
    }
    positions = [e.position for n in range(4) for e in store.read(f"s{n}")]
    assert len(set(positions)) == 80
    store.close()


def test_two_processes_on_one_stream_never_both_win_a_version(path: Path) -> None:
    writers = [_writer(path, RUN, "60", "contend") for _ in range(2)]
    won = 0
    for writer in writers:
        output, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
        won += len(output.split())
    store = SqliteStore(path)
    assert won == len(list(store.read(RUN))) >= 60
    store.close()


@pytest.mark.parametrize("after", [1, 2, 40, 200])
def test_killed_writer_leaves_a_valid_log_with_all_it_was_promised(path: Path, after: int) -> None:
    writer = _writer(path, RUN, "100000")
    promised = 0
    assert writer.stdout is not None
    while promised < after:
        promised = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=60)
    promised = max([promised, *(int(line) for line in rest.split("\n")[:-1])])
    assert writer.returncode == -signal.SIGKILL
    store = SqliteStore(path)
    head = store.head(RUN)
    log = list(store.read(RUN))
    assert head is not None
    assert head.version == len(log) >= promised
    assert [each.data for each in log] == [event(n).data for n in range(1, len(log) + 1)]
    with pytest.raises(VersionConflictError):
        asyncio.run(store.append(RUN, len(log) - 1, [event(0)]))
    assert asyncio.run(store.append(RUN, len(log), [event(0)])) == len(log) + 1
    store.close()
