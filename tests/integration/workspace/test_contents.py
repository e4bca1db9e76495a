"""Files of every kind: each comes through a workspace as it should, or is left out and named."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from orchestrate.errors import RequestError
from tests.e2e import git_states
from tests.e2e.git_states import git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import Rig, changed, names, tracked


def test_submodules_are_named_and_survive_the_work(make_rig: MakeRig) -> None:
    rig = make_rig(git_states.with_submodule)
    base = rig.base("working-tree")
    assert "submodules are empty folders in workspaces: parts/lib" in base.notes
    work = changed(rig, base.commit)
    assert rig.files(work)[b"parts/lib"].startswith(b"160000 commit ")
    workspace = rig.prepared(base.commit)
    shutil.rmtree(Path(workspace.folder, "parts"))
    assert rig.workspaces.collect(workspace, "nothing", 1.0) is None
    Path(workspace.folder, "parts/lib").mkdir(parents=True)
    Path(workspace.folder, "parts/lib/lost.txt").write_text("would be lost\n")
    with pytest.raises(RequestError, match="submodules cannot be committed: parts/lib"):
        rig.workspaces.collect(workspace, "lost", 1.0)


def test_lfs_pointers_stay_pointers_and_no_filter_of_the_users_runs(make_rig: MakeRig) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"

    def build(root: Path) -> Path:
        tracked(root, picture__bin=pointer, __gitattributes="*.bin filter=lfs diff=lfs -text\n")
        ran = root.parent / "ran"
        for part in ("clean", "smudge"):
            git(root, "config", f"filter.lfs.{part}", f"touch {ran}; cat")
        git(root, "config", "filter.lfs.process", f"touch {ran}")
        git(root, "config", "filter.lfs.required", "true")
        (root / "picture.bin").write_text("the real contents\n")
        (root / "new.bin").write_text("another picture\n")
        (root / "app.py").write_text("value = 2\n")
        return root

    rig = make_rig(build)
    base = rig.base("working-tree")
    assert "files of the filter lfs stay as they are stored (pointers): new.bin, picture.bin" in (
        base.notes
    )
    assert "changes of files with a filter are not included: new.bin, picture.bin" in base.notes
    workspace = rig.prepared(base.commit)
    folder = Path(workspace.folder)
    assert (folder / "picture.bin").read_text() == pointer
    assert names(workspace.folder) == {".gitattributes", "app.py", "picture.bin"}
    (folder / "made.bin").write_text("made by the attempt\n")
    git(folder, "add", "-A")  # as an attempt would, with the user's own configuration at hand
    work = rig.workspaces.collect(workspace, "more", 1.0)
    assert work is not None
    assert rig.workspaces.file(work.commit, "made.bin") == b"made by the attempt\n"
    assert not (rig.beside / "ran").exists()


def test_filters_of_the_users_global_configuration_do_not_run_in_workspaces(
    home: Path, make_rig: MakeRig
) -> None:
    config = home / ".gitconfig"
    ran = home / "ran"
    git(home, "config", "--global", "filter.note.clean", f"touch {ran}; cat")
    git(home, "config", "--global", "filter.note.required", "true")
    assert "note" in config.read_text()
    rig = make_rig(lambda root: tracked(root, __gitattributes="*.txt filter=note\n"))
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    git(Path(workspace.folder), "add", "a.txt")
    assert rig.workspaces.collect(workspace, "a", 1.0) is not None
    assert not ran.exists()


def test_a_case_only_rename_is_twonames(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "app.py").rename(Path(workspace.folder, "App.py"))
    work = rig.workspaces.collect(workspace, "rename", 1.0)
    assert work is not None
    assert work.paths == ("App.py", "app.py")
    assert set(rig.files(work.commit)) == {b"App.py"}
    again = rig.prepared(work.commit, "task.2")
    assert names(again.folder) == {"App.py"}


def test_modes_links_binaries_and_odd_names_come_through(make_rig: MakeRig) -> None:
    odd = b'line\nbreak \xff "quoted"\t.txt'

    def build(root: Path) -> Path:
        tracked(root)
        (root / "tool").write_text("#!/bin/sh\n")
        (root / "tool").chmod(0o755)
        (root / "inside").symlink_to("app.py")
        (root / "outside").symlink_to("/etc")
        (root / "dangling").symlink_to("nowhere")
        (root / "data.bin").write_bytes(bytes(range(256)))
        Path(os.fsdecode(os.fsencode(root) + b"/" + odd)).write_text("odd\n")
        return root

    rig = make_rig(build)
    base = rig.base("working-tree")
    assert 'line\nbreak \\xff "quoted"\t.txt' in base.changes
    files = rig.files(base.commit)
    assert files[b"tool"].startswith(b"100755")
    assert {name for name in files if files[name].startswith(b"120000")} == {
        b"inside",
        b"outside",
        b"dangling",
    }
    workspace = rig.prepared(base.commit)
    folder = Path(workspace.folder)
    assert (folder / "outside").readlink() == Path("/etc")
    assert os.access(folder / "tool", os.X_OK)
    assert (folder / "data.bin").read_bytes() == bytes(range(256))
    Path(os.fsdecode(os.fsencode(folder) + b"/" + odd)).write_text("odd\nchanged\n")
    (folder / "tool").chmod(0o644)
    (folder / "data.bin").write_bytes(b"\0other")
    work = rig.workspaces.collect(workspace, "odd", 1.0)
    assert work is not None
    assert set(work.paths) == {"data.bin", 'line\nbreak \\xff "quoted"\t.txt', "tool"}
    assert (work.added, work.removed, work.binaries) == (1, 0, 1)


def test_line_ends_are_converted_as_the_repository_says(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root, windows__bat="one\r\ntwo\r\n", __gitattributes="*.bat text eol=crlf\n")
        git(root, "config", "core.autocrlf", "true")
        (root / "notes.txt").write_bytes(b"one\r\ntwo\r\n")
        git(root, "add", "notes.txt")
        git(root, "commit", "-q", "-m", "notes")
        (root / "notes.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
        os.utime(root / "windows.bat", (1, 1))
        return root

    rig = make_rig(build)
    base = rig.base("working-tree")
    assert base.changes == ("notes.txt",)
    assert rig.workspaces.file(base.commit, "notes.txt") == b"one\ntwo\nthree\n"
    workspace = rig.prepared(base.commit)
    batch = Path(workspace.folder, "windows.bat")
    assert batch.read_bytes() == b"one\r\ntwo\r\n"
    assert rig.workspaces.collect(workspace, "nothing", 1.0) is None
    batch.write_bytes(b"one\r\nTWO\r\n")
    work = rig.workspaces.collect(workspace, "batch", 1.0)
    assert work is not None
    assert (work.added, work.removed) == (1, 1)


def test_expanded_idents_do_not_count_as_changes(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, a__c="/* $Id$ */\n", __gitattributes="*.c ident\n"))
    workspace = rig.prepared()
    assert re.match(r"/\* \$Id: [0-9a-f]+ \$ \*/", Path(workspace.folder, "a.c").read_text())
    assert rig.workspaces.collect(workspace, "nothing", 1.0) is None


def test_repositories_inside_the_folder_are_left_out_and_named(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(tracked(root) / "vendored").parent)
    base = rig.base("working-tree")
    assert "repositories inside the folder are left out: vendored" in base.notes
    assert base.commit == base.head
