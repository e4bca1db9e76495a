"""`orchestrate security` on 100 000 lines: it says how far it is, and its memory is bounded."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from orchestrate.core.sharing.summary import ReportDocument
from tests.e2e.command import ARGV
from tests.e2e.large_tree import write_large_tree
from tests.e2e.process_memory import MemoryWatch
from tests.e2e.scanning import snapshot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360), pytest.mark.usefixtures("home")]

LINES = 100_000
#: Of any one process of the run, in bytes; three specialists at once must fit a small machine.
MOST_MEMORY = 400 << 20
#: About five times what an idle machine takes, in seconds.
PATIENCE_S = 330


class Terminal:
    """What a program shows on a terminal of its own, collected while it runs."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError:  # the other end was closed
                return
            self._shown += data

    def text(self) -> str:
        """Everything shown, without the codes that move the cursor; ends the collecting."""
        os.close(self.theirs)
        self._reader.join()
        os.close(self._ours)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode("utf-8", "replace"))


class LargeScan(NamedTuple):
    """One scan of a large tree. `attempts` is the folder of its attempts; `flawed` the number of
    modules with a flaw."""

    document: ReportDocument
    attempts: Path
    shown: str
    memory: MemoryWatch
    seconds: float
    flawed: int


def scan_large(root: Path) -> LargeScan:
    """Write the tree to `root` and scan it, watched and on a terminal."""
    flawed = write_large_tree(root, lines=LINES)
    before = snapshot(root)
    terminal = Terminal()
    started = time.monotonic()
    process = subprocess.Popen(
        [*ARGV, "security", "--repo", str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal.theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
        text=True,
    )
    try:
        with MemoryWatch(process.pid) as memory:
            out, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        shown = terminal.text()
    seconds = time.monotonic() - started
    assert process.returncode == 0, (out, shown)
    assert snapshot(root) == before
    report = Path(dict(line.split(maxsplit=1) for line in out.splitlines() if line)["json"])
    document = msgspec.json.decode(report.read_bytes(), type=ReportDocument)
    return LargeScan(document, report.parents[2], shown, memory, seconds, flawed)


# One test: the scan is long, and tests that share it may be spread over several workers.
def test_a_hundred_thousand_lines_are_scanned_with_progress_in_bounded_memory(
    tmp_path: Path,
) -> None:
    large = scan_large(tmp_path / "large")
    every_flaw_is_found(large)
    memory_of_every_process_is_bounded(large.memory)
    specialists_report_how_far_they_are(large.attempts)
    live_view_shows_how_far_they_are(large.shown)


def every_flaw_is_found(large: LargeScan) -> None:
    analysis = large.document.analysis
    assert analysis.inventory.python_lines >= LINES
    assert {run.tool for run in analysis.tools if not run.conclusive} == {"advisory-audit"}
    high = [f for f in analysis.findings if f.severity == "high"]
    assert [f.cwe for f in high] == [78] * large.flawed
    print(f"{analysis.inventory.python_lines} lines in {large.seconds:.1f} s")


def memory_of_every_process_is_bounded(memory: MemoryWatch) -> None:
    for name, peak in sorted(memory.peaks.items(), key=lambda item: -item[1]):
        print(f"{peak >> 20:>5} MiB  {name}")
    print(f"{memory.most_at_once >> 20} MiB at once; {memory.samples} samples")
    assert memory.samples > 20
    commands = " ".join(memory.peaks)
    for seen in ("orchestrate security", "adapters.backends.local", "bandit"):
        assert seen in commands
    assert max(memory.peaks.values()) < MOST_MEMORY


def specialists_report_how_far_they_are(attempts: Path) -> None:
    for task in ("vulnerabilities", "review", "architecture"):
        lines = (attempts / f"{task}.1" / "stdout.log").read_text("utf-8").splitlines()
        progress = [json.loads(line)["progress"] for line in lines]
        longest = max(progress, key=lambda each: each["total"])["what"]
        done = [each["done"] for each in progress if each["what"] == longest]
        assert done == sorted(done)
        assert len(set(done)) >= 4, (task, longest, done)


def live_view_shows_how_far_they_are(shown: str) -> None:
    for task in ("vulnerabilities", "review", "architecture"):
        rows = re.findall(rf"running +{task} .*?(\d+) of (\d+): ", shown)
        assert len(set(rows)) >= 3, (task, rows)
        assert all(int(done) <= int(total) for done, total in rows)
    assert re.search(r"analysis +waits for scanning: 1 task\b", shown)
    assert re.search(r"6 of 7 tasks done", shown)
