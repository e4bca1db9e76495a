"""`kill -9` of driver, supervisor and specialist at every stage of a security scan (N3, A3).

Without fixes, which are killed in `test_train.py`: what is done there is done by the same train.

After each kill the run is resumed, and then: the findings are those of an undisturbed scan, the log
shows every task finished exactly once and never started again after that, no process is left, and
the user's files, index, refs and stash are byte-identical.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.core.sharing.findings import Analysis
from tests.crash.planted import plant
from tests.e2e.command import (
    PATIENCE_S,
    kinds,
    log,
    orchestrate,
    processes_with,
    start,
    tree,
    wait_for,
)

pytestmark = pytest.mark.slow

SCANNING = ("vulnerabilities", "review", "architecture")
STAGES = {"scan": SCANNING, "analysis": ("aggregate",), "report": ("report",)}

#: (victim, stage, how far into the stage: the share of its undisturbed duration).
KILLS = [
    *(("driver", "scan", share / 9) for share in range(9)),
    *(("driver", "analysis", share / 4) for share in range(4)),
    *(("driver", "report", share / 4) for share in range(4)),
    *(("driver", "append", float(write)) for write in range(1, 9)),
    *(("supervisor", "scan", share / 4) for share in range(4)),
    *(("supervisor", "analysis", share / 2) for share in range(2)),
    *(("supervisor", "report", share / 2) for share in range(2)),
    *(("specialist", "scan", share / 4) for share in range(4)),
    *(("specialist", "analysis", share / 2) for share in range(2)),
    *(("specialist", "report", share / 2) for share in range(2)),
]


def test_there_are_at_least_forty_kills_over_all_stages() -> None:
    assert len(KILLS) >= 40
    assert {stage for _, stage, _ in KILLS} == {"scan", "analysis", "append", "report"}


class Undisturbed:
    """What a scan gives when nobody interferes: findings, and how long each stage takes."""

    def __init__(self, root: Path) -> None:
        repository = plant(root)
        done = orchestrate("security", "--no-fix", "--json", "--quiet", cwd=repository)
        assert done.code == 0, done
        self.findings = findings_of(done.data)
        assert {item.severity for item in self.findings} >= {"high"}
        events = log(state_dir(repository))
        self.seconds = {
            stage: max(ended_at(events, task) for task in tasks)
            - min(started_at(events, task) for task in tasks)
            for stage, tasks in STAGES.items()
        }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed") / "repository")


def state_dir(repository: Path) -> Path:
    return repository / ".git" / "orchestrate"


def started_at(events: list[dict[str, Any]], task: str) -> float:
    return float(
        next(e["at"] for e in events if e["event"] == "AttemptStarted" and e["task"] == task)
    )


def ended_at(events: list[dict[str, Any]], task: str) -> float:
    return float(
        next(e["at"] for e in events if e["event"] == "AttemptSucceeded" and e["task"] == task)
    )


def findings_of(data: dict[str, Any]) -> tuple[Any, ...]:
    path = next(
        task["outputs"]["analysis"] for task in data["tasks"] if task["task"] == "aggregate"
    )
    return msgspec.json.decode(Path(path).read_bytes(), type=Analysis).findings


def users_things(repository: Path) -> dict[str, bytes]:
    """Files, HEAD, index, refs, stash and config: everything that is not ours."""
    return tree(repository, without=(".git/orchestrate",))


@pytest.mark.parametrize(
    ("victim", "stage", "share"),
    [pytest.param(*kill, id=f"{kill[0]}-{kill[1]}-{kill[2]:.2f}") for kill in KILLS],
)
def test_kill_and_resume_gives_what_an_undisturbed_scan_gives(
    victim: str, stage: str, share: float, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    repository = plant(tmp_path / "repository")
    before = users_things(repository)
    driver = start("security", "--no-fix", "--json", "--quiet", cwd=repository)
    if stage == "append":
        run = kill_at_write(driver, repository, int(share))
    else:
        run = await_stage(driver, repository, stage)
        time.sleep(share * undisturbed.seconds[stage])  # where in the stage to strike
        strike(victim, driver, run, STAGES[stage])
    out, err = driver.communicate(timeout=PATIENCE_S * 2)
    if victim == "driver":
        assert driver.returncode == -signal.SIGKILL or driver.returncode == 0, err
    wait_for("every process to be gone", lambda: not left_over(run))
    if kinds(log(state_dir(repository), run))[-1] == "RunCompleted":
        # A killed supervisor or specialist is a failed attempt: the driver tried again by itself.
        # A driver killed late may have written its last event already.
        again = orchestrate("resume", run, "--yes", cwd=repository)
        assert again.code == 5, again
        data = orchestrate("show", run, "--json", cwd=repository).data
    else:
        resumed = orchestrate("resume", run, "--yes", "--json", "--quiet", cwd=repository)
        assert resumed.code == 0, (resumed, out, err)
        data = resumed.data
    assert findings_of(data) == undisturbed.findings
    assert_nothing_done_twice(log(state_dir(repository), run))
    assert not left_over(run)
    assert users_things(repository) == before


def await_stage(driver: subprocess.Popen[str], repository: Path, stage: str) -> str:
    first = f"AttemptStarted {STAGES[stage][0]}"

    def reached() -> list[dict[str, Any]]:
        ended = driver.poll() is not None
        events = log(state_dir(repository))
        assert first in kinds(events) or not ended, driver.communicate()
        return events if first in kinds(events) else []

    return str(wait_for(first, reached)[0]["run"])


def strike(victim: str, driver: subprocess.Popen[str], run: str, tasks: tuple[str, ...]) -> None:
    """SIGKILL the victim; a stage that is over before the blow falls is hit where it now is."""
    if victim == "driver":
        driver.kill()
        return
    variable = "ORCHESTRATE_SUPERVISOR" if victim == "supervisor" else "ORCHESTRATE_ATTEMPT"
    pids = wait_for(
        f"a {victim}",
        lambda: (
            driver.poll() is not None
            or [pid for task in tasks for pid in processes_with(variable, f"{run}:{task}:")]
        ),
    )
    for pid in pids if isinstance(pids, list) else ():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def kill_at_write(driver: subprocess.Popen[str], repository: Path, number: int) -> str:
    """Kill the driver at the `number`-th change of the store's write-ahead log."""
    wal = state_dir(repository) / "events.db-wal"

    def size() -> int:
        try:
            return wal.stat().st_size
        except OSError:
            return 0

    await_stage(driver, repository, "scan")
    seen, last = 0, size()
    deadline = time.monotonic() + PATIENCE_S
    while seen < number and driver.poll() is None:
        assert time.monotonic() < deadline, "the store was not written to"
        now = size()
        seen, last = seen + (now != last), now
    driver.kill()
    return str(log(state_dir(repository))[0]["run"])


def left_over(run: str) -> list[int]:
    return [
        *processes_with("ORCHESTRATE_ATTEMPT", f"{run}:"),
        *processes_with("ORCHESTRATE_SUPERVISOR", f"{run}:"),
    ]


def assert_nothing_done_twice(events: list[dict[str, Any]]) -> None:
    finished: set[str] = set()
    for event in events:
        if event["event"] == "AttemptStarted":
            assert event["task"] not in finished, f"{event['task']} ran again after it finished"
        elif event["event"] == "AttemptSucceeded":
            assert event["task"] not in finished, f"{event['task']} finished twice"
            finished.add(event["task"])
    assert finished == {*SCANNING, "aggregate", "report"}
    assert kinds(events)[-1] == "RunCompleted"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = replace(data, 'scan', 'scam')",
        "DELETE FROM events WHERE version = 3",
        "DELETE FROM events WHERE version > 4",
    ],
)
def test_a_store_changed_from_outside_is_noticed(
    statement: str, undisturbed: Undisturbed, tmp_path: Path, run_once: Callable[[Path], str]
) -> None:
    repository = plant(tmp_path / "repository")
    run = run_once(repository)
    with sqlite3.connect(state_dir(repository) / "events.db") as db:
        db.execute("DELETE FROM snapshots")
        changed = db.execute(statement).rowcount
    db.close()
    assert changed > 0
    done = orchestrate("events", run, cwd=repository)
    assert done.code == 6, done
    assert "from outside" in done.err


@pytest.fixture
def run_once() -> Callable[[Path], str]:
    def run(repository: Path) -> str:
        flow = repository / "flow.yaml"
        flow.write_text(
            "version: 1\nname: scan\nphases:\n  - name: scan\n    tasks:\n"
            "      - {id: a, run: 'true'}\n      - {id: b, run: 'true'}\n"
        )
        return str(orchestrate("run", str(flow), "--json", cwd=repository).data["run"])

    return run
