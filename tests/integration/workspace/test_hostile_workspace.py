"""An attempt may leave anything behind: nothing of it runs, and nothing of it is believed."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from orchestrate.adapters.workspace import staging
from orchestrate.adapters.workspace.git import Git
from orchestrate.adapters.workspace.places import unlock
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Workspace, WorkspaceRequest
from tests.e2e.git_states import commit, git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, digests, inspect, tracked


@pytest.fixture
def workspace(rig: Rig) -> Workspace:
    """A workspace with one change."""
    made = rig.prepared()
    Path(made.folder, "a.txt").write_text("a\n")
    return made


def _booby_trap(git_dir: Path, ran: Path) -> None:
    """Everything in a git folder that names a program."""
    program = git_dir / "program"
    program.write_text(f'#!/bin/sh\ntouch "{ran}"\nexit 0\n')
    program.chmod(0o755)
    hooks = git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        *("pre-commit", "post-checkout", "post-index-change", "reference-transaction"),
        *("fsmonitor-watchman", "pre-auto-gc", "post-merge", "post-rewrite", "update"),
    ):
        shutil.copy(program, hooks / hook)
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand", "core.editor"),
        *("uploadpack.packObjectsHook", "gpg.program", "diff.external", "filter.x.clean"),
        *("filter.x.smudge", "filter.x.process", "merge.x.driver", "diff.x.textconv"),
        *("diff.x.command", "remote.origin.uploadpack", "trailer.x.command", "core.pager"),
    ):
        git(git_dir.parent, "config", key, str(program))
    git(git_dir.parent, "config", "core.hooksPath", str(hooks))
    git(git_dir.parent, "config", "remote.origin.url", f"ext::{program}")
    git(git_dir.parent, "config", "remote.origin.promisor", "true")
    git(git_dir.parent, "config", "extensions.partialClone", "origin")
    (git_dir / "info" / "attributes").write_text("* filter=x diff=x merge=x\n")


def test_nothing_that_a_git_folder_names_is_run(rig: Rig, workspace: Workspace) -> None:
    folder = Path(workspace.folder)
    commit(folder, "own.txt", "own\n", "by the attempt")
    (folder / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    _booby_trap(folder / ".git", rig.beside / "ran")
    head = git(folder, "rev-parse", "HEAD").strip()
    rig.workspaces.snapshot(workspace, 1.0)
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert work.paths == (".gitattributes", "a.txt", "own.txt")
    assert rig.workspaces.merge(work.base, work.commit, "m", 2.0).commit == work.commit
    other = rig.prepared(work.base, "other.1")
    Path(other.folder, "a.txt").write_text("theirs\n")
    theirs = rig.workspaces.collect(other, "m", 1.0)
    assert theirs is not None
    assert rig.workspaces.merge(work.commit, theirs.commit, "m", 2.0).conflicts
    rig.workspaces.leftovers({RUN: True})
    rig.prepared(work.commit, "next.1", merging=theirs.commit)
    assert inspect(rig, "cat-file", "-t", head) == b"commit\n"
    rig.workspaces.discard(RUN, "task.1")
    assert not (rig.beside / "ran").exists()


def test_nothing_that_a_nested_repository_names_is_run(rig: Rig, workspace: Workspace) -> None:
    nested = tracked(Path(workspace.folder) / "nested")
    _booby_trap(nested / ".git", rig.beside / "ran")
    (nested / "app.py").write_text("changed\n")
    rig.workspaces.snapshot(workspace, 1.0)
    with pytest.raises(RequestError, match=r"repositories inside .* nested") as refusal:
        rig.workspaces.collect(workspace, "m", 1.0)
    assert "remove their .git" in refusal.value.remedy
    assert not (rig.beside / "ran").exists()


def test_a_folder_that_became_a_repository_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, lib="was a file\n"))
    workspace = rig.prepared()
    Path(workspace.folder, "lib").unlink()
    tracked(Path(workspace.folder) / "lib")
    with pytest.raises(RequestError, match=r"repositories inside .* lib"):
        rig.workspaces.collect(workspace, "m", 1.0)


def _gone(git_dir: Path, beside: Path) -> None:
    shutil.rmtree(git_dir)


def _file(git_dir: Path, beside: Path) -> None:
    shutil.rmtree(git_dir)
    git_dir.write_text(f"gitdir: {beside / 'user' / '.git'}\n")


def _link(git_dir: Path, beside: Path) -> None:
    shutil.rmtree(git_dir)
    git_dir.symlink_to(beside / "user" / ".git")


def _linked_objects(git_dir: Path, beside: Path) -> None:
    shutil.rmtree(git_dir / "objects")
    (git_dir / "objects").symlink_to(beside / "user" / ".git" / "objects")


def _head_as_pipe(git_dir: Path, beside: Path) -> None:
    (git_dir / "HEAD").unlink()
    os.mkfifo(git_dir / "HEAD")


def _head_as_folder(git_dir: Path, beside: Path) -> None:
    (git_dir / "HEAD").unlink()
    (git_dir / "HEAD").mkdir()


def _head_outside(git_dir: Path, beside: Path) -> None:
    (git_dir / "HEAD").write_text("ref: refs/heads/../../../../../../user/.git/refs/heads/main\n")


def _branch_as_link(git_dir: Path, beside: Path) -> None:
    (git_dir / "refs/heads/attempt").unlink()
    (git_dir / "refs/heads/attempt").symlink_to(beside / "user" / ".git" / "HEAD")


def _head_of_nothing(git_dir: Path, beside: Path) -> None:
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")


def _no_alternates(git_dir: Path, beside: Path) -> None:
    (git_dir / "objects" / "info" / "alternates").unlink()


def _damaged_index(git_dir: Path, beside: Path) -> None:
    (git_dir / "index").write_bytes(b"DIRC" + bytes(2000))


@pytest.mark.parametrize(
    "spoil",
    [
        *(_gone, _file, _link, _linked_objects, _head_as_pipe, _head_as_folder, _head_outside),
        *(_branch_as_link, _head_of_nothing, _no_alternates, _damaged_index),
    ],
)
def test_the_files_are_the_work_whatever_the_git_folder_became(
    rig: Rig, workspace: Workspace, spoil: object
) -> None:
    assert callable(spoil)
    spoil(Path(workspace.folder, ".git"), rig.beside)
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert work.paths == ("a.txt",)
    assert inspect(rig, "log", "--format=%P", "-1", work.commit).decode().strip() == work.base
    assert rig.workspaces.snapshot(workspace, 1.0)


def _written(git_dir: Path, kind: str, data: bytes) -> str:
    """An object that git itself would not write."""
    done = subprocess.run(
        ["git", "hash-object", "--literally", "-w", "-t", kind, "--stdin"],
        cwd=git_dir.parent,
        input=data,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def _commit_of(git_dir: Path, tree: str, parent: str) -> str:
    text = f"tree {tree}\nparent {parent}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nm\n"
    return _written(git_dir, "commit", text.encode())


@pytest.mark.parametrize("name", [b".git", b"..", b".GIT", b"a/b", b".git\xe2\x80\x8c"])
def test_commits_with_names_that_would_harm_are_refused(
    rig: Rig, workspace: Workspace, name: bytes
) -> None:
    git_dir = Path(workspace.folder, ".git")
    blob = _written(git_dir, "blob", b"evil\n")
    tree = _written(git_dir, "tree", b"100644 " + name + b"\0" + bytes.fromhex(blob))
    head = _commit_of(git_dir, tree, workspace.base)
    (git_dir / "HEAD").write_text(f"{head}\n")
    with pytest.raises(RequestError, match="cannot be taken over"):
        rig.workspaces.collect(workspace, "m", 1.0)
    listing = inspect(rig, "cat-file", "--batch-check", "--batch-all-objects")
    assert head.encode() not in listing


def test_an_object_that_is_not_what_its_name_says_is_refused(
    rig: Rig, workspace: Workspace
) -> None:
    folder = Path(workspace.folder)
    commit(folder, "own.txt", "own\n", "by the attempt")
    blob = git(folder, "rev-parse", "HEAD:own.txt").strip()
    loose = folder / ".git" / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(zlib.compress(b"blob 5\0evil\n"))
    with pytest.raises(RequestError, match="cannot be taken over"):
        rig.workspaces.collect(workspace, "m", 1.0)
    assert inspect(rig, "fsck", "--strict", "--no-dangling") == b""


def test_a_commit_that_is_missing_is_refused(rig: Rig, workspace: Workspace) -> None:
    Path(workspace.folder, ".git", "HEAD").write_text("1" * 40 + "\n")
    with pytest.raises(RequestError, match="cannot be taken over") as refusal:
        rig.workspaces.collect(workspace, "m", 1.0)
    assert "fresh workspace" in refusal.value.remedy


def test_links_that_lead_outside_are_kept_and_never_followed(rig: Rig) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    (folder / "app.py").unlink()
    (folder / "app.py").symlink_to(rig.root / "app.py")
    (folder / "home").symlink_to(rig.root)
    (folder / ".gitignore").symlink_to("/dev/zero")
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    files = rig.files(work.commit)
    assert {about[:6] for about in files.values()} == {b"120000"}
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    again = rig.workspaces.prepare(
        WorkspaceRequest(RUN, "task.2", workspace.base, snapshot=snapshot)
    )
    rig.prepared(work.commit, "task.3")
    rig.workspaces.discard(RUN, "task.1")
    assert Path(again.folder, "home").readlink() == rig.root


def test_a_workspace_replaced_by_a_link_is_not_taken_for_one(
    rig: Rig, workspace: Workspace
) -> None:
    folder = Path(workspace.folder)
    folder.rename(folder.parent / "moved")
    folder.symlink_to(rig.root)
    for use in (
        lambda: rig.workspaces.collect(workspace, "m", 1.0),
        lambda: rig.workspaces.snapshot(workspace, 1.0),
    ):
        with pytest.raises(RequestError, match="not there, or not whole"):
            use()
    assert rig.workspaces.open(WorkspaceRequest(RUN, "task.1", workspace.base)) is None
    rig.workspaces.discard(RUN, "task.1")
    assert not folder.parent.exists()


def test_special_files_are_left_or_refused(rig: Rig, workspace: Workspace) -> None:
    os.mkfifo(Path(workspace.folder, "pipe"))
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert work.paths == ("a.txt",)
    Path(workspace.folder, "app.py").unlink()
    os.mkfifo(Path(workspace.folder, "app.py"))
    with pytest.raises(RequestError, match=r"app\.py .* neither a file nor a link"):
        rig.workspaces.collect(workspace, "m", 1.0)


def test_a_pipe_in_place_of_the_ignore_rules_is_given_up_on(rig: Rig, workspace: Workspace) -> None:
    os.mkfifo(Path(workspace.folder, ".gitignore"))
    control = Path(workspace.folder).parent / "control"
    slow = Git(
        control,
        objects=rig.root / ".git/objects",
        work=Path(workspace.folder),
        index=control / "index",
        timeout_s=0.5,
    )
    with pytest.raises(RequestError, match=r"did not end within 0\.5 s"):
        staging.differences(slow)


def test_folders_without_permissions_are_removed(rig: Rig, workspace: Workspace) -> None:
    locked = Path(workspace.folder, "locked")
    (locked / "inner").mkdir(parents=True)
    (locked / "inner" / "file").write_text("x")
    (locked / "inner").chmod(0)
    locked.chmod(0)
    rig.workspaces.discard(RUN, "task.1")
    assert digests(rig.home / "building") == {}
    rig.workspaces.discard(RUN, "task.1")


def test_unlocking_stops_at_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (tmp_path / "top" / "inner").mkdir(parents=True)
    (tmp_path / "top" / "inner" / "link").symlink_to(outside)
    (tmp_path / "top" / "inner").chmod(0o500)
    unlock(tmp_path / "top")
    assert (tmp_path / "top" / "inner").stat().st_mode & 0o777 == 0o700
    assert outside.stat().st_mode & 0o777 == 0o755
