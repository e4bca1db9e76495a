"""Checkpoints, rollback and state from the command line (B14, A6 to A8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import kinds, log, orchestrate
from tests.e2e.envelope import document, told_error
from tests.e2e.git_states import git
from tests.e2e.writing import files_at, project, run_flow

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended well; tests only look at it."""
    root = project(tmp_path_factory.mktemp("finished") / "project")
    done = run_flow(root)
    assert done.code == 0, done
    return root


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """A run that ended well, for one test."""
    root = project(tmp_path / "project")
    done = run_flow(root)
    assert done.code == 0, done
    return root


def listed(root: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orchestrate("checkpoint", "list", "--json", cwd=root).data
    return rows


def test_list_tells_what_each_checkpoint_holds(finished: Path) -> None:
    result = orchestrate("checkpoint", "list", "--json", cwd=finished)
    rows = document(result)["data"]
    assert [row["kind"] for row in rows].count("phase") >= 3
    assert rows[0]["kind"] == "start"
    assert [row["done"] for row in rows] == sorted(row["done"] for row in rows)
    assert rows[-1]["done"] == rows[-1]["tasks"] == 4
    text = orchestrate("checkpoint", "list", cwd=finished).out.splitlines()
    assert len(text) == len(rows)
    assert "4/4" in text[-1]
    assert rows[-1]["line"][:12] in text[-1]


def test_show_tells_the_line_the_log_and_what_going_back_changes(finished: Path) -> None:
    first = listed(finished)[0]
    result = orchestrate("checkpoint", "show", "last", first["checkpoint"], "--json", cwd=finished)
    data = document(result)["data"]
    assert data["line"] == git(finished, "rev-parse", "HEAD").strip()
    assert data["line_tree"] == git(finished, "rev-parse", "HEAD^{tree}").strip()
    assert len(data["chain"]) == 64
    changes = data["changes"]
    assert changes["files"] == ["b.txt", "c.txt", "left.txt", "right.txt"]
    assert {change["task"]: change["fate"] for change in changes["tasks"]} == dict.fromkeys(
        ("first", "left", "right", "last"), "again"
    )
    text = orchestrate("checkpoint", "show", "last", first["checkpoint"], cwd=finished).out
    assert data["digest"] in text
    assert data["chain"] in text


def test_rollback_takes_state_and_line_back_and_forward_leads_to_what_was(ended: Path) -> None:
    before = orchestrate("state", "current", "--json", cwd=ended).data
    [target] = [row for row in listed(ended) if row["kind"] == "phase"][:1]
    name = target["checkpoint"]
    shown = orchestrate("checkpoint", "show", "last", name, "--json", cwd=ended).data
    done = orchestrate(
        "rollback", "last", "--to", name, "--reason", "again", "--yes", "--json", cwd=ended
    )
    back = document(done)["data"]
    assert (back["digest"], back["line"], back["status"]) == (
        shown["digest"],
        target["line"],
        "paused",
    )
    assert f"--to {back['forward']}" in done.err
    assert f"resume {back['run']}" in done.err
    assert [row["checkpoint"] for row in listed(ended) if row["current"]] == [name]
    forward = orchestrate(
        "checkpoint", "restore", "last", back["forward"], "--yes", "--json", cwd=ended
    )
    assert document(forward)["data"]["digest"] == before["digest"]
    assert document(forward)["data"]["line"] == before["line"]


def test_work_taken_back_is_done_anew_and_gives_the_same_files(ended: Path) -> None:
    run = orchestrate("show", "--json", cwd=ended).data["run"]
    once = orchestrate("show", "--json", cwd=ended).data
    orchestrate("rollback", run, "--to", "c1", "--yes", cwd=ended)
    done = orchestrate("resume", run, "--yes", "--json", cwd=ended)
    assert done.code == 0, done
    anew = orchestrate("show", "--json", cwd=ended).data
    assert {task["task"]: task["attempts"] for task in anew["tasks"]} == dict.fromkeys(
        ("first", "left", "right", "last"), 2
    )
    assert files_at(ended, anew["line"]) == files_at(ended, once["line"])


def test_rollback_asks_and_without_a_terminal_changes_nothing(finished: Path) -> None:
    before = log(finished / ".git" / "orchestrate")
    done = orchestrate("rollback", "last", "--to", "c1", "--json", cwd=finished)
    assert done.code == 5
    assert "--yes" in told_error(done)["remedy"]
    assert "is taken back" in done.err
    assert log(finished / ".git" / "orchestrate") == before


def test_unknown_checkpoint_is_refused_with_those_there_are(finished: Path) -> None:
    done = orchestrate("rollback", "last", "--to", "c99", "--yes", "--json", cwd=finished)
    assert done.code == 2
    assert "c1" in told_error(done)["remedy"]


def test_checkpoint_by_hand_carries_note_and_name(ended: Path) -> None:
    done = orchestrate(
        *("checkpoint", "create", "--note", "before lunch", "--json"),
        cwd=ended,
        env={"ORCHESTRATE_USER": "ada"},
    )
    data = document(done)["data"]
    assert (data["kind"], data["note"], data["by"], data["done"]) == (
        "manual",
        "before lunch",
        "ada",
        4,
    )
    assert "before lunch" in orchestrate("checkpoint", "list", cwd=ended).out


def test_cancelled_run_goes_nowhere(tmp_path: Path) -> None:
    root = project(tmp_path / "project", GATED)
    assert run_flow(root).code == 7
    assert orchestrate("state", "transition", "last", "cancelled", cwd=root).code == 0
    done = orchestrate("rollback", "last", "--to", "c1", "--yes", "--json", cwd=root)
    assert done.code == 5
    assert "cancelled" in told_error(done)["message"]
    shown = document(orchestrate("checkpoint", "show", "last", "c1", "--json", cwd=root))["data"]
    assert "cancelled" in shown["problem"]


# -- state -------------------------------------------------------------------------------------

GATED = """
version: 1
name: gated
phases:
  - name: work
    tasks: [{id: only, run: echo x > x.txt, writes: [x.txt]}]
    gates: [{name: look, kind: human, message: please look, deadline: 1h}]
"""


def test_state_is_changed_by_hand_and_its_history_tells_by_whom(tmp_path: Path) -> None:
    root = project(tmp_path / "project", GATED)
    assert run_flow(root).code == 7
    now = document(orchestrate("state", "current", "--json", cwd=root))["data"]
    run = now["run"]
    assert (now["status"], now["transitions"]) == ("executing", ["paused", "cancelled"])
    assert f"orchestrate approve {run} work/look" in now["commands"]
    ada = {"ORCHESTRATE_USER": "ada"}
    paused = orchestrate(
        "state", "transition", run, "paused", "--reason", "lunch", "--json", cwd=root, env=ada
    )
    assert document(paused)["data"]["status"] == "paused"
    assert orchestrate("approve", run, cwd=root, env=ada).code == 0
    assert orchestrate("state", "transition", run, "executing", cwd=root).code == 5
    on = orchestrate("state", "transition", run, "executing", "--yes", "--json", cwd=root, env=ada)
    assert document(on)["data"]["status"] == "completed"
    found = document(orchestrate("state", "history", "--json", cwd=root))["data"]["transitions"]
    assert [(item["before"], item["after"], item["by"]) for item in found][-3:] == [
        ("executing", "paused", "ada"),
        ("paused", "executing", "ada"),
        ("executing", "completed", "engine"),
    ]
    assert "lunch" in orchestrate("state", "history", cwd=root).out
    assert "RunCompleted" in kinds(log(root / ".git" / "orchestrate"))


@pytest.mark.parametrize("status", ["paused", "executing", "failed", "idle"])
def test_transition_that_cannot_be_is_refused_with_those_that_can(
    status: str, finished: Path
) -> None:
    done = orchestrate("state", "transition", "last", status, "--json", cwd=finished)
    assert done.code == 5, done
    assert "completed" in told_error(done)["message"]
    assert told_error(done)["remedy"] == "nothing is allowed any more"


def ancestors(root: Path, commit: str) -> list[str]:
    return git(root, "rev-list", commit).split()


def test_open_gate_is_shown_with_its_deadline(tmp_path: Path) -> None:
    root = project(tmp_path / "project", GATED)
    run_flow(root)
    shown = orchestrate("show", cwd=root)
    [line] = [line for line in shown.out.splitlines() if line.startswith("gate work/look")]
    assert "open (human)" in line
    assert "unknown without an answer by" in line
    data = document(orchestrate("show", "--json", cwd=root))["data"]
    assert data["gates"][0]["deadline_at"] > data["gates"][0]["opened_at"]
    assert data["checkpoints"] >= 2
    [only] = [task for task in data["tasks"] if task["task"] == "only"]
    assert only["commit"] in ancestors(root, data["line"])
    assert only["verified"] is True
