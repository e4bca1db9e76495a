"""Pushing one branch from the user's repository, with the user's own git."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrate.adapters.code_host.remote import UserRepository
from orchestrate.ports.code_host import NotDoneError
from tests.e2e.git_states import commit, git

pytestmark = pytest.mark.usefixtures("home")

BRANCH = "orchestrate/r"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a remote of its own, and a branch to push."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(tmp_path, "init", "-q", "shop")
    root = tmp_path / "shop"
    commit(root, "a.txt", "a\n", "first")
    git(root, "remote", "add", "origin", str(tmp_path / "hub.git"))
    git(root, "push", "-q", "origin", "main")
    git(root, "branch", BRANCH)
    git(root, "tag", "-a", "-m", "t", "v1")
    return root


def user(root: Path) -> UserRepository:
    return UserRepository(root, dict(os.environ))


def at_hub(root: Path) -> set[str]:
    lines = git(root.parent / "hub.git", "for-each-ref", "--format=%(refname)").split()
    return set(lines)


def test_exactly_one_branch_is_pushed_and_a_second_time_nothing(root: Path) -> None:
    git(root, "config", "push.followTags", "true")
    git(root, "config", "push.default", "matching")
    before = git(root, "config", "--local", "--list")
    assert user(root).push("origin", BRANCH)
    assert at_hub(root) == {"refs/heads/main", f"refs/heads/{BRANCH}"}
    assert not user(root).push("origin", BRANCH)
    assert git(root, "config", "--local", "--list") == before


def test_another_branch_of_that_name_is_not_overwritten(root: Path) -> None:
    user(root).push("origin", BRANCH)
    git(root, "checkout", "-q", BRANCH)
    git(root, "config", "remote.origin.push", f"+refs/heads/{BRANCH}")
    git(root, "commit", "-q", "--amend", "-m", "other")
    with pytest.raises(NotDoneError, match=r"was refused.*non-fast-forward"):
        user(root).push("origin", BRANCH)


def test_the_users_own_hook_runs_and_may_refuse(root: Path) -> None:
    hook = root / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on my watch >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(NotDoneError, match="not on my watch") as caught:
        user(root).push("origin", BRANCH)
    assert caught.value.remedy == f"git push origin {BRANCH}"
    assert at_hub(root) == {"refs/heads/main"}


def test_the_remote_tells_its_default_and_its_branches(root: Path) -> None:
    found = user(root).refs("origin")
    assert found.default == "main"
    assert found.branches == {"main": git(root, "rev-parse", "main").strip()}
    git(root, "remote", "set-url", "origin", str(root / "gone"))
    with pytest.raises(NotDoneError, match="cannot be reached"):
        user(root).refs("origin")


def _none(root: Path) -> None:
    git(root, "remote", "remove", "origin")


def _two(root: Path) -> None:
    git(root, "remote", "rename", "origin", "one")
    git(root, "remote", "add", "two", "/nowhere")


@pytest.mark.parametrize(
    ("change", "wanted", "told"),
    [(_none, "", "has no remote"), (_two, "", "several"), (_two, "origin", "no remote 'origin'")],
)
def test_a_remote_that_cannot_be_told_is_asked_for(
    root: Path, change: Callable[[Path], None], wanted: str, told: str
) -> None:
    change(root)
    with pytest.raises(NotDoneError, match=told):
        user(root).remote(wanted)


def test_the_remote_is_the_one_named_or_configured_or_origin(root: Path) -> None:
    git(root, "remote", "add", "fork", "/nowhere")
    assert user(root).remote() == "origin"
    assert user(root).remote("fork") == "fork"
    git(root, "config", "remote.pushDefault", "fork")
    assert user(root).remote() == "fork"


def test_an_address_is_where_a_push_goes_and_has_to_be_one(root: Path) -> None:
    git(root, "config", "url.https://github.com/.pushInsteadOf", "gh:")
    git(root, "remote", "add", "fork", "gh:ada/shop")
    assert user(root).address("fork") == "https://github.com/ada/shop"
    git(root, "remote", "set-url", "--add", "--push", "origin", "/one")
    git(root, "remote", "set-url", "--add", "--push", "origin", "/two")
    with pytest.raises(NotDoneError, match="2 places"):
        user(root).address("origin")


def test_a_surrounding_git_does_not_lead_elsewhere(root: Path) -> None:
    environ = {**os.environ, "GIT_DIR": "/nowhere"}
    assert UserRepository(root, environ).current_branch() == "main"
