"""What an attempt changed becomes one commit on top of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.core.sharing.work import Work
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Workspace
from tests.e2e.git_states import commit, git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, inspect, tracked


def _collect(rig: Rig, workspace: Workspace, at: float = 10.0) -> Work:
    work = rig.workspaces.collect(workspace, "What was done", at)
    assert work is not None
    return work


def test_work_counts_lines_paths_and_binaries(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, gone__txt="1\n2\n", _gitignore="*.log\n"))
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    (folder / "gone.txt").unlink()
    (folder / "app.py").write_text("value = 2\nmore = 3\n")
    (folder / "data.bin").write_bytes(b"\0\1")
    work = _collect(rig, workspace)
    assert work.base == workspace.base
    assert work.paths == ("app.py", "data.bin", "gone.txt")
    assert (work.added, work.removed, work.binaries) == (2, 3, 1)
    assert work.tree == rig.workspaces.tree(work.commit)
    ref = inspect(rig, "rev-parse", f"refs/orchestrate/{RUN}/attempts/task.1").decode().strip()
    assert ref == work.commit
    message = inspect(rig, "log", "-1", "--format=%B", work.commit)
    assert message.strip() == b"What was done"


def test_nothing_changed_is_no_work(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "app.py").touch()
    Path(workspace.folder, "empty").mkdir()
    assert rig.workspaces.collect(workspace, "nothing", 1.0) is None
    assert b"attempts" not in inspect(rig, "for-each-ref")


def test_collecting_again_gives_the_same_commit(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    work = _collect(rig, workspace)
    assert _collect(rig, workspace) == work
    elsewhere = rig.made().collect(workspace, "What was done", 10.0)
    assert elsewhere == work
    assert _collect(rig, workspace, 11.0).commit != work.commit


def test_earlier_work_of_a_workspace_is_kept_beside_what_replaces_it(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    first = _collect(rig, workspace)
    assert b"earlier" not in inspect(rig, "for-each-ref")
    Path(workspace.folder, "a.txt").write_text("b\n")
    second = _collect(rig, workspace)
    pinned = inspect(rig, "for-each-ref", "--format=%(objectname)", "refs/orchestrate").decode()
    assert {first.commit, second.commit} <= set(pinned.split())


def test_ignored_files_are_not_collected(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root, __gitignore="*.log\n")
        (root / ".git" / "info" / "exclude").write_text("private/\n")
        return root

    rig = make_rig(build)
    workspace = rig.prepared()
    for name in ("debug.log", "private/notes", "kept.txt"):
        path = Path(workspace.folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("text\n")
    assert _collect(rig, workspace).paths == ("kept.txt",)


def test_commits_of_the_attempt_are_kept_beneath(rig: Rig) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    commit(folder, "a.txt", "a\n", "by the attempt")
    (folder / "b.txt").write_text("b\n")
    work = _collect(rig, workspace)
    assert work.paths == ("a.txt", "b.txt")
    log = inspect(rig, "log", "--format=%s", f"{work.base}..{work.commit}").decode()
    assert log.splitlines() == ["What was done", "by the attempt"]
    assert inspect(rig, "fsck", "--strict", "--no-dangling") == b""


def test_everything_committed_by_the_attempt_needs_no_further_commit(rig: Rig) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    git(folder, "checkout", "-q", "-b", "topic/of-its-own")
    commit(folder, "a.txt", "a\n", "by the attempt")
    git(folder, "pack-refs", "--all")
    git(folder, "gc", "-q")
    assert _collect(rig, workspace).commit == git(folder, "rev-parse", "HEAD").strip()


def test_what_the_attempt_committed_stays_though_git_ignores_it(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, __gitignore="dist/\n"))
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    (folder / "dist").mkdir()
    (folder / "dist/made.js").write_text("made\n")
    git(folder, "add", "-f", "dist/made.js")
    git(folder, "commit", "-q", "-m", "made")
    (folder / "a.txt").write_text("a\n")
    assert _collect(rig, workspace).paths == ("a.txt", "dist/made.js")


def test_rewritten_history_is_refused(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        commit(tracked(root), "app.py", "value = 2\n", "second")
        return root

    rig = make_rig(build)
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    git(folder, "commit", "-q", "--amend", "-m", "second, reworded")
    with pytest.raises(RequestError, match="does not descend from"):
        rig.workspaces.collect(workspace, "m", 1.0)


def test_files_that_became_folders_and_links_and_back(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        return tracked(root, one="file\n", two_s_inner="inner\n", three_s_inner="inner\n")

    rig = make_rig(build)
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    (folder / "one").unlink()
    (folder / "one").mkdir()
    (folder / "one/inner").write_text("now a folder\n")
    (folder / "two/inner").unlink()
    (folder / "two").rmdir()
    (folder / "two").write_text("now a file\n")
    (folder / "three").rename(folder / "moved")
    (folder / "three").symlink_to("moved")
    work = _collect(rig, workspace)
    files = rig.files(work.commit)
    assert set(files) == {b"app.py", b"one/inner", b"two", b"three", b"moved/inner"}
    assert files[b"three"].startswith(b"120000")


def test_a_change_of_the_same_size_right_after_the_checkout_is_seen(rig: Rig) -> None:
    for number in range(5):
        workspace = rig.prepared(name=f"task.{number}")
        Path(workspace.folder, "app.py").write_text(f"value = {number + 4}\n")
        assert _collect(rig, workspace).paths == ("app.py",)


def test_more_than_the_limit_is_refused_and_the_largest_file_named(make_rig: MakeRig) -> None:
    rig = make_rig()
    small = rig.made(limit_bytes=10_000)
    workspace = rig.prepared()
    with Path(workspace.folder, "core.dump").open("wb") as file:
        file.truncate(20_000)
    for refused in (
        lambda: small.collect(workspace, "m", 1.0),
        lambda: small.snapshot(workspace, 1.0),
    ):
        with pytest.raises(RequestError, match=r"largest is core\.dump with 20000") as refusal:
            refused()
        assert ".gitignore" in refusal.value.remedy
    git(Path(workspace.folder), "add", "-A")
    git(Path(workspace.folder), "commit", "-q", "-m", "dump")
    with pytest.raises(RequestError, match=r"the commits in .* more than 10000"):
        small.collect(workspace, "m", 1.0)


def test_a_base_with_more_than_the_limit_is_refused(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        (tracked(root) / "huge.bin").write_bytes(b"\1" * 20_000)
        return root

    small = make_rig(build).made(limit_bytes=10_000)
    with pytest.raises(RequestError, match=r"largest is huge\.bin"):
        small.base(RUN, "working-tree", 1.0)


def test_a_workspace_that_is_gone_cannot_be_collected(rig: Rig) -> None:
    workspace = rig.prepared()
    rig.workspaces.discard(RUN, "task.1")
    with pytest.raises(RequestError, match="not there") as refusal:
        rig.workspaces.collect(workspace, "m", 1.0)
    assert refusal.value.remedy == "prepare it again"


def test_messages_are_kept_whatever_is_in_them(rig: Rig) -> None:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    work = rig.workspaces.collect(workspace, "# not a comment\n\n\0 -x \udc80 é\n", 1.0)
    assert work is not None
    body = inspect(rig, "log", "-1", "--format=%B", work.commit).decode()
    assert body.strip() == "# not a comment\n\n -x ? é"


def test_what_running_tests_leaves_is_no_work_unless_the_project_keeps_such_files(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(lambda root: tracked(root, kept__pyc="old\n"))
    workspace = rig.prepared()
    folder = Path(workspace.folder)
    for name in ("pkg/__pycache__/a.cpython-311.pyc", ".pytest_cache/v/x", ".coverage", "b.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0")
    assert rig.workspaces.collect(workspace, "nothing", 1.0) is None
    (folder / "kept.pyc").write_text("new\n")
    (folder / "app.py").write_text("value = 3\n")
    assert _collect(rig, workspace).paths == ("app.py", "kept.pyc")
