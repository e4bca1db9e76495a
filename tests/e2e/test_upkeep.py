"""Taking away what runs left: prune, purge, uninstall (E5, N5); and trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import orchestrate, tree
from tests.e2e.envelope import document, told_error
from tests.e2e.git_states import git
from tests.e2e.writing import CLASH, project, run_flow

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def clash(tmp_path: Path) -> Path:
    """A run with merged work, and work in conflict that is on no line."""
    root = project(tmp_path / "project", CLASH)
    assert run_flow(root).code == 7
    return root


def our_refs(root: Path) -> list[str]:
    return git(root, "for-each-ref", "--format=%(refname)", "refs/orchestrate").splitlines()


def test_prune_leaves_a_run_alone_that_can_go_on(clash: Path) -> None:
    before = our_refs(clash)
    data = document(orchestrate("prune", "--yes", "--json", cwd=clash))["data"]
    assert data["deleted"] == []
    assert {item["reason"] for item in data["kept"]} == {"the run is not over"}
    assert our_refs(clash) == before


def test_prune_lists_then_deletes_what_is_over_and_never_what_is_nowhere_else(clash: Path) -> None:
    [row] = orchestrate("conflict", "list", "--json", cwd=clash).data
    orchestrate("cancel", "last", cwd=clash)
    before = our_refs(clash)
    asked = orchestrate("prune", "--json", cwd=clash)
    assert asked.code == 5
    assert "--yes" in told_error(asked)["remedy"]
    assert our_refs(clash) == before
    data = document(orchestrate("prune", "--yes", "--json", cwd=clash))["data"]
    kept = {item["name"]: item["reason"] for item in data["kept"]}
    assert any(name.startswith(f"attempts/{row['task']}") for name in kept)
    assert all(kept.values())
    left = {ref.partition("refs/orchestrate/")[2].partition("/")[2] for ref in our_refs(clash)}
    assert left == {name for name in kept if "/" in name}
    # The work itself is still there, and can be had.
    assert git(clash, "cat-file", "-t", row["work"]).strip() == "commit"
    again = orchestrate("prune", "--yes", "--json", cwd=clash)
    assert document(again)["data"]["deleted"] == []


def test_purge_empties_old_runs_and_they_say_so(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    assert run_flow(root).code == 0
    run = orchestrate("show", "--json", cwd=root).data["run"]
    attempts = root / ".git" / "orchestrate" / "runs" / run / "attempts"
    young = document(orchestrate("purge", "--yes", "--json", cwd=root))["data"]
    assert young["runs"] == []
    assert orchestrate("purge", run, cwd=root).code == 5
    assert attempts.is_dir()
    events = orchestrate("events", run, cwd=root).out
    old = document(orchestrate("purge", "--older-than", "0", "--yes", "--json", cwd=root))["data"]
    assert [item["run"] for item in old["runs"]] == [run]
    assert old["freed_bytes"] > 0
    assert not attempts.exists()
    assert orchestrate("events", run, cwd=root).out == events
    shown = orchestrate("show", run, "--json", cwd=root)
    assert document(shown)["data"]["purged_at"] is not None
    assert "were purged on" in shown.err
    logs = orchestrate("logs", run, cwd=root)
    assert (logs.code, logs.out) == (0, "")
    assert "were purged on" in logs.err


def test_purge_touches_a_run_that_can_be_resumed_only_when_it_is_named(clash: Path) -> None:
    run = orchestrate("show", "--json", cwd=clash).data["run"]
    every = orchestrate("purge", "--older-than", "0", "--yes", "--json", cwd=clash)
    assert document(every)["data"]["runs"] == []
    named = orchestrate("purge", run, "--yes", "--json", cwd=clash)
    assert [item["run"] for item in document(named)["data"]["runs"]] == [run]
    assert "can be resumed" in named.err


def test_trust_is_granted_shown_and_revoked(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    for action, trusted in (("show", False), ("grant", True), ("show", True), ("revoke", False)):
        done = orchestrate("trust", action, "--json", cwd=root)
        assert document(done)["data"] == {"repository": str(root), "trusted": trusted}
    assert orchestrate("trust", cwd=root).out == f"{root} is not trusted\n"


def test_uninstall_takes_refs_and_workspaces_and_names_the_branch_it_leaves(
    tmp_path: Path, home: Path
) -> None:
    root = project(tmp_path / "project")
    before = tree(root, without=(".git/objects", ".git/logs"))
    assert run_flow(root).code == 0
    assert our_refs(root)
    assert orchestrate("trust", "grant", cwd=root).code == 0
    asked = orchestrate("uninstall", cwd=tmp_path)
    assert asked.code == 2, asked
    assert "refs/orchestrate" in asked.err
    assert our_refs(root)
    done = orchestrate("uninstall", "--yes", "--json", cwd=tmp_path)
    data = document(done)["data"]
    [branch] = data["branches"]
    assert branch.startswith(f"{root / '.git'}: orchestrate/")
    assert our_refs(root) == []
    assert not list(home.rglob("*orchestrate*"))
    git(root, "branch", "-D", branch.partition(": ")[2])
    after = tree(root, without=(".git/objects", ".git/logs"))
    assert {name: after.get(name) for name in before} == before


def test_uninstall_does_not_take_work_that_is_nowhere_else_unless_told(clash: Path) -> None:
    refused = orchestrate("uninstall", "--yes", "--json", cwd=clash)
    assert refused.code == 5, refused
    assert "--with-unmerged" in told_error(refused)["remedy"]
    assert our_refs(clash)
    done = orchestrate("uninstall", "--yes", "--with-unmerged", "--json", cwd=clash)
    assert document(done)["data"]["unmerged"]
    assert our_refs(clash) == []
