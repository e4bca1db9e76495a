"""Both rate gates keep the contract; the one on SQLite also holds between processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrate.adapters.memory.rate_gate import MemoryRateGate
from orchestrate.adapters.sqlite.host_file import APPLICATION_ID, VERSION
from orchestrate.adapters.sqlite.host_gates import PATIENCE_S, SqliteRateGate
from orchestrate.adapters.system.clock import SystemClock
from orchestrate.adapters.system.process_owner import is_alive, this_owner
from orchestrate.errors import StoreError
from orchestrate.ports.clock import Clock
from orchestrate.ports.rate_gate import ProviderView, RateGate
from orchestrate.testing.rate_gate_contract import (
    HERE,
    RateGateContract,
    SteppedClock,
    run,
    settle,
)
from tests.e2e.command import wait_for

WORKER = Path(__file__).with_name("gate_worker.py")


class TestMemoryRateGate(RateGateContract):
    """The twin."""

    def open(self, clock: Clock, width: int) -> RateGate:
        return MemoryRateGate(clock, width=width)


class TestSqliteRateGate(RateGateContract):
    """The real one, on a real file."""

    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "host.db"

    def open(self, clock: Clock, width: int) -> RateGate:
        return SqliteRateGate(self.path, this_owner(), is_alive, clock, width=width)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "host.db"


class Machine:
    """Several processes' gates on one file, in one process and on one clock."""

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.width = width
        self.clock = SteppedClock()
        self.dead: set[str] = set()

    def gate(self, owner: str) -> SqliteRateGate:
        return SqliteRateGate(self.path, owner, self._is_alive, self.clock, width=self.width)

    def _is_alive(self, owner: str) -> bool:
        return owner not in self.dead

    def free(self, gate: RateGate) -> int:
        return gate.view([HERE], self.clock.now())[HERE].free


# -- between owners ----------------------------------------------------------------------------


def test_permits_count_for_all_processes(path: Path) -> None:
    machine = Machine(path, 2)
    one, two = machine.gate("one"), machine.gate("two")

    async def script() -> None:
        await one.enter(HERE, "same name")
        await two.enter(HERE, "same name")
        assert machine.free(one) == machine.free(two) == 0
        one.leave(HERE, "same name")
        assert machine.free(two) == 1

    run(script())
    one.close()
    two.close()


def test_permit_of_a_dead_process_is_free_at_once(path: Path) -> None:
    machine = Machine(path, 1)
    one, two = machine.gate("one"), machine.gate("two")

    async def script() -> None:
        await one.enter(HERE, "a")
        assert machine.free(two) == 0
        machine.dead.add("one")
        assert machine.free(two) == 1
        await two.enter(HERE, "b")
        assert machine.free(two) == 0

    run(script())
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT owner FROM permits").fetchall() == [("two",)]
    db.close()
    two.close()


def test_process_that_died_waiting_holds_nobody_up(path: Path) -> None:
    machine = Machine(path, 1)
    one, two = machine.gate("one"), machine.gate("two")

    async def script() -> None:
        await two.enter(HERE, "inside")
        waiting = asyncio.ensure_future(one.enter(HERE, "first in line"))
        await settle()
        machine.dead.add("one")
        second = asyncio.ensure_future(two.enter(HERE, "second in line"))
        await settle()
        two.leave(HERE, "inside")
        waiting.cancel()
        await machine.clock.step(1.0)
        await second

    run(script())
    two.close()


def test_stopped_process_at_the_head_of_the_line_loses_its_turn(path: Path) -> None:
    machine = Machine(path, 1)
    stopped, gate = machine.gate("stopped"), machine.gate("other")

    async def script() -> None:
        await gate.enter(HERE, "inside")
        head = asyncio.ensure_future(stopped.enter(HERE, "head"))
        await settle()
        # As if by SIGSTOP: it is in line, and does not look again.
        machine.clock._sleepers.clear()
        second = asyncio.ensure_future(gate.enter(HERE, "second"))
        await settle()
        gate.leave(HERE, "inside")
        await machine.clock.step(1.0)
        assert not second.done()
        await machine.clock.step(PATIENCE_S)
        await second
        head.cancel()
        await asyncio.wait([head])

    run(script())
    gate.close()
    stopped.close()


def test_limit_that_one_process_met_closes_the_gate_of_the_other(path: Path) -> None:
    machine = Machine(path, 4)
    one, two = machine.gate("one"), machine.gate("two")

    async def script() -> None:
        await one.enter(HERE, "a")
        await machine.clock.step(1.0)
        one.leave(HERE, "a", limited=True, retry_after_s=90.0)
        seen = two.view([HERE], machine.clock.now())[HERE]
        assert seen.until == machine.clock.now() + 90.0

    run(script())
    one.close()
    two.close()


def test_closing_gives_everything_back_and_says_nothing_of_the_provider(path: Path) -> None:
    machine = Machine(path, 1)
    one, two = machine.gate("one"), machine.gate("two")
    run(one.enter(HERE, "a"))
    one.close()
    assert two.view([HERE], machine.clock.now()) == {HERE: ProviderView(free=1)}
    two.close()


# -- the file ----------------------------------------------------------------------------------


def _open(path: Path) -> SqliteRateGate:
    return SqliteRateGate(path, this_owner(), is_alive, SystemClock())


def test_file_and_its_companions_are_private(path: Path) -> None:
    before = os.umask(0)
    try:
        gate = _open(path)
        run(gate.enter(HERE, "a"))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        gate.close()
    finally:
        os.umask(before)
    assert set(modes) == {"host.db", "host.db-wal", "host.db-shm"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE notes (text)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"],
)
def test_database_of_another_kind_is_refused_untouched(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another kind"):
        _open(path)
    assert path.read_bytes() == before


def test_file_of_a_newer_version_is_refused(path: Path) -> None:
    _open(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match="newer program"):
        _open(path)


def test_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match=r"host\.db") as refused:
        _open(path)
    assert "deleted" in refused.value.remedy


def test_state_that_was_tampered_with_is_refused_when_it_is_read(path: Path) -> None:
    gate = _open(path)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO gates VALUES (?, ?)", (HERE, b"{"))
    db.close()
    with pytest.raises(StoreError, match="cannot be used"):
        gate.view([HERE], 0.0)
    gate.close()


# -- real processes ----------------------------------------------------------------------------


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for worker in started:
        worker.kill()
        worker.wait()


def _worker(path: Path, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), str(path), str(log), *arguments])


def _lines(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def test_no_more_than_the_width_is_inside_at_any_moment(
    path: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
) -> None:
    log = tmp_path / "log"
    for number in range(5):
        workers.append(_worker(path, log, "2", f"w{number}", "rounds", "6"))
    (tmp_path / "go").touch()
    for worker in workers:
        assert worker.wait(timeout=60) == 0
    inside: set[str] = set()
    most = 0
    for verb, name in _lines(log):
        if verb == "in":
            inside.add(name)
        else:
            inside.remove(name)
        most = max(most, len(inside))
    assert len(_lines(log)) == 2 * 5 * 6
    assert inside == set()
    assert most == 2


def test_killed_holder_makes_room_for_another_process(
    path: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
) -> None:
    log = tmp_path / "log"
    workers.append(_worker(path, log, "1", "holder", "hold"))
    wait_for("the holder", lambda: ["in", "holder"] in _lines(log))
    (tmp_path / "go").touch()
    workers.append(_worker(path, log, "1", "next", "rounds", "1"))
    gate = SqliteRateGate(path, this_owner(), is_alive, SystemClock(), width=1)
    clock = SystemClock()

    def reason() -> str:
        return gate.view([HERE], clock.now())[HERE].reason

    wait_for("the gate to be full", lambda: "at most 1" in reason())
    workers[0].send_signal(signal.SIGKILL)
    # Not waited for: a zombie holds no permit.
    assert workers[1].wait(timeout=30) == 0
    assert _lines(log)[1:] == [["in", "next"], ["out", "next"]]
    gate.close()


def test_limit_is_seen_by_processes_that_wait_in_line(
    path: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
) -> None:
    log = tmp_path / "log"
    workers.append(_worker(path, log, "1", "limited", "limited", "1.5"))
    wait_for("the limit", lambda: ["limited", "limited"] in _lines(log))
    clock = SystemClock()
    gate = SqliteRateGate(path, this_owner(), is_alive, clock, width=1)
    until = gate.view([HERE], clock.now())[HERE].until
    (tmp_path / "go").touch()
    for number in range(2):
        workers.append(_worker(path, log, "1", f"w{number}", "rounds", "1"))
    for worker in workers:
        assert worker.wait(timeout=30) == 0
    assert until is not None
    # Both got through in the end, and none before the provider had said.
    assert _lines(log)[0] == ["in", "limited"]
    entered = [float(each.read_text()) for each in tmp_path.glob("w?.entered")]
    assert len(entered) == 2
    assert min(entered) >= until
    gate.close()
