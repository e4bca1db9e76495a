"""Repositories in states that git leaves people in, each with one flaw to find."""

from __future__ import annotations

import subprocess
from pathlib import Path

SHELL = 'import subprocess\nsubprocess.run("ls " + input(), shell=True)\n'
#: The line of `SHELL` with the flaw, and its weakness.
SHELL_LINE = 2
SHELL_CWE = 78


def git(root: Path, *arguments: str, ok: bool = True) -> str:
    """Run git in `root`; with `ok` false it must stop, as at a conflict."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    assert (done.returncode == 0) is ok, (arguments, done.stdout, done.stderr)
    return done.stdout


def commit(root: Path, name: str, text: str, message: str) -> None:
    """Write one file and commit it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def fresh(root: Path) -> Path:
    """A repository with a commit, a tag, a stash, staged, changed and untracked files."""
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "app.py", SHELL, "first")
    git(root, "tag", "v1")
    (root / "app.py").write_text(SHELL + "# stashed\n")
    git(root, "stash", "-q")
    (root / "staged.py").write_text("x = 1\n")
    git(root, "add", "staged.py")
    (root / "untracked.txt").write_text("mine\n")
    return root


def without_commits(root: Path) -> Path:
    """`git init`, and a file that was added."""
    root.mkdir()
    git(root, "init", "-q")
    (root / "app.py").write_text(SHELL)
    git(root, "add", "app.py")
    return root


def detached(root: Path) -> Path:
    """HEAD at a commit, not at a branch."""
    fresh(root)
    git(root, "checkout", "-q", "--detach", "v1")
    return root


def mid_merge(root: Path) -> Path:
    """A merge that stopped at a conflict in `conflict.py`; `app.py` is as it was."""
    _diverged(root)
    git(root, "merge", "other", ok=False)
    assert (root / ".git" / "MERGE_HEAD").is_file()
    return root


def mid_rebase(root: Path) -> Path:
    """A rebase that stopped at a conflict in `conflict.py`; `app.py` is as it was."""
    _diverged(root)
    git(root, "rebase", "other", ok=False)
    assert (root / ".git" / "rebase-merge").is_dir()
    return root


def _diverged(root: Path) -> None:
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "app.py", SHELL, "first")
    commit(root, "conflict.py", "value = 1\n", "second")
    git(root, "branch", "other")
    commit(root, "conflict.py", "value = 2\n", "ours")
    git(root, "checkout", "-q", "other")
    commit(root, "conflict.py", "value = 3\n", "theirs")
    git(root, "checkout", "-q", "main")


def with_submodule(root: Path) -> Path:
    """A checked-out submodule in `parts/lib`, with a flaw of its own."""
    source = root.parent / "library"
    source.mkdir()
    git(source, "init", "-q")
    commit(source, "inner.py", SHELL, "first")
    fresh(root)
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", str(source), "parts/lib")
    git(root, "commit", "-q", "-m", "library")
    return root


def linked_worktree(root: Path) -> Path:
    """A second working tree of a repository that lies beside it."""
    main = fresh(root.parent / "main-tree")
    git(main, "worktree", "add", "-q", str(root), "-b", "side")
    assert (root / ".git").is_file()
    return root


def nested_git_file(root: Path) -> Path:
    """A folder whose `.git` is a file that leads nowhere."""
    root.mkdir()
    (root / "app.py").write_text(SHELL)
    (root / ".git").write_text("gitdir: ../nowhere/modules/x\n")
    return root


def bare_inside(root: Path) -> Path:
    """A bare repository, with a hook and a program for git to run, lies in a folder of it."""
    fresh(root)
    bare = root / "fixtures" / "store.git"
    bare.parent.mkdir()
    git(root, "init", "-q", "--bare", str(bare))
    (bare / "hooks" / "post-checkout").write_text("#!/bin/sh\nexit 1\n")
    return root
