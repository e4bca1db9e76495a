"""Conflicts between pieces of work, resolved or sent back from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import kinds, log, orchestrate
from tests.e2e.envelope import document, told_error
from tests.e2e.writing import CLASH, files_at, project, run_flow

pytestmark = pytest.mark.usefixtures("home")

ADA = {"ORCHESTRATE_USER": "ada"}


@pytest.fixture
def clash(tmp_path: Path) -> Path:
    """A run that waits for a person to join two pieces of work."""
    root = project(tmp_path / "project", CLASH)
    done = run_flow(root)
    assert done.code == 7, done
    return root


def the_conflict(root: Path) -> dict[str, Any]:
    [row] = document(orchestrate("conflict", "list", "--json", cwd=root))["data"]
    found: dict[str, Any] = row
    return found


def test_both_sides_and_the_base_are_shown_and_the_resolution_is_merged(clash: Path) -> None:
    row = the_conflict(clash)
    assert (row["files"], row["resolving"]) == (["a.txt"], False)
    task = row["task"]
    data = document(orchestrate("conflict", "show", "last", task, "--json", cwd=clash))["data"]
    [file] = data["files"]
    assert file["base"] == "one\ntwo\nthree\n"
    assert {file["ours"], file["theirs"]} == {"one\nleft\nthree\n", "one\nright\nthree\n"}
    assert not data["begun"]
    shown = orchestrate("conflict", "show", "last", task, cwd=clash)
    for line in ("-two", "+left", "+right", "--- the base", "+++ the line", "+++ the work"):
        assert line in shown.out.splitlines()
    assert "+left" not in orchestrate("conflict", "show", "last", task, "--full", cwd=clash).out
    marked = Path(data["folder"], "a.txt")
    assert "||||||| " in marked.read_text()
    refused = orchestrate("conflict", "resolve", "last", task, "--json", cwd=clash)
    assert refused.code == 2
    assert "markers" in told_error(refused)["message"]
    marked.write_text("one\nboth\nthree\n")
    # Looking again leaves what was begun alone.
    again = orchestrate("conflict", "show", "last", task, "--json", cwd=clash).data
    assert (again["begun"], marked.read_text()) == (True, "one\nboth\nthree\n")
    resolved = orchestrate("conflict", "resolve", "last", task, "--json", cwd=clash, env=ADA)
    answer = document(resolved)["data"]
    assert (answer["status"], answer["by"]) == ("merging", "ada")
    assert not marked.exists()
    done = orchestrate("resume", "--yes", "--json", cwd=clash)
    assert done.code == 0, done
    line = orchestrate("show", "--json", cwd=clash).data["line"]
    assert files_at(clash, line)["a.txt"] == "one\nboth\nthree\n"
    [event] = [e for e in log(clash / ".git" / "orchestrate") if e["event"] == "WorkResolved"]
    assert event["by"] == "ada"


def test_work_sent_back_is_done_anew_on_top_of_what_was_merged(clash: Path) -> None:
    task = the_conflict(clash)["task"]
    done = orchestrate(
        *("conflict", "send-back", "last", task, "--reason", "keep the other", "--json"),
        cwd=clash,
        env=ADA,
    )
    assert document(done)["data"]["status"] == "ready"
    assert "sent back" in orchestrate("show", cwd=clash).out
    on = orchestrate("resume", "--yes", "--json", cwd=clash)
    assert on.code == 0, on
    events = log(clash / ".git" / "orchestrate")
    [event] = [e for e in events if e["event"] == "WorkReturned"]
    assert (event["by"], event["message"], event["cause"]) == ("ada", "keep the other", "conflict")
    assert kinds(events).count(f"AttemptStarted {task}") == 2
    assert document(orchestrate("conflict", "list", "--json", cwd=clash))["data"] == []


def test_nothing_to_resolve_is_said_and_names_what_there_is(clash: Path) -> None:
    task = the_conflict(clash)["task"]
    other = {"left": "right", "right": "left"}[task]
    unbegun = orchestrate("conflict", "resolve", "last", task, "--json", cwd=clash)
    assert unbegun.code == 2
    assert "conflict show" in told_error(unbegun)["remedy"]
    settled = orchestrate("conflict", "show", "last", other, "--json", cwd=clash)
    assert settled.code == 5
    assert task in told_error(settled)["remedy"]
    unknown = orchestrate("conflict", "show", "last", "nobody", "--json", cwd=clash)
    assert unknown.code == 2


def test_what_was_begun_outlives_a_line_that_moved_on(clash: Path) -> None:
    """A mark on the line, or other work merged meanwhile, must not cost a person their work."""
    task = the_conflict(clash)["task"]
    data = orchestrate("conflict", "show", "last", task, "--json", cwd=clash).data
    Path(data["folder"], "a.txt").write_text("one\nmine\nthree\n")
    # The run goes on as far as it can, and comes back to waiting.
    assert orchestrate("resume", "--yes", cwd=clash).code == 7
    again = orchestrate("conflict", "show", "last", task, "--json", cwd=clash).data
    assert again["begun"]
    assert Path(again["folder"], "a.txt").read_text() == "one\nmine\nthree\n"
