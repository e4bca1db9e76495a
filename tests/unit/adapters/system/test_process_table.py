"""The process table: the same from /proc and from ps, and signals hit whom they are meant for."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from orchestrate.adapters.system import process_table
from orchestrate.adapters.system.process_table import Process, descendants, look_up, send


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_child_is_found_with_its_parent_and_group(sleeper: subprocess.Popen[bytes]) -> None:
    found = look_up(sleeper.pid)
    assert found is not None
    assert (found.parent, found.group, found.dead) == (os.getpid(), sleeper.pid, False)
    assert found.pid in {process.pid for process in descendants(os.getpid())}


def test_a_name_with_blanks_and_parentheses_is_no_obstacle() -> None:
    name = "a) R 1 (b"
    command = ["bash", "-c", f"printf '%s' '{name}' >/proc/self/comm; echo; read _"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        found = look_up(shell.pid)
        assert found is not None
        assert found.parent == os.getpid()


def test_ps_tells_the_same_as_proc(sleeper: subprocess.Popen[bytes]) -> None:
    """The way taken where there is no /proc, on a machine that has both."""
    rows = {process.pid: process for process in process_table._every_process_from_ps()}
    for pid in (os.getpid(), sleeper.pid):
        known = look_up(pid)
        assert known is not None
        assert (rows[pid].parent, rows[pid].group) == (known.parent, known.group)
        assert not rows[pid].dead


def test_a_reused_number_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    now = look_up(sleeper.pid)
    assert now is not None
    earlier = Process(now.pid, now.parent, now.group, now.started - 1, dead=False)
    assert not send(earlier, signal.SIGKILL)
    assert sleeper.poll() is None
    assert send(now, signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL


def test_one_that_is_gone_is_not_signalled() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert look_up(process.pid) is None
    assert not send(Process(process.pid, 1, 1, 0, dead=False), signal.SIGKILL)
