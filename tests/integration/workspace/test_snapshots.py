"""A snapshot brings back exactly the files there were, and taking it disturbs nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrate.adapters.workspace.places import Place
from orchestrate.adapters.workspace.snapshots import lay_over
from orchestrate.adapters.workspace.staging import copy_index
from orchestrate.adapters.workspace.store import Store
from orchestrate.ports.workspace import Workspace, WorkspaceRequest
from tests.e2e.git_states import commit, git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import AT, RUN, Rig, digests, inspect, names, tracked


def _base(root: Path) -> Path:
    return tracked(
        root, gone__txt="gone\n", dir_s_a__txt="a\n", dir_s_b__txt="b\n", __gitignore="*.log\n"
    )


def _converting(root: Path) -> Path:
    return tracked(
        root,
        gone__txt="gone\n",
        dir_s_a__txt="a\n",
        dir_s_b__txt="b\n",
        __gitattributes="*.txt text eol=crlf\n*.c ident\n",
        c__c="$Id$\n",
    )


def _work(folder: Path) -> None:
    """Every kind of change."""
    (folder / "app.py").write_text("changed = 1\n")
    (folder / "gone.txt").unlink()
    (folder / "new").mkdir()
    (folder / "new" / "tool").write_text("#!/bin/sh\n")
    (folder / "new" / "tool").chmod(0o755)
    (folder / "link").symlink_to("/nowhere/outside")
    (folder / "data.bin").write_bytes(bytes(range(256)))
    (folder / "mixed.txt").write_bytes(b"one\r\ntwo\nthree\r\n")
    (folder / "dir" / "b.txt").write_bytes(b"b\n")
    (folder / "dir" / "a.txt").unlink()
    (folder / "dir" / "a.txt").symlink_to("b.txt")
    Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff\nname")).write_text("odd\n")
    git(folder, "add", "new")


def _restored(rig: Rig, workspace: Workspace, snapshot: str, name: str = "task.2") -> Workspace:
    request = WorkspaceRequest(
        RUN, name, workspace.base, snapshot=snapshot, merging=workspace.merging
    )
    return rig.workspaces.prepare(request)


@pytest.mark.parametrize("build", [_base, _converting], ids=["plain", "converting"])
def test_a_snapshot_restores_files_byte_by_byte(make_rig: MakeRig, build: object) -> None:
    rig = make_rig(build)
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    untouched = digests(folder, (".git",))
    first = rig.workspaces.snapshot(workspace, 1.0)
    _work(folder)
    worked = digests(folder, (".git",))
    second = rig.workspaces.snapshot(workspace, 2.0)
    (folder / "app.py").unlink()
    (folder / "gone.txt").write_text("back\n")
    third = rig.workspaces.snapshot(workspace, 3.0)
    emptied = digests(folder, (".git",))
    for snapshot, expected in ((second, worked), (first, untouched), (third, emptied)):
        again = _restored(rig, workspace, snapshot)
        assert digests(Path(again.folder), (".git",)) == expected
        assert rig.workspaces.snapshot(again, 9.0) != snapshot
        assert rig.workspaces.tree(rig.workspaces.snapshot(again, 9.0)) == (
            rig.workspaces.tree(snapshot)
        )


def test_contents_that_the_store_has_are_restored_though_the_checkout_converted_them(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(_converting)
    workspace = rig.prepared()
    file = Path(workspace.folder, "dir/b.txt")
    assert file.read_bytes() == b"b\r\n"
    file.write_bytes(b"b\n")  # as the store has it, so the ids of both are equal
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    place = Place(Path(rig.prepared().folder).parent)
    for name in names(workspace.folder):  # as long after a checkout, when git trusts its times
        os.utime(place.work / name, (AT, AT))
    place.own().run("update-index", "--refresh")
    copy_index(place.git_dir / "index", place.clean_index)
    lay_over(place, Store(rig.root / ".git", rig.home), snapshot, merged=False)
    assert file.read_bytes() == b"b\n"


def test_an_index_is_copied_with_its_time(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"DIRC")
    os.utime(tmp_path / "index", (AT, AT))
    copy_index(tmp_path / "index", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"DIRC"
    assert (tmp_path / "copy").stat().st_mtime == AT


def test_taking_a_snapshot_does_not_disturb_the_workspace(rig: Rig) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    _ = (folder / "new.txt").write_text("new\n")
    (folder / ".git" / "index.lock").touch()  # as when the attempt's own git is at work
    before = digests(folder)
    times = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    rig.workspaces.snapshot(workspace, 1.0)
    assert digests(folder) == before
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == times


def test_the_same_files_at_the_same_time_are_the_same_snapshot(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "new.txt").write_text("new\n")
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    assert rig.workspaces.snapshot(workspace, 1.0) == snapshot
    assert rig.made().snapshot(workspace, 1.0) == snapshot
    refs = inspect(rig, "for-each-ref", "--format=%(refname)", f"refs/orchestrate/{RUN}/snapshots")
    assert refs.decode() == f"refs/orchestrate/{RUN}/snapshots/task.1-{snapshot[:16]}\n"


def test_ignored_files_are_not_part_of_a_snapshot(make_rig: MakeRig) -> None:
    rig = make_rig(_base)
    workspace = rig.prepared()
    Path(workspace.folder, "debug.log").write_text("noise\n")
    again = _restored(rig, workspace, rig.workspaces.snapshot(workspace, 1.0))
    assert not Path(again.folder, "debug.log").exists()


def test_commits_of_the_attempt_come_back_as_changes(rig: Rig) -> None:
    workspace = rig.prepared()
    commit(Path(workspace.folder), "own.txt", "own\n", "by the attempt")
    again = _restored(rig, workspace, rig.workspaces.snapshot(workspace, 1.0))
    assert git(Path(again.folder), "status", "--porcelain") == "?? own.txt\n"
    work = rig.workspaces.collect(again, "m", 1.0)
    assert work is not None
    assert work.paths == ("own.txt",)


def test_work_goes_on_from_a_snapshot_to_the_same_result(make_rig: MakeRig) -> None:
    rig = make_rig(_base)
    workspace = rig.prepared()
    _work(Path(workspace.folder))
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    expected = rig.workspaces.collect(workspace, "m", 2.0)
    again = _restored(rig, workspace, snapshot)
    assert rig.workspaces.collect(again, "m", 2.0) == expected


def test_a_restored_workspace_is_another_request(rig: Rig) -> None:
    workspace = rig.prepared()
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    plain = WorkspaceRequest(RUN, "task.1", workspace.base)
    restored = WorkspaceRequest(RUN, "task.1", workspace.base, snapshot=snapshot)
    assert rig.workspaces.open(plain) == workspace
    assert rig.workspaces.open(restored) is None
    rig.workspaces.prepare(restored)
    assert rig.workspaces.open(plain) is None
    assert rig.workspaces.open(restored) is not None


def test_a_merge_in_progress_is_restored_with_what_was_resolved(make_rig: MakeRig) -> None:
    rig = make_rig(_base)
    base = rig.base().commit
    sides = []
    for name, text in (("ours.1", "ours = 1\n"), ("theirs.1", "theirs = 1\n")):
        side = rig.prepared(base, name)
        Path(side.folder, "app.py").write_text(text)
        work = rig.workspaces.collect(side, name, 1.0)
        assert work is not None
        sides.append(work.commit)
    workspace = rig.prepared(sides[0], "resolve.1", merging=sides[1])
    Path(workspace.folder, "app.py").write_text("both = 1\n")
    Path(workspace.folder, "note.txt").write_text("why\n")
    before = digests(Path(workspace.folder), (".git",))
    snapshot = rig.workspaces.snapshot(workspace, 2.0)
    again = _restored(rig, workspace, snapshot, "resolve.2")
    assert digests(Path(again.folder), (".git",)) == before
    assert again.conflicts == workspace.conflicts != ()
    work = rig.workspaces.collect(again, "resolved", 3.0)
    assert work is not None
    parents = inspect(rig, "log", "-1", "--format=%P", work.commit).decode().split()
    assert parents == sides
