"""Making workspaces and checkouts, ahead of time too, and what an attempt sees in one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrate.errors import ConfigurationError, RequestError
from orchestrate.ports.workspace import WorkspaceRequest
from tests.e2e.git_states import commit, git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, digests, inspect, tracked


def _spares(rig: Rig) -> list[str]:
    return [path.name.split("-")[0] for path in (rig.home / "spare").glob("*")]


def test_an_attempt_sees_a_repository_of_its_own(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root)
        git(root, "tag", "-a", "v1.0", "-m", "one")
        git(root, "remote", "add", "origin", "https://example.invalid/x.git")
        return root

    rig = make_rig(build)
    folder = Path(rig.prepared().folder)
    assert git(folder, "status", "--porcelain", "--branch") == "## attempt\n"
    assert git(folder, "remote") == ""
    assert git(folder, "describe") == "v1.0\n"
    assert git(folder, "config", "--local", "core.hooksPath") == "/dev/null\n"
    (folder / "app.py").write_text("stashed\n")
    git(folder, "stash", "-q")
    git(folder, "config", "user.email", "agent@example.invalid")
    git(folder, "stash", "pop", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "own")
    git(folder, "gc", "-q", "--prune=now")
    assert git(folder, "fsck", "--no-dangling") == ""


def test_preparing_again_starts_afresh(rig: Rig) -> None:
    workspace = rig.prepared()
    before = digests(Path(workspace.folder), (".git",))
    Path(workspace.folder, "app.py").unlink()
    Path(workspace.folder, "junk").write_text("junk\n")
    assert rig.prepared() == workspace
    assert digests(Path(workspace.folder), (".git",)) == before


def test_a_workspace_opens_for_its_own_request_alone(rig: Rig) -> None:
    workspace = rig.prepared()
    request = WorkspaceRequest(RUN, "task.1", workspace.base)
    Path(workspace.folder, "left.txt").write_text("left\n")
    assert rig.made().open(request) == workspace
    assert rig.workspaces.open(WorkspaceRequest(RUN, "task.2", workspace.base)) is None
    assert Path(workspace.folder, "left.txt").exists()
    (Path(workspace.folder).parent / "record.json").write_text("{")
    assert rig.workspaces.open(request) is None
    assert rig.prepared() == workspace


def test_a_workspace_made_ahead_is_taken_and_moved_to_its_commit(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        commit(tracked(root, old__txt="old\n"), "new.txt", "new\n", "second")
        git(root, "rm", "-q", "old.txt")
        git(root, "commit", "-q", "-m", "third")
        return root

    rig = make_rig(build)
    head = rig.base().commit
    first = git(rig.root, "rev-parse", "HEAD~2").strip()
    rig.workspaces.prefetch(first)
    rig.workspaces.prefetch(first)
    assert _spares(rig) == [first]
    for base, names in ((head, {"app.py", "new.txt"}), (first, {"app.py", "old.txt"})):
        rig.workspaces.prefetch(first)
        workspace = rig.prepared(base, f"task.{len(names)}{base[0]}")
        assert _spares(rig) == []
        assert set(digests(Path(workspace.folder), (".git",))) == names
        assert git(Path(workspace.folder), "status", "--porcelain", "--branch") == "## attempt\n"
        assert git(Path(workspace.folder), "rev-parse", "HEAD").strip() == base
        assert rig.workspaces.collect(workspace, "m", 1.0) is None
        Path(workspace.folder, "app.py").write_text("value = 2\n")
        work = rig.workspaces.collect(workspace, "m", 1.0)
        assert work is not None
        assert work.paths == ("app.py",)


def test_a_newer_base_replaces_the_workspace_made_ahead(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        commit(tracked(root), "b", "b\n", "second")
        return root

    rig = make_rig(build)
    head, first = rig.base().commit, git(rig.root, "rev-parse", "HEAD~1").strip()
    rig.workspaces.prefetch(first)
    rig.workspaces.prefetch(head)
    assert _spares(rig) == [head]


def test_many_threads_prepare_and_prefetch_at_once(rig: Rig) -> None:
    base = rig.base().commit
    barrier = threading.Barrier(8)

    def one(number: int) -> str:
        barrier.wait()
        rig.workspaces.prefetch(base)
        workspace = rig.prepared(base, f"task.{number}")
        Path(workspace.folder, f"{number}.txt").write_text("x\n")
        work = rig.workspaces.collect(workspace, "m", 1.0)
        assert work is not None
        return " ".join(work.paths)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [f"{number}.txt" for number in range(8)]


def test_only_the_named_folders_are_checked_out(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, a_s_in__txt="a\n", b_s_out__txt="b\n"))
    base = rig.base().commit
    request = WorkspaceRequest(RUN, "task.1", base, sparse=("a",))
    workspace = rig.workspaces.prepare(request)
    folder = Path(workspace.folder)
    assert set(digests(folder, (".git",))) == {"app.py", "a", "a/in.txt"}
    assert git(folder, "status", "--porcelain") == ""
    assert rig.workspaces.collect(workspace, "m", 1.0) is None
    (folder / "a" / "in.txt").write_text("changed\n")
    (folder / "b").mkdir()
    (folder / "b" / "out.txt").write_text("written outside of what is checked out\n")
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    assert work.paths == ("a/in.txt", "b/out.txt")
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    assert rig.workspaces.tree(snapshot) == work.tree
    expected = digests(folder, (".git",))
    again = rig.workspaces.prepare(
        WorkspaceRequest(RUN, "task.2", base, snapshot=snapshot, sparse=("a",))
    )
    restored = digests(Path(again.folder), (".git",))
    assert {name: restored.get(name) for name in expected} == expected
    work_again = rig.workspaces.collect(again, "m", 1.0)
    assert work_again == work


def test_a_checkout_has_the_files_of_a_commit_and_those_laid_over_it(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, tests_s_old__py="old\n", keep="keep\n"))
    base = rig.base().commit
    workspace = rig.prepared(base)
    for name in ("tests/new.py", "tests/old.py", "app.py"):
        Path(workspace.folder, name).write_text("by the attempt\n")
    Path(workspace.folder, "keep").unlink()
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    plain = rig.workspaces.checkout(RUN, "check.1", base)
    assert (plain / "app.py").read_text() == "value = 1\n"
    (plain / "written.pyc").write_text("by the check\n")
    laid = rig.workspaces.checkout(
        RUN, "check.1", base, {"tests/new.py": work.commit, "keep": work.commit}
    )
    assert laid == plain
    found = digests(laid, (".git",))
    assert set(found) == {"app.py", "tests", "tests/new.py", "tests/old.py"}
    assert (laid / "tests/old.py").read_text() == "old\n"
    assert git(laid, "rev-parse", "HEAD").strip() == base
    everything = rig.workspaces.checkout(RUN, "check.2", base, {"tests": work.commit})
    assert (everything / "tests/old.py").read_text() == "by the attempt\n"
    rig.workspaces.discard(RUN, "check.1")
    assert not laid.exists()


def test_too_little_room_is_said_before_anything_is_made(rig: Rig) -> None:
    base = rig.base().commit
    request = WorkspaceRequest(RUN, "task.1", base)
    full = rig.made(reserve_bytes=2**62)
    for refused in (lambda: full.prepare(request), lambda: full.prefetch(base)):
        with pytest.raises(ConfigurationError, match=r"a workspace needs .* the disk of") as error:
            refused()
        assert "prune" in error.value.remedy
    assert list((rig.home / "building").iterdir()) == []


def test_the_quota_holds_for_all_workspaces_together(make_rig: MakeRig) -> None:
    rig = make_rig(lambda root: tracked(root, data="x" * 300_000))
    base = rig.base().commit
    limited = rig.made(quota_bytes=1_000_000)
    limited.prepare(WorkspaceRequest(RUN, "task.1", base))
    limited.prepare(WorkspaceRequest(RUN, "task.2", base))
    with pytest.raises(ConfigurationError, match=r"more than the quota of 1.0 MiB") as error:
        limited.prepare(WorkspaceRequest(RUN, "task.3", base))
    assert "raise the quota" in error.value.remedy
    limited.discard(RUN, "task.1")
    limited.prepare(WorkspaceRequest(RUN, "task.3", base))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\0b", "-x", "x.lock", "é", "a" * 300]
)
def test_names_that_lead_elsewhere_are_refused(rig: Rig, name: str) -> None:
    base = rig.base().commit
    for use in (
        lambda: rig.workspaces.prepare(WorkspaceRequest(RUN, name, base)),
        lambda: rig.workspaces.prepare(WorkspaceRequest(name, "task.1", base)),
        lambda: rig.workspaces.discard(name, "task.1"),
        lambda: rig.workspaces.keep(name, "line", base),
    ):
        with pytest.raises(RequestError, match="cannot name a workspace"):
            use()
    assert inspect(rig, "for-each-ref", "refs/orchestrate").count(b"\n") == 1
