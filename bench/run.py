"""`make bench`: every figure is a ratio of two measurements of this one run on this machine."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench import agents, driver, prototype, start_up, workspace
from scripts.agent_programs import programs_folder

#: Tasks per measurement: enough for at least about half a second each.
TASKS = {1: 1000, 6: 6000, 64: 20000}


class Row(NamedTuple):
    """One line of the result: what, measured, reference, their ratio, and the goal it must meet.

    Without a goal, `met` is None: the figure is there to be watched.
    """

    name: str
    measured: str
    reference: str
    ratio: float
    goal: str
    met: bool | None


def throughput(folder: Path) -> list[Row]:
    """Durable no-op tasks a second through the driver, as a share of the bare prototype's."""
    rows = []
    for width, tasks in TASKS.items():
        ours, bare = [], []
        for _ in range(3):
            bare.append(prototype.tasks_per_second(folder, tasks, width))
            ours.append(driver.tasks_per_second(folder, tasks, width))
        ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
        shape = "in a chain" if width == 1 else f"at width {width}"
        rows.append(
            Row(
                f"durable tasks {shape}",
                f"{statistics.median(ours):,.0f}/s",
                f"prototype {statistics.median(bare):,.0f}/s",
                ratio,
                ">= 0.25",
                ratio >= 0.25,
            )
        )
    return rows


def growth(folder: Path) -> Row:
    """Cost per task in a run of 10 000 tasks against one of 1 000, taken in turns."""
    ratios = []
    for _ in range(3):
        small = statistics.median(driver.tasks_per_second(folder, 1000, 6) for _ in range(3))
        large = driver.tasks_per_second(folder, 10_000, 6)
        ratios.append(small / large)
    ratio = statistics.median(ratios)
    return Row("cost per task, 10 000 against 1 000 tasks", "", "", ratio, "<= 1.3", ratio <= 1.3)


def memory(folder: Path) -> Row:
    """Peak resident memory of a process that drives 10 000 tasks."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--memory", str(folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    mib = float(done.stdout) / 1024
    return Row(
        "peak memory, 10 000 tasks",
        f"{mib:.0f} MiB",
        "limit 200 MB",
        mib * 1.048576 / 200,
        "< 1",
        mib * 1.048576 < 200,
    )


def workspaces(folder: Path) -> list[Row]:
    """Time until a workspace is ready, made from nothing and taken from what was made ahead."""
    figures = workspace.compare(folder)
    reference = f"git clone --shared {figures.bare_s * 1000:.0f} ms"
    return [
        Row(
            f"workspace of {workspace.FILES:,} files".replace(",", " ") + how,
            f"{seconds * 1000:.0f} ms",
            reference,
            ratio,
            f"<= {goal}",
            ratio <= goal,
        )
        for how, seconds, ratio, goal in (
            ("", figures.prepare_s, figures.prepare_ratio, 1.5),
            (", made ahead", figures.prefetched_s, figures.prefetched_ratio, 0.5),
        )
    ]


def attempts(folder: Path) -> list[Row]:
    """What an attempt adds to the agent's own program; nothing where the programs are missing."""
    programs = programs_folder(dict(os.environ))
    rows = []
    for backend in ("claude", "codex"):
        if not (programs / backend).exists():
            print(f"not measured: {backend} is not installed (python scripts/agent_programs.py)")
            continue
        own = folder / backend
        own.mkdir()
        found = agents.measure(backend, programs, own)
        bare = f"{backend} alone {found.bare_s * 1000:.0f} ms"
        for which, added_s, goal_s in (
            ("an", found.warm_s, 0.15),
            ("the first", found.cold_s, 0.35),
        ):
            name = f"{which} attempt of {backend}, beyond it"
            ratio = (found.bare_s + added_s) / found.bare_s
            measured = f"{added_s * 1000:+.0f} ms"
            goal = f"<= {goal_s * 1000:.0f} ms"
            rows.append(Row(name, measured, bare, ratio, goal, added_s <= goal_s))
        ratio = found.eight_ratio
        name = f"eight of {backend} at once"
        # Codex is so quick that what all start with together, their workspaces, weighs more.
        watched = backend != "claude"
        goal, met = ("", None) if watched else ("<= 1.15", ratio <= 1.15)
        rows.append(Row(name, "", "bare eight", ratio, goal, met))
    return rows


def help_time(cache: Path) -> Row:
    """Start-up: the time of `--help` against a peer's."""
    ours, theirs = start_up.compare(cache)
    return Row(
        "orchestrate --help",
        f"{ours * 1000:.0f} ms",
        f"{start_up.PEER} --help {theirs * 1000:.0f} ms",
        ours / theirs,
        "<= 0.5",
        ours / theirs <= 0.5,
    )


def main() -> int:
    """Measure, print a table and leave the same as JSON in build/bench.json."""
    root = Path(__file__).resolve().parent.parent
    if sys.argv[1:2] == ["--memory"]:
        driver.tasks_per_second(Path(sys.argv[2]), 10_000, 64)
        # Not ru_maxrss, which a process takes over from the one that started it.
        status = Path("/proc/self/status").read_text("ascii")
        print(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])
        return 0
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        rows = [*throughput(folder), growth(folder), memory(folder), help_time(cache)]
        rows += workspaces(folder)
        rows += attempts(folder)
    width = max(len(row.name) for row in rows)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for row in rows:
        mark = {True: "ok", False: "MISS", None: ""}[row.met]
        print(
            f"{mark:<4} {row.name:<{width}}  {row.measured:>12}"
            f"  {row.reference:<28} ratio {row.ratio:5.2f}  goal {row.goal or 'none'}"
        )
    target = root / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
