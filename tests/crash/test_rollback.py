"""Back to every checkpoint and forward again: state, code and untracked files (A6 to A8, N3).

One run is taken through everything: it is killed with attempts at work, completed, taken back to
each of its checkpoints and forward again, and the rollback itself is killed at every boundary.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.app.checkpoints import (
    Checkpoint,
    checkpoints,
    facts_at,
    facts_digest,
    state_digest,
)
from orchestrate.core.running.state import RunState
from tests.crash.listing import listing
from tests.e2e.command import PATIENCE_S, log, orchestrate, processes_with, start, wait_for
from tests.e2e.git_states import commit, git

pytestmark = pytest.mark.slow

LISTING = Path(__file__).with_name("listing.py")
WORKERS = ("slow", "other")
Files = dict[str, list[str]]

#: Two tasks that say what files they find, then change more of them at each signal.
FLOW = """
version: 1
name: stages
phases:
  - name: one
    tasks: [{{id: first, run: echo first >> b.txt, writes: [b.txt]}}]
  - name: two
    tasks:
      - {{id: slow, writes: [a.txt, slow/**], run: "sh {signals}/work.sh slow"}}
      - {{id: other, writes: [other/**], run: "sh {signals}/work.sh other"}}
  - name: three
    tasks: [{{id: last, run: echo last > c.txt, writes: [c.txt]}}]
"""
WORK = """
set -eu
me=$1
{python} {listing} {signals}/found.$me
stage() {{ until test -e {signals}/go.$1; do sleep 0.05; done; }}
stage 1
mkdir -p $me
echo untracked > $me/one.txt
test $me = other || echo changed >> a.txt
touch {signals}/done.$me.1
stage 2
echo more >> $me/one.txt
printf '#!/bin/sh\\n' > $me/two.sh
chmod +x $me/two.sh
ln -sf one.txt $me/link
touch {signals}/done.$me.2
stage 3
rm -f $me/link
"""


class Staged:
    """The run, the signals its attempts wait for, and what lay in their folders when."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.signals = folder / "signals"
        self.files: dict[str, dict[str, Files]] = {}
        self.root.mkdir()
        self.signals.mkdir()
        git(self.root, "init", "-q")
        for name in ("a.txt", "b.txt"):
            commit(self.root, name, f"{name}\n", f"add {name}")
        places = {"python": sys.executable, "listing": LISTING, "signals": self.signals}
        (self.signals / "work.sh").write_text(WORK.format(**places))
        (folder / "flow.yaml").write_text(FLOW.format(signals=self.signals))
        self.site = wiring.open_site(self.root)
        self.run = ""
        self._drivers: list[subprocess.Popen[str]] = []

    def begin(self, *argv: str) -> subprocess.Popen[str]:
        """Start a driver."""
        self._drivers.append(start(*argv, cwd=self.root))
        return self._drivers[-1]

    def end(self) -> None:
        """Kill what still drives the run, as after a test that failed in the middle."""
        while self._drivers:
            driver = self._drivers.pop()
            if driver.poll() is None:
                self.kill(driver)

    # -- the attempts --------------------------------------------------------------------------

    def go(self, stage: int) -> None:
        (self.signals / f"go.{stage}").touch()

    def hold(self) -> None:
        """Let attempts that begin from now on say what they find, and wait."""
        for path in [*self.signals.glob("go.*"), *self.signals.glob("done.*")]:
            path.unlink()
        for path in self.signals.glob("found.*"):
            path.unlink()

    def found(self, driver: subprocess.Popen[str]) -> dict[str, Files]:
        """What the attempts that have just begun found, by task."""
        paths = [self.signals / f"found.{name}" for name in WORKERS]
        wait_for(
            "attempts to begin",
            lambda: all(path.exists() for path in paths) or driver.poll() is not None,
        )
        assert all(path.exists() for path in paths), driver.communicate()
        return {
            name: json.loads(path.read_text()) for name, path in zip(WORKERS, paths, strict=True)
        }

    def staged(self, stage: int) -> None:
        self.go(stage)
        paths = [self.signals / f"done.{name}.{stage}" for name in WORKERS]
        wait_for(f"stage {stage}", lambda: all(path.exists() for path in paths))

    def workspaces(self) -> dict[str, Files]:
        """What lies in the folders of the latest attempts now, by task."""
        state = self.state()
        home = wiring.workspaces_dir(self.site) / "runs" / self.run
        return {
            name: listing(home / f"{name}.{state.task(name).attempts}" / "work") for name in WORKERS
        }

    def kill(self, driver: subprocess.Popen[str]) -> None:
        driver.send_signal(signal.SIGKILL)
        driver.communicate(timeout=PATIENCE_S)
        wait_for(
            "every process to be gone",
            lambda: (
                not processes_with("ORCHESTRATE_ATTEMPT", f"{self.run}:")
                and not processes_with("ORCHESTRATE_SUPERVISOR", f"{self.run}:")
            ),
        )

    # -- the log -------------------------------------------------------------------------------

    def state(self) -> RunState:
        store = wiring.open_store(self.site)
        try:
            return runs.load(store, self.run)
        finally:
            store.close()

    def checkpoints(self) -> dict[str, Checkpoint]:
        store = wiring.open_store(self.site)
        try:
            return {item.checkpoint: item for item in checkpoints(store, self.run)}
        finally:
            store.close()

    def digest_of(self, item: Checkpoint) -> str:
        store = wiring.open_store(self.site)
        try:
            return facts_digest(facts_at(store, self.run, item))
        finally:
            store.close()

    def tree(self, line: str) -> str:
        return git(self.root, "rev-parse", f"{line}^{{tree}}").strip()

    def roll_back(self, name: str) -> dict[str, Any]:
        done = orchestrate("rollback", self.run, "--to", name, "--yes", "--json", cwd=self.root)
        assert done.code == 0, done
        data: dict[str, Any] = done.data
        return data

    def assert_is_at(self, item: Checkpoint) -> None:
        """State and code are what the checkpoint says they were."""
        state = self.state()
        assert state_digest(state) == self.digest_of(item)
        assert state.line == item.line
        assert {name: state.task(name).snapshot for name in item.snapshots} == item.snapshots

    def assert_files_come_back(self, expected: dict[str, Files]) -> None:
        """Resume with the attempts held: each finds the files it had. Killed with them at work."""
        self.hold()
        driver = self.begin("resume", self.run, "--yes")
        assert self.found(driver) == expected
        self.kill(driver)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """The run, completed."""
    rig = Staged(tmp_path_factory.mktemp("staged"))
    try:
        complete(rig)
        yield rig
    finally:
        rig.end()


def complete(rig: Staged) -> None:
    """Run it to its end, past a kill, with checkpoints of every kind."""
    driver = rig.begin("run", "../flow.yaml")
    rig.found(driver)
    rig.run = log(rig.site.state_dir)[0]["run"]
    for stage in (0, 1, 2):
        if stage:
            rig.staged(stage)
        taken = orchestrate("checkpoint", "create", rig.run, "--json", cwd=rig.root)
        assert taken.code == 0, taken
        assert set(taken.data["snapshots"]) == set(WORKERS)
        rig.files[taken.data["checkpoint"]] = rig.workspaces()
    rig.kill(driver)
    rig.go(3)
    done = orchestrate("resume", rig.run, "--yes", cwd=rig.root)
    assert done.code == 0, done


@pytest.fixture(autouse=True)
def _nobody_drives_on(staged: Staged) -> Iterator[None]:
    """A test that fails leaves the run to the next one."""
    yield
    staged.end()


def test_every_checkpoint_is_gone_to_and_left_again(staged: Staged) -> None:
    there = staged.checkpoints()
    assert len(there) >= 5
    assert {tuple(item.snapshots) for item in there.values()} >= {(), WORKERS}
    files = list(staged.files.values())
    assert "slow/one.txt" not in files[0]["slow"]
    assert files[2]["slow"]["slow/two.sh"][0] == "program"
    assert files[2]["other"]["other/link"] == ["link", "one.txt"]
    for name, item in there.items():
        before = staged.state()
        data = staged.roll_back(name)
        staged.assert_is_at(item)
        assert staged.tree(data["line"]) == staged.tree(item.line)
        if name in staged.files:
            staged.assert_files_come_back(staged.files[name])
        staged.roll_back(data["forward"])
        after = staged.state()
        assert (state_digest(after), after.line) == (state_digest(before), before.line)


# -- killing the rollback itself ---------------------------------------------------------------

#: When the rollback is killed: once the snapshots are in git and no event tells of them, or at the
#: n-th change of the store.
MOMENTS = ("snapshot", 1, 2, 3, 4, 5)
#: By these it cannot be through: there are more changes to come.
EARLY = ("snapshot", 1, 2, 3)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_rollback_loses_nothing_and_can_be_repeated(
    moment: str | int, staged: Staged
) -> None:
    there = staged.checkpoints()
    worked = [name for name in there if name in staged.files]
    staged.roll_back(worked[1])
    staged.hold()
    driver = staged.begin("resume", staged.run, "--yes")
    staged.found(driver)
    staged.go(1)
    staged.staged(2)
    staged.kill(driver)
    at_work = staged.workspaces()
    version = staged.state().version
    target = there["c3"]
    strike(staged, moment, target)
    staged.roll_back(target.checkpoint)
    staged.assert_is_at(target)
    # What the attempts had in their folders when they were cut off is held by some checkpoint.
    held = next(
        item
        for item in staged.checkpoints().values()
        if item.version > version and set(item.snapshots) == set(WORKERS)
    )
    staged.roll_back(held.checkpoint)
    staged.assert_is_at(held)
    staged.assert_files_come_back(at_work)


def strike(staged: Staged, moment: str | int, target: Checkpoint) -> None:
    """Begin to roll back, and SIGKILL it at `moment`; one that is through by then is through."""
    seen = snapshots(staged) if moment == "snapshot" else writes(staged)
    count = 1 if moment == "snapshot" else int(moment)
    process = start("rollback", staged.run, "--to", target.checkpoint, "--yes", cwd=staged.root)
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and seen() < count:
        assert time.monotonic() < deadline
    process.kill()
    told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL or moment not in EARLY, told


def snapshots(staged: Staged) -> Callable[[], int]:
    """How many snapshots there are in git beyond those there are now."""
    folder = staged.root / ".git" / "refs" / "orchestrate" / staged.run / "snapshots"
    before = set(folder.iterdir())
    return lambda: len(set(folder.iterdir()) - before)


def writes(staged: Staged) -> Callable[[], int]:
    """How often the store has been written to since now."""
    wal = staged.site.state_dir / "events.db-wal"
    last = wal.stat().st_size if wal.exists() else 0
    count = 0

    def look() -> int:
        nonlocal last, count
        now = wal.stat().st_size if wal.exists() else 0
        count, last = count + (now != last), now
        return count

    return look
