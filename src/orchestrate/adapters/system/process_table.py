"""The processes of this machine: who descends from whom, and signals that cannot miss.

Imported by the supervisor process, so it needs nothing but a few quick modules of the standard
library (`typing` and `subprocess` alone would double its start-up).
"""

from __future__ import annotations

import os
import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HAS_PROC = os.path.isdir("/proc/self")  # noqa: PTH112 - pathlib is slow to import


class Process:
    """One row of the table. `pid` with `started` (clock ticks since boot) is its identity.

    `group` is its process group; `dead` ones are zombies nobody has waited for yet.
    """

    __slots__ = ("dead", "group", "parent", "pid", "started")

    def __init__(self, pid: int, parent: int, group: int, started: int, dead: bool) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.started = started
        self.dead = dead

    @property
    def identity(self) -> tuple[int, int]:
        """What no other process of this boot shares."""
        return self.pid, self.started


def look_up(pid: int) -> Process | None:
    """The process `pid`, or None when there is none (any more). Needs /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            line = file.read()
    except OSError:
        return None
    # The name may hold blanks and parentheses; proc(5) counts the fields after the last ")".
    fields = line[line.rindex(b")") + 2 :].split()
    parent, group, started = int(fields[1]), int(fields[2]), int(fields[19])
    return Process(pid, parent, group, started, dead=fields[0] in (b"Z", b"X"))


def every_process() -> list[Process]:
    """All processes, zombies included. Not an atomic picture: callers repeat until they agree."""
    if not HAS_PROC:
        return _every_process_from_ps()
    found = (look_up(int(name)) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return [process for process in found if process is not None]


def descendants(root: int) -> list[Process]:
    """Processes below `root`, zombies included, without `root` itself."""
    children: dict[int, list[Process]] = {}
    for process in every_process():
        children.setdefault(process.parent, []).append(process)
    below: list[Process] = []
    queue = [root]
    while queue:
        for child in children.pop(queue.pop(), ()):
            below.append(child)
            queue.append(child.pid)
    return below


def kill(processes: list[Process]) -> None:
    """Kill `processes`, which all descend from this one, and the process groups they are in.

    One that forks and exits without pause is never where it was last seen, but it stays in its
    group, zombies tell which that is, and a group is killed in one indivisible step.
    """
    groups = {process.group for process in processes} - {0, 1, os.getpgrp()}
    for group in groups:
        _attempt(os.killpg, group, signal.SIGKILL)
    for process in processes:
        if not process.dead:
            send(process, signal.SIGKILL)


def send(process: Process, signum: int) -> bool:
    """Signal exactly `process`; False when it is gone, even if its number is in use again."""
    if not (HAS_PROC and hasattr(os, "pidfd_open")):
        return _attempt(os.kill, process.pid, signum)
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        # The handle is now fixed to one process; make sure it is the one that was looked at.
        now = look_up(process.pid)
        if now is None or now.identity != process.identity:
            return False
        return _attempt(signal.pidfd_send_signal, handle, signum)
    finally:
        os.close(handle)


def wait_for_any(processes: Iterable[Process], seconds: float) -> None:
    """Return when one of `processes` has ended, or after `seconds`."""
    poll = select.poll()
    handles: list[int] = []
    try:
        for process in processes:
            try:
                handles.append(os.pidfd_open(process.pid))
            except (OSError, AttributeError):
                continue
            poll.register(handles[-1], select.POLLIN)
        # Without handles (not Linux) there is nothing to wake up for: look again soon.
        poll.poll(1000 * (seconds if handles else min(seconds, 0.02)))
    finally:
        for handle in handles:
            os.close(handle)


def environment_of(pid: int) -> frozenset[bytes]:
    """The `NAME=value` entries `pid` was started with; empty when they may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return frozenset(file.read().split(b"\0"))
    except OSError:
        return frozenset()


def _attempt(action: Callable[[int, int], None], target: int, signum: int) -> bool:
    try:
        action(target, signum)
    except OSError:
        return False
    return True


def _every_process_from_ps() -> list[Process]:
    """For systems without /proc. Start times are unknown there, so they are 0 (macOS)."""
    import subprocess

    answer = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=False
    )
    return [
        Process(int(pid), int(parent), int(group), started=0, dead=state.startswith("Z"))
        for pid, parent, group, state in map(str.split, answer.stdout.splitlines())
    ]
