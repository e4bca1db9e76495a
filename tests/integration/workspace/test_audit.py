"""The fingerprint notices every change of the user's, and writes nothing itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrate.ports.workspace import Fingerprint
from tests.e2e import git_states
from tests.e2e.git_states import commit, git
from tests.integration.workspace.rig import RUN, Rig, digests


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A repository with a stash, staged, changed, untracked, ignored and odd files."""
    root = git_states.fresh(tmp_path / "user")
    (root / ".gitignore").write_text("cache/\n")
    (root / "cache").mkdir()
    (root / "cache" / "entry").write_text("cached\n")
    (root / "link").symlink_to("app.py")
    Path(os.fsdecode(os.fsencode(root) + b"/odd\xff")).write_text("odd\n")
    os.mkfifo(root / "pipe")
    git(root, "init", "-q", "--bare", ".git/modules/lib")
    (root / ".git" / "modules" / "lib" / "hooks").mkdir(exist_ok=True)
    return Rig(root, root / ".git", tmp_path)


def _differing(before: Fingerprint, after: Fingerprint) -> set[str]:
    pairs = ((before.files, after.files), (before.refs, after.refs), (before.parts, after.parts))
    return {
        name
        for old, new in pairs
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    }


def _ignored_file(root: Path) -> None:
    (root / "cache" / "entry").write_text("other\n")


def _ignored_new(root: Path) -> None:
    (root / "cache" / "new").touch()


def _content(root: Path) -> None:
    status = (root / "untracked.txt").stat()
    (root / "untracked.txt").write_text("mina\n")
    os.utime(root / "untracked.txt", ns=(status.st_atime_ns, status.st_mtime_ns))


def _ignored_and_dated_back(root: Path) -> None:
    path = root / "cache" / "entry"
    status = path.stat()
    path.write_text("evil..\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


def _hook_of_a_submodule(root: Path) -> None:
    hooks = root / ".git" / "modules" / "lib" / "hooks"
    (hooks / "post-checkout").write_text("#!/bin/sh\n")


def _config_of_a_submodule(root: Path) -> None:
    with (root / ".git" / "modules" / "lib" / "config").open("a") as file:
        file.write("[core]\n\tsshCommand = evil\n")


def _config(root: Path) -> None:
    git(root, "config", "x.y", "z")


def _hook(root: Path) -> None:
    (root / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")


def _exclude(root: Path) -> None:
    (root / ".git" / "info" / "exclude").write_text("*.tmp\n")


CHANGES: list[tuple[str, Callable[[Path], object], set[str]]] = [
    ("content", _content, {"untracked.txt"}),
    ("mode", lambda root: (root / "app.py").chmod(0o755), {"app.py"}),
    ("deletion", lambda root: (root / "app.py").unlink(), {"app.py"}),
    ("new folder", lambda root: (root / "new").mkdir(), {"new/"}),
    ("link", lambda root: (root / "link").unlink(), {"link"}),
    ("pipe", lambda root: (root / "pipe").unlink(), {"pipe"}),
    ("ignored", _ignored_file, {"cache/entry"}),
    ("ignored and dated back", _ignored_and_dated_back, {"cache/entry"}),
    ("new ignored", _ignored_new, {"cache/new"}),
    ("hook of a submodule", _hook_of_a_submodule, {"submodules"}),
    ("config of a submodule", _config_of_a_submodule, {"submodules"}),
    ("staging", lambda root: git(root, "rm", "-q", "--cached", "app.py"), {"index"}),
    ("tag", lambda root: git(root, "tag", "v2"), {"refs/tags/v2"}),
    ("config", _config, {"config"}),
    ("hook", _hook, {"hooks"}),
    ("exclude", _exclude, {"info"}),
    ("stash", lambda root: git(root, "stash", "drop", "-q"), {"refs/stash", "stash"}),
    ("head", lambda root: git(root, "symbolic-ref", "HEAD", "refs/heads/x"), {"head"}),
    (
        "worktree",
        lambda root: git(root, "worktree", "add", "-q", "--detach", "../linked"),
        {"worktrees"},
    ),
]


@pytest.mark.parametrize(
    ("change", "named"), [one[1:] for one in CHANGES], ids=[o[0] for o in CHANGES]
)
def test_every_change_is_noticed_and_named(
    rig: Rig, change: Callable[[Path], object], named: set[str]
) -> None:
    before = rig.workspaces.fingerprint()
    change(rig.root)
    differing = _differing(before, rig.workspaces.fingerprint())
    assert named <= differing
    assert differing - named <= {"head", "refs/heads/x", "stash"}


def test_taking_it_twice_gives_the_same_and_changes_nothing(rig: Rig) -> None:
    (rig.root / "app.py").touch()  # git would like to refresh its index now
    before = digests(rig.root, (".git/orchestrate",))
    times = {path: path.lstat().st_mtime_ns for path in rig.root.rglob("*")}
    first = rig.workspaces.fingerprint()
    assert rig.made().fingerprint() == first
    assert digests(rig.root, (".git/orchestrate",)) == before
    assert {path: path.lstat().st_mtime_ns for path in rig.root.rglob("*")} == times


def test_nothing_is_left_out_but_what_is_exempt(rig: Rig) -> None:
    files = rig.workspaces.fingerprint().files
    expected = set(digests(rig.root, (".git",)))
    assert {name.rstrip("/") for name in files} == expected
    assert files["cache/entry"].startswith("stat:")
    exempt = rig.workspaces.fingerprint(["cache", "refs/tags/v1", "app.py"])
    assert set(files) - set(exempt.files) == {"cache/", "cache/entry", "app.py"}
    assert "refs/tags/v1" not in exempt.refs


def test_a_whole_run_changes_nothing(rig: Rig) -> None:
    before = rig.workspaces.fingerprint()
    base = rig.base("working-tree").commit
    workspace = rig.prepared(base)
    commit(Path(workspace.folder), "a.txt", "a\n", "own")
    snapshot = rig.workspaces.snapshot(workspace, 1.0)
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    rig.workspaces.keep(RUN, "line", rig.workspaces.mark(work.commit, "m", 2.0))
    rig.prepared(base, "task.2", snapshot=snapshot)
    rig.workspaces.checkout(RUN, "check.1", work.commit)
    assert rig.workspaces.fingerprint() == before
