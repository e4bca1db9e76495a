"""What of ours is in a repository is found without its runs' logs, and taken out for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.workspace.withdrawal import is_present, presence, withdraw
from tests.e2e.git_states import git
from tests.integration.workspace.rig import AT, RUN, Rig, tracked

LIMIT_BYTES = 1 << 20


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A repository that a test may change: publishing and packing do."""
    root = tracked(tmp_path / "user")
    return Rig(root, root / ".git", tmp_path)


def refs(root: Path) -> list[str]:
    return git(root, "for-each-ref", "--format=%(refname)").splitlines()


def worked(rig: Rig) -> str:
    """Collect work of one attempt; its commit."""
    workspace = rig.prepared()
    Path(workspace.folder, "new.txt").write_text("new\n")
    work = rig.workspaces.collect(workspace, "Work\n", AT)
    assert work is not None
    return work.commit


def test_refs_go_and_every_other_ref_stays(rig: Rig) -> None:
    before = refs(rig.root)
    assert rig.git_dir is not None
    assert not is_present(rig.git_dir)
    commit = worked(rig)
    rig.workspaces.publish(RUN, f"orchestrate/{RUN}", commit, rig.beside)
    assert is_present(rig.git_dir)
    found = presence(rig.git_dir, rig.home, LIMIT_BYTES)
    assert found.branches == (f"orchestrate/{RUN}",)
    assert found.unmerged == ()
    withdraw(found)
    withdraw(found)  # as after a crash
    assert refs(rig.root) == sorted([*before, f"refs/heads/orchestrate/{RUN}"])


def test_work_on_no_branch_is_named_whether_collected_or_not(rig: Rig) -> None:
    assert rig.git_dir is not None
    worked(rig)
    begun = rig.prepared(name="other.1")
    Path(begun.folder, "begun.txt").write_text("begun\n")
    found = presence(rig.git_dir, rig.home, LIMIT_BYTES)
    assert {item.name for item in found.unmerged} == {"attempts/task.1", "other.1"}


@pytest.mark.parametrize("packed", [False, True])
def test_refs_are_found_wherever_git_keeps_them(packed: bool, rig: Rig) -> None:
    assert rig.git_dir is not None
    worked(rig)
    if packed:
        git(rig.root, "pack-refs", "--all")
    assert is_present(rig.git_dir)
    found = presence(rig.git_dir, None, LIMIT_BYTES)
    assert f"refs/orchestrate/{RUN}/attempts/task.1" in found.refs
