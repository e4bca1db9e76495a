"""Revision and remote of a repository, read without running git, checked against git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrate.adapters.backends.local.revision import head_revision, origin_url


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "a.py").write_text("x = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


def test_revision_is_the_one_git_names(repository: Path) -> None:
    assert head_revision(repository) == git(repository, "rev-parse", "HEAD")


def test_revision_is_found_when_refs_are_packed_and_when_head_is_detached(
    repository: Path,
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert head_revision(repository) == head

    git(repository, "checkout", "--quiet", "--detach")
    assert head_revision(repository) == head


def test_revision_of_a_worktree_is_its_own(repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tree))
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "second")
    git(repository, "remote", "add", "origin", "https://code.invalid/shop.git")

    assert head_revision(tree) == git(tree, "rev-parse", "HEAD") != head_revision(repository)
    assert origin_url(tree) == "https://code.invalid/shop.git"


def test_without_git_or_commits_there_is_no_revision(tmp_path: Path) -> None:
    assert head_revision(tmp_path) == origin_url(tmp_path) == ""

    git(tmp_path, "init", "--quiet")
    assert head_revision(tmp_path) == origin_url(tmp_path) == ""


@pytest.mark.parametrize("head", ["ref: ../../secret", "ref: /etc/passwd", "garbage", ""])
def test_a_hostile_head_names_nothing(repository: Path, head: str) -> None:
    (repository / ".git/HEAD").write_text(head)

    assert head_revision(repository) == ""


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:secret@code.invalid/a/b.git", "https://code.invalid/a/b.git"),
        ("https://code.invalid:8443/a.git?token=secret", "https://code.invalid:8443/a.git"),
        ("git@code.invalid:team/a.git", "ssh://code.invalid/team/a.git"),
        ("ssh://git@code.invalid/a.git", "ssh://code.invalid/a.git"),
        ("/home/somebody/a.git", ""),
        ("file:///home/somebody/a.git", ""),
        ("ext::sh -c whoami", ""),
        ("https://[broken/a.git", ""),
    ],
)
def test_origin_loses_credentials_and_local_paths(repository: Path, url: str, public: str) -> None:
    git(repository, "config", "remote.origin.url", url)

    assert origin_url(repository) == public
