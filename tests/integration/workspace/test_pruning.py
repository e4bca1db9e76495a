"""What is kept is listed, and work that is nowhere else is never deleted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Kept
from tests.e2e.git_states import commit, git
from tests.integration.workspace.rig import AT, RUN, Rig, inspect, tracked


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Some tests merge into the user's branch, so this rig is not held to leave it as it was."""
    root = tracked(tmp_path / "user")
    return Rig(root, root / ".git", tmp_path)


def _kept(rig: Rig, over: bool = True) -> dict[str, Kept]:
    return {f"{one.kind} {one.name}": one for one in rig.workspaces.leftovers({RUN: over})}


def test_a_workspace_with_changes_that_were_not_collected_is_unmerged(rig: Rig) -> None:
    workspace = rig.prepared()
    assert not _kept(rig)["workspace task.1"].unmerged
    Path(workspace.folder, "a.txt").write_text("a\n")
    objects = inspect(rig, "count-objects")
    kept = _kept(rig)["workspace task.1"]
    assert kept.unmerged
    assert "not collected" in kept.reason
    assert kept.size_bytes > 0
    assert inspect(rig, "count-objects") == objects
    with pytest.raises(RequestError, match=r"would be lost: run-1/task.1"):
        rig.workspaces.prune([kept])
    forged = msgspec.structs.replace(kept, unmerged=False)
    with pytest.raises(RequestError, match="would be lost"):
        rig.workspaces.prune([forged])
    assert Path(workspace.folder, "a.txt").exists()
    rig.workspaces.collect(workspace, "m", 1.0)
    kept = _kept(rig)["workspace task.1"]
    assert not kept.unmerged
    assert rig.workspaces.prune([kept]) >= kept.size_bytes
    assert not Path(workspace.folder).exists()


def test_a_workspace_with_commits_that_were_not_collected_is_unmerged(rig: Rig) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    commit(folder, "a.txt", "a\n", "by the attempt")
    (folder / "a.txt").unlink()
    assert "commits of its own" in _kept(rig)["workspace task.1"].reason


def test_a_workspace_that_cannot_be_looked_at_is_unmerged(rig: Rig) -> None:
    workspace = rig.prepared()
    tracked(Path(workspace.folder) / "nested")
    kept = _kept(rig)["workspace task.1"]
    assert kept.unmerged
    assert "cannot be compared" in kept.reason


def test_a_snapshot_keeps_work_until_the_attempt_is_collected(rig: Rig) -> None:
    workspace = rig.prepared()
    path = Path(workspace.folder, "a.txt")
    path.write_text("a\n")
    name = f"ref snapshots/task.1-{rig.workspaces.snapshot(workspace, 1.0)[:16]}"
    assert not _kept(rig)["workspace task.1"].unmerged
    assert _kept(rig)[name].unmerged
    path.write_text("b\n")
    rig.workspaces.collect(workspace, "m", 1.0)
    assert not _kept(rig)[name].unmerged
    path.write_text("a\n")  # as in the snapshot, which could now be pruned with it
    assert _kept(rig)["workspace task.1"].unmerged


def test_a_ref_may_go_when_a_branch_has_its_commit(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    kept = _kept(rig)["ref attempts/task.1"]
    assert kept.unmerged
    with pytest.raises(RequestError, match="would be lost"):
        rig.workspaces.prune([kept])
    git(rig.root, "merge", "-q", "--ff-only", work.commit)
    all_kept = list(_kept(rig).values())
    assert [one.unmerged for one in all_kept] == [False] * 3
    rig.workspaces.prune(all_kept)
    assert inspect(rig, "for-each-ref", "refs/orchestrate") == b""
    assert rig.workspaces.leftovers({RUN: True}) == []
    assert rig.workspaces.prune(all_kept) == 0


def test_of_two_refs_to_one_commit_only_one_may_go(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    rig.workspaces.keep(RUN, "line", work.commit)
    kept = _kept(rig)
    states = [kept["ref attempts/task.1"].unmerged, kept["ref line"].unmerged]
    assert sorted(states) == [False, True]


def test_nothing_of_a_live_run_may_go(rig: Rig) -> None:
    rig.prepared()
    kept = _kept(rig, over=False)
    assert {one.reason for one in kept.values()} == {"the run is not over"}
    with pytest.raises(RequestError, match="would be lost"):
        rig.workspaces.prune([*kept.values()])


def test_what_no_run_has_is_listed_and_goes(rig: Rig) -> None:
    base = rig.base().commit
    rig.workspaces.prefetch(base)
    for name in ("being-made", "left-by-a-crash"):
        (rig.home / "building" / name).mkdir()
        (rig.home / "building" / name / "file").write_text("x")
    os.utime(rig.home / "building" / "left-by-a-crash", (AT, AT))
    kept = rig.workspaces.leftovers({})
    assert [one.run for one in kept] == ["", ""]
    rig.workspaces.prune(kept)
    assert rig.workspaces.leftovers({}) == []
    assert [one.name for one in (rig.home / "building").iterdir()] == ["being-made"]
    for name in ("spare/../../user", "building", "runs/x", "spare/.."):
        with pytest.raises(RequestError, match="not kept here"):
            rig.workspaces.prune([Kept("", "workspace", name)])
    assert (rig.root / "app.py").exists()
