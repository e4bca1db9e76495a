"""How long `--help` takes, side by side with another durable-execution tool's."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

#: Compared with; installed by name into an environment of its own.
PEER = "dbos==3.4.0"


def peer_command(cache: Path) -> Path:
    """The peer's executable, installed into `cache` on first use."""
    home = cache / "bench-peer"
    command = home / "bin" / "dbos"
    if not command.exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "pip", "install", "-qq", PEER], check=True)
    return command


def seconds(argv: list[str], repeats: int = 15) -> list[float]:
    """Wall time of `argv`, once to warm the file cache and then `repeats` times."""
    times = []
    for number in range(repeats + 1):
        begin = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if number:
            times.append(time.perf_counter() - begin)
    return times


def compare(cache: Path) -> tuple[float, float]:
    """Median seconds of `orchestrate --help` and of the peer's, taken in turns."""
    ours = [str(Path(sys.executable).parent / "orchestrate"), "--help"]
    theirs = [str(peer_command(cache)), "--help"]
    mine: list[float] = []
    other: list[float] = []
    for _ in range(5):
        mine += seconds(ours, 3)
        other += seconds(theirs, 3)
    return statistics.median(mine), statistics.median(other)
