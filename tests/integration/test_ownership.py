"""Who drives a run: one live process at most, and a dead one loses it at once (N4)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from orchestrate.adapters.system.ownership import RunLock, boot_id, process_start
from orchestrate.errors import ConflictError

HOLDER = """
import os, subprocess, sys
from pathlib import Path
from orchestrate.adapters.system.ownership import RunLock
lock = RunLock(Path(sys.argv[1]))
assert lock.acquire()
child = 0
if sys.argv[2] == "exec":
    child = subprocess.Popen(["sleep", "600"], close_fds=False).pid
elif sys.argv[2] == "fork":
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"!")  # only now has it let go of the lock that it was born with
        sys.stdin.read()
        os._exit(0)
    os.read(ready, 1)
print(os.getpid(), child, flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that holds the lock, perhaps with a child."""

    def __init__(self, path: Path, child: str = "") -> None:
        command = [sys.executable, "-c", HOLDER, str(path), child]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        said = _pipe(self.process.stdout).readline().split()
        self.pid, self.child = int(said[0]), int(said[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        if self.child:
            os.kill(self.child, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            _pipe(pipe).close()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "owner.lock"


@pytest.fixture
def holder(path: Path, request: pytest.FixtureRequest) -> Iterator[Holder]:
    holder = Holder(path, getattr(request, "param", ""))
    yield holder
    holder.close()


def test_a_free_lock_is_taken_and_its_owner_described(path: Path) -> None:
    lock = RunLock(path)
    assert lock.owner() is None
    assert lock.acquire()
    assert lock.acquire(), "idempotent for the holder"
    owner = RunLock(path).owner()
    assert owner is not None
    assert (owner.pid, owner.boot_id, owner.live) == (os.getpid(), boot_id(), True)
    assert owner.started <= owner.since <= time.time()
    assert abs(owner.started - process_start()) < 1
    assert owner == lock.owner()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lock.release()


def test_after_a_release_the_last_owner_is_remembered_but_not_live(path: Path) -> None:
    lock = RunLock(path)
    assert lock.acquire()
    lock.release()
    lock.release()
    owner = lock.owner()
    assert owner is not None
    assert (owner.pid, owner.live) == (os.getpid(), False)
    other = RunLock(path)
    assert other.acquire()
    other.release()


def test_a_live_owner_is_never_robbed(path: Path, holder: Holder) -> None:
    lock = RunLock(path)
    assert not lock.acquire()
    owner = lock.owner()
    assert owner is not None
    assert (owner.pid, owner.live) == (holder.pid, True)
    with pytest.raises(ConflictError, match=rf"is locked by process {holder.pid} on "), lock:
        pass


def test_a_suspended_owner_keeps_its_run(path: Path, holder: Holder) -> None:
    os.kill(holder.pid, signal.SIGSTOP)
    assert not RunLock(path).acquire()


@pytest.mark.parametrize("holder", ["", "exec", "fork"], indirect=True)
def test_a_killed_owner_loses_it_at_once_even_if_a_child_survives(
    path: Path, holder: Holder
) -> None:
    holder.kill()
    lock = RunLock(path)
    owner = lock.owner()
    assert owner is not None
    assert (owner.pid, owner.live) == (holder.pid, False)
    with lock:
        assert (now := lock.owner()) is not None
        assert now.pid == os.getpid()
    if holder.child:
        assert Path(f"/proc/{holder.child}").exists(), "the child was to survive"


def test_asking_who_owns_it_does_not_get_in_the_way(path: Path) -> None:
    """A reader in another process takes a shared lock for an instant, over and over."""
    with RunLock(path):
        pass
    program = f"""
from pathlib import Path
from orchestrate.adapters.system.ownership import RunLock
lock = RunLock(Path({str(path)!r}))
print(flush=True)
while True: lock.owner()
"""
    reader = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        _pipe(reader.stdout).readline()
        for _ in range(100):
            with RunLock(path):
                pass
    finally:
        reader.kill()
        reader.communicate()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": 1}', b"\xff\xfe"])
def test_a_damaged_note_hides_the_owner_but_not_the_lock(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    lock = RunLock(path)
    assert lock.owner() is None
    assert lock.acquire()
    path.write_bytes(content)
    assert not RunLock(path).acquire()
    lock.release()
