"""`orchestrate security` in whatever state git was left: it ends well and changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import git_states
from tests.e2e.git_states import SHELL, SHELL_CWE, SHELL_LINE, git
from tests.e2e.scanning import Scan, scan, snapshot

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("home")]


def finds_the_flaw(done: Scan) -> bool:
    found = [f for f in done.at("app.py", SHELL_LINE) if f.cwe == SHELL_CWE]
    return [f.severity for f in found] == ["high"]


def head_of(root: Path) -> str:
    """The commit git names, or nothing where there is no commit or no repository."""
    asked = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=root, capture_output=True, text=True
    )
    return asked.stdout.strip()


@pytest.mark.parametrize(
    "state",
    [
        git_states.fresh,
        git_states.without_commits,
        git_states.detached,
        git_states.mid_merge,
        git_states.mid_rebase,
        git_states.nested_git_file,
        git_states.bare_inside,
    ],
    ids=lambda state: state.__name__,
)
def test_every_state_is_scanned_and_left_as_it_was(
    state: Callable[[Path], Path], tmp_path: Path
) -> None:
    root = state(tmp_path / "repo")
    before = snapshot(root)
    done = scan(root)
    assert snapshot(root) == before
    assert finds_the_flaw(done)
    assert (done.analysis.subject, done.analysis.revision) == ("repo", head_of(root))
    assert (tmp_path / "repo" / ".git" / "orchestrate").is_dir() is (
        (tmp_path / "repo" / ".git").is_dir()
    )


def test_a_folder_without_git_keeps_its_runs_in_the_home_folder(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "app.py").write_text(SHELL)
    before = snapshot(root)
    done = scan(root)
    assert snapshot(root) == before
    assert finds_the_flaw(done)
    assert done.report("html").is_relative_to(home / ".local" / "state")
    assert done.analysis.revision == ""


def test_an_empty_folder_is_scanned_and_nothing_is_claimed(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    done = scan(root)
    assert list(root.iterdir()) == []
    assert done.analysis.inventory.files == 0
    assert done.document.summary.outcome != "none"
    assert done.analysis.unknown


def test_files_in_conflict_are_listed_and_make_the_scan_inconclusive(tmp_path: Path) -> None:
    root = git_states.mid_merge(tmp_path / "repo")
    done = scan(root)
    assert "conflict.py" in done.not_examined()
    partial = {run.tool for run in done.analysis.tools if run.status == "partial"}
    assert {"bandit", "orchestrate-review"} <= partial


def test_a_submodule_is_another_project_and_is_listed_as_not_looked_at(tmp_path: Path) -> None:
    root = git_states.with_submodule(tmp_path / "repo")
    before = snapshot(root)
    done = scan(root)
    assert snapshot(root) == before
    assert finds_the_flaw(done)
    assert done.not_examined()["parts/lib/"] == (
        "submodule or nested repository, a project of its own"
    )
    assert [f for f in done.analysis.findings if f.location.path.startswith("parts/")] == []


def test_a_linked_worktree_shares_its_state_and_changes_neither_tree(tmp_path: Path) -> None:
    root = git_states.linked_worktree(tmp_path / "side-tree")
    main = tmp_path / "main-tree"
    trees = snapshot(root), snapshot(main)
    done = scan(root)
    assert (snapshot(root), snapshot(main)) == trees
    assert finds_the_flaw(done)
    assert done.report("html").is_relative_to(main / ".git" / "orchestrate")
    assert done.analysis.revision == git(root, "rev-parse", "HEAD").strip()


def test_refs_index_and_stash_are_as_they_were_when_git_is_asked(tmp_path: Path) -> None:
    root = git_states.fresh(tmp_path / "repo")
    questions = (
        ("for-each-ref", "refs/heads", "refs/remotes", "refs/stash", "refs/tags"),
        ("status", "--porcelain=v2", "--untracked-files=all"),
        ("stash", "list"),
        ("config", "--list", "--local"),
        ("worktree", "list"),
        ("count-objects", "-v"),
    )
    before = [git(root, *question) for question in questions]
    scan(root)
    assert [git(root, *question) for question in questions] == before
