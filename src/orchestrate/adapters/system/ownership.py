"""Who drives a run on this machine: a file lock, with a note about its holder.

flock(2) was chosen over the alternatives. The lock belongs to the open file, so the kernel releases
it at the moment the holder dies, however it dies; and unlike a POSIX record lock (`fcntl.lockf`) it
is not lost when some library opens and closes the same file. The price is that a forked child
shares the open file: it is close-on-exec, and closed after a bare fork. Whether a run is owned is
decided by the lock alone; the note only says by whom.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from orchestrate.adapters.system.network_filesystem import refuse_network_filesystem
from orchestrate.adapters.system.process_table import HAS_PROC, look_up
from orchestrate.errors import ConflictError
from orchestrate.ports.ownership import OwnerInfo

__all__ = ["RunLock", "refuse_network_filesystem"]

#: How long `acquire` outlasts those who hold the lock for an instant: `owner` of another process
#: while it asks, and a child of a killed holder between fork and exec.
PATIENCE_S = 0.25
_PAUSE_S = 0.01
_LARGEST_NOTE = 4096


class RunLock:
    """Exclusive ownership of what `path` stands for; implements `ports.ownership.Ownership`.

    The file stays when the lock is released: removing it would let two processes each lock a
    different file of the same name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self) -> bool:
        """Take it; False if another live process has it. Idempotent for the holder.

        Raises:
            ConfigurationError: the file is on a network file system.
        """
        if self._descriptor >= 0:
            return True
        refuse_network_filesystem(self._path)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock_patiently(descriptor):
            os.close(descriptor)
            return False
        note = msgspec.json.encode(_this_process())
        os.pwrite(descriptor, note, 0)
        os.ftruncate(descriptor, len(note))
        self._descriptor = descriptor
        _held.add(self)
        return True

    def owner(self) -> OwnerInfo | None:
        """Who has it (`live`), or had it last; None when nobody ever had it.

        In the instant between the taking of the lock and the writing of the note, the note is
        still that of the previous owner.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            live = self._descriptor >= 0 or not _lock(descriptor, fcntl.LOCK_SH)
            note = _read_note(descriptor)
            if note is None:
                return None
            return msgspec.structs.replace(note, live=live)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Give it back; without effect when it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            _held.discard(self)

    def __enter__(self) -> Self:
        if not self.acquire():
            raise ConflictError(
                f"{self._path} is locked by {self.owner()}",
                remedy="wait until that process has ended, or end it",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def forget(self) -> None:
        """Close without unlocking: for a forked child, whose parent goes on holding the lock."""
        os.close(self._descriptor)
        self._descriptor = -1


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()
    _held.clear()


os.register_at_fork(after_in_child=_forget_all)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_patiently(descriptor: int) -> bool:
    give_up_at = time.monotonic() + PATIENCE_S
    while not _lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(_PAUSE_S)
    return True


def _read_note(descriptor: int) -> OwnerInfo | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _LARGEST_NOTE, 0), type=OwnerInfo)
    except msgspec.DecodeError:
        return None


def _this_process() -> OwnerInfo:
    return OwnerInfo(
        pid=os.getpid(),
        host=platform.node(),
        boot_id=boot_id(),
        started=process_start(),
        since=time.time(),
        live=True,
    )


def boot_id() -> str:
    """Identifies this boot of the machine; empty where the system has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def process_start() -> float:
    """When this process started, in Unix seconds; 0 where that cannot be read."""
    process = look_up(os.getpid()) if HAS_PROC else None
    if process is None:
        return 0.0
    uptime_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    return time.time() - uptime_s + process.started / os.sysconf("SC_CLK_TCK")
