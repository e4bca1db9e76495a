"""Whoever is killed, nothing of the attempt stays alive, and the record is true (N3, N4)."""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import pytest

from orchestrate.adapters.system.host import containment_gap
from orchestrate.adapters.system.process_table import descendants, every_process
from orchestrate.adapters.system.supervisor import Containment, ProcessSupervisor
from orchestrate.ports.process import ProcessOutcome, ProcessSpec
from tests.integration.process_trees import (
    STUBBORN_SIZE,
    STUBBORN_TREE,
    alive,
    carriers,
    marker,
    wait_until,
)

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
NAMESPACE = pytest.param(
    "pid-namespace", marks=pytest.mark.may_skip("containers and policies may refuse namespaces")
)


@pytest.fixture(params=[NAMESPACE, "subreaper"])
def level(request: pytest.FixtureRequest) -> Containment:
    if request.param == "pid-namespace" and (gap := containment_gap()):
        pytest.skip(f"no PID namespace here: {gap}")
    return cast(Containment, request.param)


class Attempt(NamedTuple):
    """A running attempt under a driver of its own."""

    driver: subprocess.Popen[bytes]
    spec: ProcessSpec
    folder: Path
    mark: str

    @property
    def supervisor(self) -> int:
        """The supervisor process."""
        found = [p.pid for p in every_process() if p.parent == self.driver.pid and not p.dead]
        supervisors = [pid for pid in found if pid in self.guardians]
        assert len(supervisors) == 1
        return supervisors[0]

    @property
    def guardians(self) -> list[int]:
        """Supervisor and keeper, as far as they are alive."""
        return carriers("ORCHESTRATE_SUPERVISOR", self.spec.token)

    @property
    def keeper(self) -> int:
        """The process between supervisor and command."""
        supervisor = self.supervisor
        children = [p.pid for p in every_process() if p.parent == supervisor and not p.dead]
        assert len(children) == 1
        return children[0]

    def recorded(self) -> ProcessOutcome | None:
        """What is on disk now."""
        return ProcessSupervisor().recorded(self.folder, self.spec.token)

    def told(self) -> ProcessOutcome:
        """What the driver was told in the end."""
        output, _ = self.driver.communicate(timeout=30)
        return msgspec.json.decode(output, type=ProcessOutcome)


class Starter:
    """Starts attempts and, afterwards, makes sure that a failed test leaves nothing either."""

    def __init__(self, folder: Path, level: Containment) -> None:
        self.folder = folder
        self.level = level
        self.attempts: list[Attempt] = []

    def __call__(self, script: str, *options: str, timeout_s: float = 120.0) -> Attempt:
        mark, token = marker(), secrets.token_hex(8)
        folder = self.folder / token
        folder.mkdir()
        argv = ("/bin/sh", "-c", script, "sh", mark, str(folder))
        spec = ProcessSpec(argv, "/", PATH, token=token, grace_s=0.2, timeout_s=timeout_s)
        program = str(Path(__file__).with_name("supervised_driver.py"))
        text = msgspec.json.encode(spec).decode()
        driver = subprocess.Popen(
            [sys.executable, program, self.level, str(folder), text, *options],
            stdout=subprocess.PIPE,
        )
        self.attempts.append(Attempt(driver, spec, folder, mark))
        return self.attempts[-1]

    def stubborn(self, *options: str) -> Attempt:
        """An attempt whose whole stubborn tree is up."""
        attempt = self(STUBBORN_TREE, *options)
        wait_until(lambda: len(alive(attempt.mark)) == STUBBORN_SIZE)
        return attempt

    def clean_up(self) -> None:
        for attempt in self.attempts:
            attempt.driver.kill()
            attempt.driver.communicate()
            ProcessSupervisor(settle_s=0).sweep(frozenset({attempt.spec.token}))
            for pid in alive(attempt.mark):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path, level: Containment) -> Iterator[Starter]:
    starter = Starter(tmp_path, level)
    yield starter
    starter.clean_up()


def end_of(pid: int) -> int:
    """A descriptor that becomes readable when process `pid` has ended."""
    return os.pidfd_open(pid)


def wait_for(handle: int, seconds: float = 20.0) -> None:
    """Until the process behind `end_of` has ended."""
    ready, _, _ = select.select([handle], [], [], seconds)
    os.close(handle)
    assert ready, "the process has not ended"


def wait_for_guardians(attempt: Attempt, count: int) -> None:
    """Until the supervisor, or the supervisor and the keeper, are there."""
    wait_until(lambda: len(attempt.guardians) >= count)


def test_driver_killed_the_tree_is_stopped_and_the_outcome_says_so(start: Starter) -> None:
    attempt = start.stubborn()
    supervisor = end_of(attempt.supervisor)
    attempt.driver.kill()
    wait_for(supervisor)
    # At this very moment, not some time later:
    outcome = attempt.recorded()
    assert alive(attempt.mark) == []
    assert attempt.guardians == []
    assert outcome is not None
    assert (outcome.stopped, outcome.signal) == ("driver_gone", signal.SIGKILL)
    assert outcome.containment == start.level
    assert ProcessSupervisor().sweep(frozenset({attempt.spec.token})) == 0
    assert attempt.recorded() == outcome


def test_sweeping_waits_until_a_supervisor_without_driver_has_finished(start: Starter) -> None:
    attempt = start.stubborn()
    attempt.driver.kill()
    attempt.driver.wait()
    ProcessSupervisor().sweep(frozenset({attempt.spec.token}))
    assert alive(attempt.mark) == []
    assert attempt.guardians == []
    outcome = attempt.recorded()
    assert outcome is not None
    assert outcome.stopped == "driver_gone"


def test_supervisor_killed_the_driver_learns_it_and_nothing_is_left(start: Starter) -> None:
    attempt = start.stubborn()
    os.kill(attempt.supervisor, signal.SIGKILL)
    outcome = attempt.told()
    assert alive(attempt.mark) == []
    assert attempt.guardians == []
    assert outcome.error == "the supervisor process was killed by signal 9"
    assert (outcome.exit_code, outcome.signal) == (None, None)
    assert attempt.recorded() == outcome


def test_keeper_killed_the_command_is_reported_as_killed(start: Starter) -> None:
    attempt = start.stubborn()
    os.kill(attempt.keeper, signal.SIGKILL)
    outcome = attempt.told()
    assert alive(attempt.mark) == []
    assert (outcome.signal, outcome.stopped, outcome.error) == (signal.SIGKILL, "", "")


def test_driver_and_supervisor_killed_at_once_a_sweep_finds_nothing_alive(start: Starter) -> None:
    attempt = start.stubborn()
    supervisor = attempt.supervisor
    os.kill(supervisor, signal.SIGKILL)
    attempt.driver.kill()
    attempt.driver.wait()
    ProcessSupervisor().sweep(frozenset({attempt.spec.token}))
    assert alive(attempt.mark) == []
    assert attempt.guardians == []
    outcome = attempt.recorded()
    assert outcome is None or outcome.error  # the driver may have been quick enough to write it


def test_driver_supervisor_and_keeper_killed_at_once(start: Starter) -> None:
    """Without a namespace, the one that emptied its environment is the documented exception."""
    attempt = start.stubborn()
    mine = descendants(attempt.driver.pid)
    for pid in (attempt.keeper, attempt.supervisor, attempt.driver.pid):
        os.kill(pid, signal.SIGKILL)
    attempt.driver.wait()
    ProcessSupervisor().sweep(frozenset({attempt.spec.token}))
    left = alive(attempt.mark)
    try:
        # At most: on its way out of the environment it may still be caught.
        assert len(left) <= (0 if start.level == "pid-namespace" else 1)
        assert carriers("ORCHESTRATE_ATTEMPT", attempt.spec.token) == []
    finally:
        for pid in left:
            if pid in {process.pid for process in mine}:
                os.kill(pid, signal.SIGKILL)


def test_driver_killed_after_the_command_ended_its_true_outcome_is_kept(start: Starter) -> None:
    attempt = start('until [ -e "$2/go" ]; do sleep 0.01; done; exit 7')
    wait_for_guardians(attempt, 2)
    supervisor, keeper = attempt.supervisor, attempt.keeper
    handle = end_of(supervisor)
    os.kill(supervisor, signal.SIGSTOP)
    (attempt.folder / "go").touch()
    wait_until(lambda: not any(p.pid == keeper and not p.dead for p in every_process()))
    attempt.driver.kill()
    attempt.driver.wait()
    os.kill(supervisor, signal.SIGCONT)
    wait_for(handle)
    outcome = attempt.recorded()
    assert outcome is not None
    assert (outcome.exit_code, outcome.stopped) == (7, "")


def test_a_forked_child_of_the_driver_cannot_keep_the_attempt_alive(start: Starter) -> None:
    attempt = start.stubborn("share-life-line")
    supervisor = attempt.supervisor
    wait_until(lambda: sum(p.parent == attempt.driver.pid for p in every_process()) == 2)
    forked = [
        p.pid
        for p in every_process()
        if p.parent == attempt.driver.pid and p.pid != supervisor and not p.dead
    ]
    handle = end_of(supervisor)
    attempt.driver.kill()
    try:
        wait_for(handle)
        assert alive(attempt.mark) == []
        outcome = attempt.recorded()
        assert outcome is not None
        assert outcome.stopped == "driver_gone"
    finally:
        for pid in forked:
            os.kill(pid, signal.SIGKILL)


def test_a_supervisor_that_does_not_move_is_killed_by_the_sweep(start: Starter) -> None:
    attempt = start.stubborn()
    os.kill(attempt.supervisor, signal.SIGSTOP)
    attempt.driver.kill()
    attempt.driver.wait()
    swept = ProcessSupervisor(settle_s=0.2).sweep(frozenset({attempt.spec.token}))
    assert swept >= STUBBORN_SIZE
    assert alive(attempt.mark) == []
    assert attempt.guardians == []
    assert attempt.recorded() is None


@pytest.mark.parametrize("victim", ["driver", "supervisor"])
def test_in_the_weakest_containment_whatever_carries_the_token_is_found(
    tmp_path: Path, victim: str
) -> None:
    start = Starter(tmp_path, "process-group")
    try:
        attempt = start("setsid sleep $1 & (setsid sleep $1 &); trap '' TERM; exec sleep $1")
        wait_until(lambda: len(alive(attempt.mark)) == 3)
        os.kill(attempt.supervisor if victim == "supervisor" else attempt.driver.pid, 9)
        if victim == "supervisor":
            assert attempt.told().error == "the supervisor process was killed by signal 9"
        else:
            attempt.driver.wait()
            ProcessSupervisor().sweep(frozenset({attempt.spec.token}))
            outcome = attempt.recorded()
            assert outcome is not None
            assert outcome.stopped == "driver_gone"
        assert alive(attempt.mark) == []
    finally:
        start.clean_up()


WALKER = "import os\nfor _ in iter(int, 1):\n    if os.fork():\n        os._exit(0)\n"
DAEMON = "import os\nif os.fork(): os._exit(0)\nos.setsid()\n"
BROOD = """
import os, time
for _ in range(7):
    os.fork()
time.sleep(600)
"""


@pytest.mark.parametrize("program", [WALKER, DAEMON + WALKER], ids=["same session", "own session"])
def test_one_that_forks_and_exits_without_pause_is_caught(start: Starter, program: str) -> None:
    attempt = start(f"{sys.executable} -I -S -c '{program}' $1")
    outcome = attempt.told()
    assert (outcome.exit_code, outcome.stopped, outcome.error) == (0, "", "")
    assert carriers("ORCHESTRATE_ATTEMPT", attempt.spec.token) == []


def test_a_brood_of_128_is_killed_and_counted(start: Starter) -> None:
    attempt = start(f"exec {sys.executable} -I -S -c '{BROOD}' $1", timeout_s=3)
    outcome = attempt.told()
    assert (outcome.stopped, outcome.error) == ("timeout", "")
    assert carriers("ORCHESTRATE_ATTEMPT", attempt.spec.token) == []


@pytest.mark.parametrize("victim", ["driver", "supervisor", "keeper"])
def test_killed_at_any_early_moment_nothing_is_left_and_the_record_is_final(
    start: Starter, victim: str
) -> None:
    """Strikes at 12 moments from the victim's first sight on, wherever the start then is."""
    for number in range(12):
        attempt = start("exec sleep $1")
        wait_for_guardians(attempt, 2 if victim == "keeper" else 1)
        time.sleep(number * 0.003)
        if victim == "driver":
            attempt.driver.kill()
            attempt.driver.wait()
            ProcessSupervisor().sweep(frozenset({attempt.spec.token}))
            record = attempt.recorded()
            assert record is None or record.stopped == "driver_gone"
        else:
            os.kill(getattr(attempt, victim), signal.SIGKILL)
            outcome = attempt.told()
            assert attempt.recorded() == outcome
            assert outcome.error or outcome.signal == signal.SIGKILL
        assert alive(attempt.mark) == []
        assert attempt.guardians == []
