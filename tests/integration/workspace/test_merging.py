"""Merging without a working tree, and resolving what git cannot join."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Merge, WorkspaceRequest
from tests.e2e.git_states import git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, inspect, tracked


def _side(rig: Rig, base: str, name: str, **files: str | None) -> str:
    """A commit on `base` with these files changed, or removed where None."""
    workspace = rig.prepared(base, name)
    for key, text in files.items():
        path = Path(workspace.folder, key.replace("__", "."))
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    work = rig.workspaces.collect(workspace, name, 1.0)
    assert work is not None
    return work.commit


def _numbered(root: Path) -> Path:
    lines = "".join(f"line {number}\n" for number in range(20))
    return tracked(root, lines__txt=lines, gone__txt="gone\n" * 9)


def test_work_on_top_of_the_line_is_taken_as_it_is(rig: Rig) -> None:
    base = rig.base().commit
    work = _side(rig, base, "a.1", a="a\n")
    tree = rig.workspaces.tree(work)
    assert rig.workspaces.merge(base, work, "m", 1.0) == Merge(work, tree)
    assert rig.workspaces.merge(work, base, "m", 1.0) == Merge(work, tree)


def test_a_clean_merge_has_both_sides_and_is_the_same_each_time(make_rig: MakeRig) -> None:
    rig = make_rig(_numbered)
    base = rig.base().commit
    text = Path(rig.root, "lines.txt").read_text()
    ours = _side(rig, base, "a.1", lines__txt=text.replace("line 2\n", "ours\n"))
    theirs = _side(rig, base, "b.1", lines__txt=text.replace("line 15\n", "theirs\n"))
    merge = rig.workspaces.merge(ours, theirs, "Merge b.1", 7.0)
    assert merge.conflicts == ()
    assert rig.workspaces.merge(ours, theirs, "Merge b.1", 7.0) == merge
    assert rig.made().merge(ours, theirs, "Merge b.1", 7.0) == merge
    merged = rig.workspaces.file(merge.commit, "lines.txt")
    assert merged == text.replace("line 2\n", "ours\n").replace("line 15\n", "theirs\n").encode()
    about = inspect(rig, "log", "-1", "--format=%P|%s|%ct|%T", merge.commit).decode().strip()
    assert about == f"{ours} {theirs}|Merge b.1|7|{merge.tree}"


def test_conflicts_are_listed_with_their_kind_and_versions(make_rig: MakeRig) -> None:
    rig = make_rig(_numbered)
    base = rig.base().commit
    ours = _side(rig, base, "a.1", app__py="ours\n", new="ours\n", gone__txt=None)
    theirs = _side(rig, base, "b.1", app__py="theirs\n", new="theirs\n", gone__txt="changed\n")
    merge = rig.workspaces.merge(ours, theirs, "m", 1.0)
    assert (merge.commit, merge.tree) == ("", "")
    found = {conflict.path: conflict for conflict in merge.conflicts}
    kinds = {path: conflict.kind for path, conflict in found.items()}
    assert kinds == {"app.py": "content", "new": "add/add", "gone.txt": "modify/delete"}
    versions = [
        rig.workspaces.blob(blob)
        for blob in (found["app.py"].base, found["app.py"].ours, found["app.py"].theirs)
    ]
    assert versions == [b"value = 1\n", b"ours\n", b"theirs\n"]
    assert found["new"].base == ""
    assert found["gone.txt"].ours == ""


def test_the_repositorys_own_merge_attributes_count(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, log__md="", __gitattributes="*.md merge=union\n"))
    base = rig.base().commit
    ours = _side(rig, base, "a.1", log__md="ours\n")
    theirs = _side(rig, base, "b.1", log__md="theirs\n")
    merge = rig.workspaces.merge(ours, theirs, "m", 1.0)
    assert rig.workspaces.file(merge.commit, "log.md") == b"ours\ntheirs\n"


def test_commits_without_common_history_are_refused(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root)
        git(root, "checkout", "-q", "--orphan", "other")
        git(root, "commit", "-q", "-m", "orphan")
        git(root, "checkout", "-q", "main")
        return root

    rig = make_rig(build)
    first = git(rig.root, "rev-parse", "main").strip()
    second = git(rig.root, "rev-parse", "other").strip()
    with pytest.raises(RequestError, match="no history in common"):
        rig.workspaces.merge(first, second, "m", 1.0)


def test_commits_are_named_by_their_full_id_alone(rig: Rig) -> None:
    base = rig.base().commit
    for text in ("HEAD", "--help", base[:12], f"{base}~0", "main"):
        with pytest.raises(RequestError, match="not a full commit id"):
            rig.workspaces.merge(base, text, "m", 1.0)
    with pytest.raises(RequestError, match="has no commit"):
        rig.workspaces.tree("1" * 40)


def test_conflicts_are_marked_with_the_base_and_resolved_by_a_merge_commit(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(_numbered)
    base = rig.base().commit
    ours = _side(rig, base, "a.1", app__py="ours\n", gone__txt=None)
    theirs = _side(rig, base, "b.1", app__py="theirs\n", gone__txt="changed\n", clean="clean\n")
    request = WorkspaceRequest(RUN, "resolve.1", ours, merging=theirs)
    workspace = rig.workspaces.prepare(request)
    assert rig.workspaces.open(request) == workspace
    assert {one.path for one in workspace.conflicts} == {"app.py", "gone.txt"}
    folder = Path(workspace.folder)
    marked = (folder / "app.py").read_text()
    parts = ("<<<<<<< HEAD\nours\n", "||||||| ", "\nvalue = 1\n=======\ntheirs\n>>>>>>> ")
    assert all(part in marked for part in parts)
    assert (folder / "clean").read_text() == "clean\n"
    with pytest.raises(RequestError, match=r"conflict markers are left in app\.py"):
        rig.workspaces.collect(workspace, "m", 1.0)
    (folder / "app.py").write_text("both\n")
    work = rig.workspaces.collect(workspace, "Resolve", 9.0)
    assert work is not None
    assert rig.workspaces.collect(workspace, "Resolve", 9.0) == work
    assert work.base == ours
    assert work.paths == ("app.py", "clean", "gone.txt")
    parents = inspect(rig, "log", "-1", "--format=%P", work.commit).decode().split()
    assert parents == [ours, theirs]
    assert rig.workspaces.merge(ours, work.commit, "m", 1.0).commit == work.commit


def test_an_attempt_may_make_the_merge_commit_itself(make_rig: MakeRig) -> None:
    rig = make_rig(_numbered)
    base = rig.base().commit
    ours, theirs = _side(rig, base, "a.1", app__py="o\n"), _side(rig, base, "b.1", app__py="t\n")
    workspace = rig.prepared(ours, "resolve.1", merging=theirs)
    folder = Path(workspace.folder)
    (folder / "app.py").write_text("both\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "merged by the attempt")
    work = rig.workspaces.collect(workspace, "unused", 9.0)
    assert work is not None
    assert work.commit == git(folder, "rev-parse", "HEAD").strip()
    (folder / "app.py").write_text("<<<<<<< HEAD\nboth\n>>>>>>> other\n")
    with pytest.raises(RequestError, match="conflict markers"):
        rig.workspaces.collect(workspace, "m", 1.0)


def test_markers_that_a_file_always_had_are_no_conflict(make_rig: MakeRig) -> None:
    text = "How it looks:\n<<<<<<< HEAD\nours\n>>>>>>> other\n"
    rig = make_rig(lambda root: tracked(root, guide__md=text))
    base = rig.base().commit
    ours = _side(rig, base, "a.1", app__py="o\n", guide__md=f"first\n{text}")
    theirs = _side(rig, base, "b.1", app__py="t\n", guide__md=f"{text}last\n")
    workspace = rig.prepared(ours, "resolve.1", merging=theirs)
    Path(workspace.folder, "app.py").write_text("both\n")
    assert rig.workspaces.collect(workspace, "m", 1.0) is not None


def test_a_file_the_other_side_tracks_is_kept_though_ignored(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, __gitignore="*.gen\n"))
    base = rig.base().commit
    forced = rig.prepared(base, "b.1")
    Path(forced.folder, "made.gen").write_text("made\n")
    git(Path(forced.folder), "add", "-f", "made.gen")
    git(Path(forced.folder), "commit", "-q", "-m", "made")
    theirs = rig.workspaces.collect(forced, "b.1", 1.0)
    assert theirs is not None
    ours = _side(rig, base, "a.1", app__py="ours\n")
    workspace = rig.prepared(ours, "resolve.1", merging=theirs.commit)
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert rig.workspaces.file(work.commit, "made.gen") == b"made\n"


def test_a_mark_has_the_tree_of_its_line(rig: Rig) -> None:
    base = rig.base().commit
    mark = rig.workspaces.mark(base, "Phase build is over", 4.0)
    assert rig.workspaces.mark(base, "Phase build is over", 4.0) == mark != base
    assert rig.workspaces.tree(mark) == rig.workspaces.tree(base)
    rig.workspaces.keep(RUN, "line", mark)
    assert inspect(rig, "rev-parse", f"refs/orchestrate/{RUN}/line").decode().strip() == mark


def test_files_are_read_at_a_commit(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, dir_s_a__txt="a\n"))
    base = rig.base().commit
    assert rig.workspaces.file(base, "dir/a.txt") == b"a\n"
    for path in ("dir", "none", "", "../app.py", "./app.py", "app.py\nx", "app.py\0"):
        assert rig.workspaces.file(base, path) is None
