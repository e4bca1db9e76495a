"""Files of `.worktreeinclude` are in workspaces and in nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrate.errors import RequestError
from tests.e2e.git_states import git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, inspect, tracked

SECRET = "TOKEN=a-secret-nobody-may-commit\n"


def _with_secrets(root: Path) -> Path:
    tracked(
        root,
        __gitignore=".env\n*.key\nbuild/\nconfig/local.*\n",
        __worktreeinclude=".env\nconfig/local.*\n!config/local.tmp\n*.key\nnotes.txt\n",
    )
    (root / ".env").write_text(SECRET)
    (root / ".env").chmod(0o600)
    (root / "config").mkdir()
    (root / "config" / "local.yaml").write_text("local: 1\n")
    (root / "config" / "local.tmp").write_text("tmp\n")
    (root / "build").mkdir()
    (root / "build" / "out.bin").write_text("built\n")
    (root / "notes.txt").write_text("not ignored, so not copied\n")
    (root / "link.key").symlink_to("/etc/hostname")
    return root


@pytest.fixture
def secretive(make_rig: MakeRig) -> Rig:
    return make_rig(_with_secrets)


def test_matching_files_that_git_ignores_are_copied(secretive: Rig) -> None:
    folder = Path(secretive.prepared().folder)
    assert (folder / ".env").read_text() == SECRET
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert (folder / ".env").stat().st_ino != (secretive.root / ".env").stat().st_ino
    assert (folder / "config/local.yaml").read_text() == "local: 1\n"
    assert (folder / "link.key").readlink() == Path("/etc/hostname")
    for name in ("config/local.tmp", "build", "notes.txt"):
        assert not (folder / name).exists()
    checkout = secretive.workspaces.checkout(RUN, "check.1", secretive.base().commit)
    assert (checkout / ".env").read_text() == SECRET


def test_they_are_in_no_base_work_or_snapshot_even_when_no_longer_ignored(secretive: Rig) -> None:
    base = secretive.base("working-tree")
    workspace = secretive.prepared(base.commit)
    folder = Path(workspace.folder)
    assert secretive.workspaces.collect(workspace, "m", 1.0) is None
    (folder / ".gitignore").unlink()
    (folder / ".env").write_text(SECRET + "MORE=1\n")
    work = secretive.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert work.paths == (".gitignore",)
    snapshot = secretive.workspaces.snapshot(workspace, 1.0)
    for commit in (base.commit, work.commit, snapshot):
        assert not {b".env", b"config/local.yaml", b"link.key"} & set(secretive.files(commit))
    objects = inspect(secretive, "cat-file", "--batch", "--batch-all-objects", "--unordered")
    assert b"a-secret-nobody-may-commit" not in objects


def test_an_attempt_that_commits_one_is_refused(secretive: Rig) -> None:
    workspace = secretive.prepared()
    folder = Path(workspace.folder)
    git(folder, "add", "-f", ".env")
    git(folder, "commit", "-q", "-m", "oops")
    git(folder, "rm", "-q", "--cached", ".env")
    git(folder, "commit", "-q", "-m", "taken back, but still in the history")
    with pytest.raises(RequestError, match=r"contain \.env") as refusal:
        secretive.workspaces.collect(workspace, "m", 1.0)
    assert "without it" in refusal.value.remedy
    objects = inspect(secretive, "cat-file", "--batch", "--batch-all-objects", "--unordered")
    assert b"a-secret-nobody-may-commit" not in objects


def test_copying_does_not_leave_the_workspace_through_a_link(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root, __gitignore=".env\n", __worktreeinclude=".env\n")
        (root / "sub").symlink_to(os.fspath(root.parent))
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "a link")
        (root / "sub").unlink()
        (root / "sub").mkdir()
        (root / "sub" / ".env").write_text(SECRET)
        return root

    rig = make_rig(build)
    with pytest.raises(RequestError, match=r"sub/\.env of \.worktreeinclude cannot be copied"):
        rig.prepared()
    assert not (rig.beside / ".env").exists()
