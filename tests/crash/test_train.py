"""Six writing tasks that conflict, killed at random moments: always the same tree (N3, N5, N6, D8).

"At once" is literal: all six may run together, and only overlapping write sets keep two apart.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.crash.six import git, project
from tests.e2e.command import kinds, log, orchestrate, processes_with, start, wait_for

pytestmark = pytest.mark.slow

#: Which event's append the driver is killed after, drawn once; the undisturbed log has more.
KILLS = sorted(random.Random(20).sample(range(4, 44), 20))

TREE = {
    "docs/notes.txt": "notes\nthird\nfourth",
    "pkg/lib.py": "def square(side):\n    return side * side",
    "pkg/use.py": "LABEL = 'use'\nfrom pkg.lib import square as used\nFOUR = used(2)\nSECOND = 2",
    "shared.txt": "marked\nrenamed",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return project(tmp_path / "repository")


def events_of(repository: Path) -> list[dict[str, Any]]:
    return log(repository / ".git" / "orchestrate")


def published(repository: Path, events: list[dict[str, Any]]) -> dict[str, str]:
    """The files of the branch the run ended with that differ from where it began, by path."""
    branch = next(e["branch"] for e in events if e["event"] == "LinePublished")
    paths = git(repository, "diff", "--name-only", "main", branch).splitlines()
    return {path: git(repository, "show", f"{branch}:{path}") for path in paths}


def check_outcome(repository: Path) -> None:
    events = events_of(repository)
    assert kinds(events)[-3:] == ["AuditRecorded", "LinePublished", "RunCompleted"]
    assert events[-3]["verdict"] == "passed", events[-3]
    assert published(repository, events) == TREE
    merged = [e["task"] for e in events if e["event"] == "WorkMerged"]
    assert sorted(merged) == ["first", "fourth", "mark", "rename", "second", "third"]
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_conflicting_work_is_merged_or_sent_back_with_the_reason(repository: Path) -> None:
    done = orchestrate("run", "../six.yaml", "--json", "--quiet", cwd=repository)
    assert done.code == 0, done
    check_outcome(repository)
    events = events_of(repository)
    conflicts = [e for e in events if e["event"] == "WorkConflicted"]
    assert [(e["task"] in ("rename", "mark"), e["resolver"]) for e in conflicts] == [(True, True)]
    assert [c["path"] for c in conflicts[0]["conflicts"]] == ["shared.txt"]
    returned = [e for e in events if e["event"] == "WorkReturned"]
    assert {e["task"] for e in returned} <= {"first", "rename"}
    assert len(returned) == 1
    assert "passes alone and breaks together" in returned[0]["message"]
    assert returned[0]["together"]
    other = ({"first", "rename"} - {returned[0]["task"]}).pop()
    assert f"with the work of {other}" in returned[0]["message"]


def test_overlapping_write_sets_never_work_at_the_same_time(repository: Path) -> None:
    assert orchestrate("run", "../six.yaml", "--quiet", cwd=repository).code == 0
    busy: set[str] = set()
    for event in events_of(repository):
        match event["event"]:
            case "AttemptStarted":
                busy.add(event["task"])
                assert not {"first", "second"} <= busy
                assert not {"third", "fourth"} <= busy
            case "WorkMerged" | "WorkReturned":
                busy.discard(event["task"])


@pytest.mark.parametrize("moment", KILLS)
def test_killed_and_resumed_gives_the_same_tree(repository: Path, moment: int) -> None:
    driver = start("run", "../six.yaml", "--quiet", cwd=repository)
    wait_for(
        f"event {moment}",
        lambda: driver.poll() is not None or len(events_of(repository)) >= moment,
    )
    if driver.poll() is None:
        os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    run = git(repository, "for-each-ref", "--format=%(refname)", "refs/orchestrate").split("/")[2]
    wait_for("every process to be gone", lambda: not processes_with("ORCHESTRATE_ATTEMPT", run))
    if "RunCompleted" not in kinds(events_of(repository)):
        resumed = orchestrate("resume", run, "--yes", "--quiet", cwd=repository)
        assert resumed.code == 0, resumed
    check_outcome(repository)
