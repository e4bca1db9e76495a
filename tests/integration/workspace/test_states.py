"""States git leaves a repository in: each behaves, or is refused with reason and remedy.

The fixture `make_rig` asserts after every test that nothing of the user's was touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrate.adapters.workspace.git import require_git
from orchestrate.adapters.workspace.workspaces import GitWorkspaces
from orchestrate.errors import ConfigurationError, RequestError
from tests.e2e import git_states
from tests.e2e.git_states import commit, git
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import RUN, Rig, changed, digests, inspect, names, tracked


def test_base_at_head_leaves_local_changes_out_and_names_them(make_rig: MakeRig) -> None:
    rig = make_rig(git_states.fresh)
    base = rig.base("head")
    assert base.commit == base.head == git(rig.root, "rev-parse", "HEAD").strip()
    assert (base.branch, base.included, base.notes) == ("main", False, ())
    assert base.changes == ("staged.py", "untracked.txt")
    assert names(rig.prepared(base.commit).folder) == {"app.py"}


def test_base_of_the_working_tree_has_staged_changed_untracked_and_deleted_files(
    make_rig: MakeRig,
) -> None:
    def build(root: Path) -> Path:
        tracked(root, old__txt="old\n")
        (root / "staged.py").write_text("x = 1\n")
        git(root, "add", "staged.py")
        (root / "untracked.txt").write_text("mine\n")
        (root / "old.txt").unlink()
        (root / "app.py").write_text("changed = 1\n")
        (root / ".gitignore").write_text("*.log\n")
        (root / "debug.log").write_text("ignored\n")
        return root

    rig = make_rig(build)
    base = rig.base("working-tree")
    assert base.included
    assert base.changes == (".gitignore", "app.py", "old.txt", "staged.py", "untracked.txt")
    workspace = rig.prepared(base.commit)
    assert names(workspace.folder) == {".gitignore", "app.py", "staged.py", "untracked.txt"}
    assert Path(workspace.folder, "app.py").read_text() == "changed = 1\n"
    assert rig.base("working-tree") == base
    pinned = inspect(rig, "rev-parse", f"refs/orchestrate/{RUN}/base").decode().strip()
    assert pinned == base.commit


def test_a_clean_working_tree_starts_at_head_itself(rig: Rig) -> None:
    base = rig.base("working-tree")
    assert base.commit == base.head
    assert base.changes == ()


def test_before_the_first_commit_only_the_working_tree_can_be_the_base(make_rig: MakeRig) -> None:
    rig = make_rig(git_states.without_commits)
    with pytest.raises(RequestError, match="no commit yet") as refusal:
        rig.base("head")
    assert "working tree" in refusal.value.remedy
    base = rig.base("working-tree")
    assert (base.head, base.branch, base.changes) == ("", "main", ("app.py",))
    assert names(rig.prepared(base.commit).folder) == {"app.py"}
    work = changed(rig, base.commit)
    assert inspect(rig, "rev-list", "--count", work).strip() == b"2"


def test_detached_head_is_a_base_without_branch(make_rig: MakeRig) -> None:
    rig = make_rig(git_states.detached)
    base = rig.base()
    assert base.branch == ""
    assert base.commit == git(rig.root, "rev-parse", "v1").strip()
    changed(rig, base.commit)


def _mid(command: str) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        git_states._diverged(root)
        git(root, command, "other", ok=False)
        return root

    return build


def _mid_revert(root: Path) -> Path:
    tracked(root)
    commit(root, "app.py", "value = 2\n", "second")
    commit(root, "app.py", "value = 3\n", "third")
    git(root, "revert", "--no-edit", "HEAD~1", ok=False)
    return root


def _mid_am(root: Path) -> Path:
    git_states._diverged(root)
    git(root, "format-patch", "-q", "-1", "other", "-o", str(root.parent))
    git(root, "am", str(root.parent / "0001-theirs.patch"), ok=False)
    return root


@pytest.mark.parametrize(
    ("build", "operation"),
    [
        (_mid_am, "am"),
        (git_states.mid_merge, "merge"),
        (git_states.mid_rebase, "rebase"),
        (_mid("cherry-pick"), "cherry-pick"),
        (_mid_revert, "revert"),
    ],
    ids=["am", "merge", "rebase", "cherry-pick", "revert"],
)
def test_in_the_middle_of_an_operation_only_head_can_be_the_base(
    make_rig: MakeRig, build: Callable[[Path], Path], operation: str
) -> None:
    rig = make_rig(build)
    with pytest.raises(RequestError, match=f"a {operation} is in progress") as refusal:
        rig.base("working-tree")
    assert f"git {operation} --abort" in refusal.value.remedy
    base = rig.base("head")
    assert base.notes == (f"a {operation} is in progress; the run starts where HEAD is now",)
    changed(rig, base.commit)


def test_a_conflict_without_operation_is_refused_as_a_base(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root)
        (root / "app.py").write_text("value = 2\n")
        git(root, "stash", "-q")
        commit(root, "app.py", "value = 3\n", "other")
        git(root, "stash", "pop", ok=False)
        return root

    rig = make_rig(build)
    with pytest.raises(RequestError, match=r"app\.py .* has conflicts"):
        rig.base("working-tree")
    changed(rig, rig.base("head").commit)


def test_in_the_middle_of_a_bisection_both_bases_work(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root)
        for number in range(4):
            commit(root, "app.py", f"value = {number + 2}\n", f"number {number}")
        git(root, "bisect", "start", "HEAD", "HEAD~4")
        (root / "new.txt").write_text("new\n")
        return root

    rig = make_rig(build)
    assert rig.base("head").notes == ("a bisect is in progress; the run starts where HEAD is now",)
    assert "new.txt" in names(rig.prepared(rig.base("working-tree").commit).folder)


def test_a_shallow_clone_gives_workspaces_of_the_same_depth(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        origin = tracked(root.parent / "origin")
        for number in range(3):
            commit(origin, "app.py", f"value = {number + 2}\n", f"number {number}")
        git(root.parent, "clone", "-q", "--depth", "2", origin.as_uri(), str(root))
        return root

    rig = make_rig(build)
    base = rig.base()
    assert any("shallow" in note for note in base.notes)
    workspace = rig.prepared(base.commit)
    assert git(Path(workspace.folder), "rev-list", "--count", "HEAD") == "2\n"
    first, second = changed(rig, base.commit), rig.workspaces.mark(base.commit, "a mark", 6.0)
    assert rig.workspaces.merge(first, second, "both", 7.0).commit


def _partial(root: Path, *more: str) -> Path:
    origin = tracked(root.parent / "origin", data_s_large__txt="data\n" * 100)
    git(origin, "config", "uploadpack.allowFilter", "true")
    commit(origin, "app.py", "value = 2\n", "second")
    url = origin.as_uri()
    git(root.parent, "clone", "-q", "--filter=blob:none", *more, url, str(root))
    return root


def test_a_partial_clone_is_a_base_while_it_has_the_files(make_rig: MakeRig) -> None:
    rig = make_rig(_partial)
    base = rig.base()
    assert any("partial clone" in note for note in base.notes)
    changed(rig, base.commit)


def test_a_partial_clone_that_lacks_files_is_refused_and_nothing_is_fetched(
    make_rig: MakeRig,
) -> None:
    def build(root: Path) -> Path:
        _partial(root, "--sparse")
        program = root.parent / "fetches"
        program.write_text(f"#!/bin/sh\ntouch {root.parent}/fetched\nexit 1\n")
        program.chmod(0o755)
        git(root, "config", "remote.origin.uploadpack", str(program))
        return root

    rig = make_rig(build)
    for choice in ("head", "working-tree"):
        with pytest.raises(RequestError, match=r"1 objects of commit .* partial clone") as refusal:
            rig.workspaces.base(RUN, choice, 1.0)
        assert "sparse-checkout disable" in refusal.value.remedy
    assert not (rig.beside / "fetched").exists()


@pytest.mark.parametrize("index", ["full", "sparse"])
def test_folders_left_out_of_a_sparse_checkout_are_in_workspaces(
    make_rig: MakeRig, index: str
) -> None:
    def build(root: Path) -> Path:
        tracked(root, inside_s_a__txt="a\n", outside_s_b__txt="b\n")
        flag = "--sparse-index" if index == "sparse" else "--no-sparse-index"
        git(root, "sparse-checkout", "set", "--cone", flag, "inside")
        (root / "inside" / "a.txt").write_text("changed\n")
        (root / "new.txt").write_text("new\n")
        return root

    rig = make_rig(build)
    assert not (rig.root / "outside").exists()
    base = rig.base("working-tree")
    assert base.changes == ("inside/a.txt", "new.txt")
    assert any("sparse checkout" in note for note in base.notes)
    workspace = rig.prepared(base.commit)
    assert names(workspace.folder) == {"app.py", "inside/a.txt", "outside/b.txt", "new.txt"}
    assert Path(workspace.folder, "inside/a.txt").read_text() == "changed\n"


def test_a_linked_worktree_is_read_and_its_repository_is_written_to(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        git_states.linked_worktree(root)
        (root / "side.txt").write_text("side\n")
        return root

    rig = make_rig(build, "../main-tree/.git")
    base = rig.base("working-tree")
    assert (base.branch, base.changes) == ("side", ("side.txt",))
    assert names(rig.prepared(base.commit).folder) == {"app.py", "side.txt"}
    changed(rig, base.commit)


@pytest.mark.may_skip("only root can give files to somebody else")
def test_a_repository_of_somebody_else_can_be_worked_on(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root)
        for path in (root, *root.rglob("*")):
            os.chown(path, 12345, 12345)
        return root

    if os.geteuid():
        pytest.skip("not root")
    rig = make_rig(build)
    done = subprocess.run(["git", "status"], cwd=rig.root, capture_output=True, text=True)
    assert "dubious ownership" in done.stderr
    changed(rig, rig.base("working-tree").commit)


@pytest.mark.may_skip("root may write everywhere")
def test_a_repository_that_cannot_be_written_is_refused(make_rig: MakeRig) -> None:
    if not os.geteuid():
        pytest.skip("root")
    rig = make_rig()
    (rig.root / ".git" / "objects").chmod(0o555)
    try:
        with pytest.raises(ConfigurationError, match="commits cannot be kept"):
            rig.base()
    finally:
        (rig.root / ".git" / "objects").chmod(0o755)


def test_identity_signing_and_hooks_of_the_user_do_not_count(home: Path, make_rig: MakeRig) -> None:
    (home / ".gitconfig").write_text("[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n")

    def build(root: Path) -> Path:
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        who = ("-c", "user.name=A", "-c", "user.email=a@b.invalid", "-c", "commit.gpgSign=false")
        (root / "app.py").write_text("value = 1\n")
        git(root, "add", "-A")
        git(root, *who, "commit", "-q", "-m", "first")
        for hook in ("reference-transaction", "post-checkout", "pre-commit", "post-index-change"):
            program = root / ".git" / "hooks" / hook
            program.write_text(f"#!/bin/sh\ntouch {root.parent}/ran\nexit 1\n")
            program.chmod(0o755)
        git(root, "config", "core.fsmonitor", f"touch {root.parent}/ran")
        return root

    rig = make_rig(build)
    (rig.root / "app.py").touch()
    work = changed(rig, rig.base("working-tree").commit)
    about = inspect(rig, "log", "-1", "--format=%an <%ae> %at %cn %ct", work).decode()
    assert about == "orchestrate <orchestrate@localhost> 5 orchestrate 5\n"
    assert not (rig.beside / "ran").exists()


def test_objects_that_a_repository_borrows_itself_are_found(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        origin = tracked(root.parent / 'ori"gin')
        git(root.parent, "clone", "-q", "--shared", str(origin), str(root))
        alternates = root / ".git" / "objects" / "info" / "alternates"
        middle = root.parent / "middle.git"
        git(root.parent, "init", "-q", "--bare", str(middle))
        relative = os.path.relpath(origin / ".git" / "objects", middle / "objects")
        (middle / "objects" / "info" / "alternates").write_text(f"{relative}\n")
        alternates.write_text("../../../middle.git/objects\n")
        return root

    rig = make_rig(build)
    workspace = rig.prepared()
    assert git(Path(workspace.folder), "log", "--format=%s") == "first\n"
    changed(rig, workspace.base)


def test_sha256_repositories_work(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        root.mkdir()
        git(root, "init", "-q", "--object-format=sha256")
        commit(root, "app.py", "value = 1\n", "first")
        return root

    rig = make_rig(build)
    base = rig.base()
    assert len(base.commit) == 64
    work = changed(rig, base.commit)
    workspace = rig.prepared(base.commit)
    git(Path(workspace.folder), "commit", "-q", "--allow-empty", "-m", "own")
    Path(workspace.folder, "b.txt").write_text("b\n")
    other = rig.workspaces.collect(workspace, "b", 1.0)
    assert other is not None
    assert len(rig.workspaces.merge(work, other.commit, "both", 2.0).commit) == 64


def test_a_repository_this_git_cannot_read_is_refused(tmp_path: Path) -> None:
    root = tracked(tmp_path / "user")
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.somethingOfTomorrow", "true")
    before = digests(root)
    strange = GitWorkspaces(root, root / ".git", tmp_path / "state", tmp_path / "home")
    with pytest.raises(RequestError, match=r"git \d+\.\d+ cannot read .*extension") as refusal:
        strange.base(RUN, "head", 1.0)
    assert "newer git" in refusal.value.remedy
    assert digests(root) == before


@pytest.mark.may_skip("the reftable format came with git 2.45")
def test_refs_in_a_reftable_work(make_rig: MakeRig) -> None:
    if require_git() < (2, 45):
        pytest.skip("git is older than 2.45")

    def build(root: Path) -> Path:
        root.mkdir()
        git(root, "init", "-q", "--ref-format=reftable")
        commit(root, "app.py", "value = 1\n", "first")
        return root

    root = build(make_rig().beside / "tables")
    rig = Rig(root, root / ".git", root.parent)
    before = rig.workspaces.fingerprint()
    changed(rig, rig.base().commit)
    assert rig.workspaces.fingerprint().refs == before.refs


def test_a_split_index_is_read(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root, b__txt="b\n")
        git(root, "update-index", "--split-index")
        (root / "b.txt").write_text("changed\n")
        assert list((root / ".git").glob("sharedindex.*"))
        return root

    assert make_rig(build).base("working-tree").changes == ("b.txt",)


def test_files_git_was_told_to_overlook_are_overlooked(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        tracked(root, local__cfg="shared\n")
        git(root, "update-index", "--skip-worktree", "local.cfg")
        (root / "local.cfg").write_text("mine\n")
        return root

    assert make_rig(build).base("working-tree").changes == ()


def test_a_folder_without_git_is_copied_and_the_result_is_a_patch(make_rig: MakeRig) -> None:
    def build(root: Path) -> Path:
        (root / "src").mkdir(parents=True)
        (root / "src" / "app.py").write_bytes(b"value = 1\r\n")
        (root / ".gitattributes").write_text("*.py text eol=lf\n")
        (root / ".gitignore").write_text("secret\n")
        (root / "secret").write_text("secret\n")
        return root

    rig = make_rig(build, None)
    base = rig.base("head")
    assert (base.head, base.branch, base.included) == ("", "", True)
    assert "the result will be a patch" in base.notes[0]
    workspace = rig.prepared(base.commit)
    assert names(workspace.folder) == {".gitattributes", ".gitignore", "src/app.py"}
    source = Path(workspace.folder, "src/app.py")
    assert source.read_bytes() == b"value = 1\r\n"
    source.write_bytes(b"value = 2\r\n")
    work = rig.workspaces.collect(workspace, "two", 2.0)
    assert work is not None
    assert (work.paths, work.added, work.removed) == (("src/app.py",), 1, 1)
    out = rig.beside / "out"
    patch = rig.workspaces.publish(RUN, "orchestrate/run-1", work.commit, out)
    assert patch == str(out / "orchestrate-run-1.patch")
    assert rig.workspaces.publish(RUN, "orchestrate/run-1", work.commit, out) == patch
    copy = shutil.copytree(rig.root, rig.beside / "copy")
    git(copy, "apply", patch)
    assert (copy / "src/app.py").read_bytes() == b"value = 2\r\n"


def test_git_that_is_missing_or_too_old_is_named(
    make_rig: MakeRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "none"))
        with pytest.raises(ConfigurationError, match="git cannot be run") as missing:
            rig.made().base(RUN, "head", 1.0)
        old = tmp_path / "old"
        old.mkdir()
        (old / "git").write_text("#!/bin/sh\necho git version 2.37.9\n")
        (old / "git").chmod(0o755)
        patch.setenv("PATH", str(old))
        with pytest.raises(ConfigurationError, match=r"git 2\.37 is too old: 2\.38") as too_old:
            rig.made().base(RUN, "head", 1.0)
    for refusal in (missing, too_old):
        assert "2.38 or newer" in refusal.value.remedy
