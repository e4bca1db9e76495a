"""How much memory the processes of a run take, seen from outside."""

from __future__ import annotations

import threading
from pathlib import Path


class MemoryWatch:
    """Samples every process below `pid`, and every one that belongs to an attempt, until stopped.

    The kernel's high-water mark is read, so that a peak between two samples counts; only a process
    that lives shorter than the interval is missed.

    Attributes:
        peaks: "pid command line" -> largest resident set, in bytes.
        most_at_once: the largest sum of resident sets in one sample, in bytes.
        samples: how often was looked.
    """

    INTERVAL_S = 0.05

    def __init__(self, pid: int) -> None:
        self.peaks: dict[str, int] = {}
        self.most_at_once = 0
        self.samples = 0
        self._root = pid
        self._members = {pid}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.INTERVAL_S):
            self._sample()

    def _sample(self) -> None:
        total = 0
        found = dict(_processes())
        # A process stays a member when what started it has gone and it belongs to another parent.
        grown = True
        while grown:
            new = {pid for pid, (parent, _, _) in found.items() if parent in self._members}
            grown = not new <= self._members
            self._members |= new
        for pid in self._members & found.keys():
            _, peak, now = found[pid]
            total += now
            name = f"{pid} {_command(pid)}"
            self.peaks[name] = max(self.peaks.get(name, 0), peak)
        self.most_at_once = max(self.most_at_once, total)
        self.samples += 1


def _processes() -> list[tuple[int, tuple[int, int, int]]]:
    """Pid -> parent, peak and present resident set in bytes, of every process with memory."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if "VmHWM" in fields:
            peak, now = (int(fields[key].split()[0]) * 1024 for key in ("VmHWM", "VmRSS"))
            found.append((int(folder.name), (int(fields["PPid"]), peak, now)))
    return found


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode("utf-8", "replace")[:120]
