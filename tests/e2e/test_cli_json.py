"""--json of every command: one document on stdout, valid under the published schema."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrate.ui.cli.schema import COMMAND_DATA
from tests.crash.planted import plant
from tests.e2e.command import Result, orchestrate, wait_for
from tests.e2e.envelope import document, told_error
from tests.e2e.writing import CLASH, project

FLOW = """
version: 1
name: flow
inputs:
  deep: {type: boolean, default: false}
phases:
  - name: first
    tasks:
      - id: write
        run: echo to-stderr >&2; printf 'no newline' | tee "$ORCHESTRATE_OUTPUTS/a.txt"
        outputs: [{name: a, path: a.txt}]
      - {id: other, run: "true", when: inputs.deep}
    gates: [{name: look, kind: human, message: please look}]
  - name: then
    depends_on: [first]
    tasks: [{id: last, run: "true", needs: [write]}]
"""
SLOW = """
version: 1
name: slow
phases:
  - name: only
    tasks: [{id: wait, run: "touch begun; until test -e go; do sleep 0.05; done"}]
"""

HANDED = """
version: 1
name: handed
phases:
  - name: only
    tasks:
      - {id: sign, agent: architect, backend: human, prompt: Sign it.}
      - {id: change, agent: architect, backend: human, prompt: Change it., writes: true}
"""

SCRIPT = """
version: 1
tasks:
  impact: [{}]
  regression: [{}]
  fix: [{}]
  review: [{}]
"""

#: Commands whose documents were seen.
_seen: set[str] = set()


def asked(*arguments: str, cwd: Path, code: int = 0) -> Any:
    """The data of a command's document."""
    result: Result = orchestrate(*arguments, "--json", cwd=cwd)
    assert result.code == code, result
    found = document(result)
    _seen.add(found["command"])
    return found["data"]


def setting_up(repository: Path) -> None:
    assert len(asked("init", cwd=repository)["written"]) == 2
    assert {check["verdict"] for check in asked("doctor", cwd=repository)} <= {"ok", "note"}
    assert asked("validate", "flow.yaml", "hello", cwd=repository) == {"problems": []}
    assert "_orchestrate_completion" in asked("completion", "bash", cwd=repository)["script"]
    agents = asked("agent", "list", cwd=repository)["agents"]
    assert {"architect", "code-reviewer", "security-scout"} <= {item["name"] for item in agents}
    assert asked("agent", "show", "architect", cwd=repository)["name"] == "architect"
    assert asked("list", cwd=repository) == []


def driving_and_looking(repository: Path) -> None:
    begun = asked("run", "flow.yaml", "the request", cwd=repository, code=7)
    run = begun["run"]
    assert asked("status", cwd=repository)["driven"] is False
    [row] = asked("list", cwd=repository)
    assert (row["run"], row["waiting"], row["request"]) == (run, 1, "the request")
    whole = asked("show", run, cwd=repository)
    assert whole["version"] == asked("events", run, cwd=repository)[-1]["version"]
    assert asked("show", run, "--at", "1", cwd=repository)["status"] == "idle"
    task = asked("show", run, "write", cwd=repository)
    assert task["artifacts"][0]["size_bytes"] == len("no newline")
    lines = {(line["stream"], line["line"]) for line in asked("logs", cwd=repository)}
    assert lines == {("stdout", "no newline"), ("stderr", "to-stderr")}
    for form in ("text", "mermaid", "svg"):
        assert asked("graph", "--format", form, cwd=repository)["format"] == form
    assert asked("graph", "flow.yaml", cwd=repository)["graph"]
    causes = asked("explain", cwd=repository)["explanation"]["causes"]
    assert [cause["kind"] for cause in causes] == ["person"]
    assert asked("explain", run, "last", cwd=repository)["explanation"]["task"] == "last"
    preview = asked("resume", "--preview", cwd=repository)
    assert {line["task"]: line["fate"] for line in preview["lines"]} == {
        "write": "kept",
        "other": "skipped",
        "last": "blocked",
    }


def steering(repository: Path) -> None:
    assert asked("pause", cwd=repository)["status"] == "paused"
    assert asked("approve", "last", cwd=repository)["gates"][0]["status"] == "passed"
    assert asked("resume", "--yes", cwd=repository)["status"] == "completed"
    assert asked("attach", cwd=repository)["status"] == "completed"
    asked("run", "flow.yaml", cwd=repository, code=7)
    rejected = asked("reject", "last", "--reason", "no", cwd=repository)
    assert rejected["status"] == "failed"


def detached(repository: Path) -> None:
    detached = asked("run", "slow.yaml", "--detach", cwd=repository)
    assert Path(detached["log"]).stat().st_mode & 0o077 == 0
    wait_for("the attempt", (repository / "begun").exists)
    status = asked("status", detached["run"], cwd=repository)
    assert status["driven"]
    assert f"process {detached['pid']}" in status["note"]
    told_error(orchestrate("resume", "--preview", "--json", cwd=repository))
    told_error(orchestrate("uninstall", "--yes", "--json", cwd=repository))
    assert asked("cancel", detached["run"], cwd=repository)["status"] == "cancelled"
    wait_for(
        "the driver to let go",
        lambda: not asked("status", detached["run"], cwd=repository)["driven"],
    )


def scanning(root: Path) -> None:
    data = asked("security", "--output", "reports", cwd=root)
    assert sum(data["findings"].values()) >= len(data["top"]) > 0
    copied = {Path(path).name for path in data["reports"].values()}
    assert copied == {path.name for path in (root / "reports").iterdir()}


def writing(root: Path) -> None:
    asked("run", "../flow.yaml", cwd=root, code=7)
    [conflict] = asked("conflict", "list", cwd=root)
    folder = asked("conflict", "show", "last", conflict["task"], cwd=root)["folder"]
    Path(folder, "a.txt").write_text("both\n")
    answer = asked("conflict", "resolve", "last", conflict["task"], cwd=root)
    assert answer["status"] == "merging"
    assert asked("state", "transition", "last", "paused", cwd=root)["status"] == "paused"
    assert asked("state", "current", cwd=root)["transitions"] == ["executing", "cancelled"]
    assert asked("state", "history", cwd=root)["transitions"][-1]["after"] == "paused"
    taken = asked("checkpoint", "create", "--note", "here", cwd=root)["checkpoint"]
    assert taken in [row["checkpoint"] for row in asked("checkpoint", "list", cwd=root)]
    shown = asked("checkpoint", "show", "last", taken, cwd=root)
    assert asked("checkpoint", "restore", "last", "c1", "--yes", cwd=root)["line"]
    back = asked("rollback", "last", "--to", taken, "--yes", cwd=root)
    assert back["digest"] == shown["digest"]
    asked("rollback", "last", "--to", "c1", "--yes", cwd=root)
    asked("resume", "--yes", cwd=root, code=7)
    [conflict] = asked("conflict", "list", cwd=root)
    asked("conflict", "send-back", "last", conflict["task"], "--reason", "no", cwd=root)
    asked("cancel", cwd=root)
    assert asked("prune", "--yes", cwd=root)["deleted"]
    assert asked("purge", "--older-than", "0", "--yes", cwd=root)["runs"]
    assert not asked("trust", cwd=root)["trusted"]
    assert asked("checks", cwd=root)["evidence"] is None


def handing_over(root: Path) -> None:
    (root / "handed.yaml").write_text(HANDED)
    begun = asked("run", "handed.yaml", cwd=root, code=7)
    waiting = asked("task", "list", cwd=root)
    assert {row["task"] for row in waiting} == {"sign", "change"}
    assert asked("task", "show", "last", "sign", cwd=root)["task"] == "sign"
    taken = asked("task", "take", "last", "change", cwd=root)
    Path(taken["folder"], "signed.txt").write_text("yes\n")
    asked("task", "done", "last", "change", "--summary", "Wrote it.", cwd=root)
    asked("task", "decline", "last", "sign", "--reason", "not me", cwd=root)
    assert asked("cost", begun["run"], cwd=root)["run"] == begun["run"]
    asked("run", "handed.yaml", "--phases=only", "--dry-run", cwd=root)
    asked("run", "handed.yaml", cwd=root, code=7)
    asked("task", "done", "last", "sign", "--summary", "Signed.", cwd=root)
    taken = asked("task", "take", "last", "change", cwd=root)
    Path(taken["folder"], "signed.txt").write_text("yes\n")
    asked("task", "done", "last", "change", "--summary", "Wrote it.", cwd=root)
    asked("resume", "--yes", cwd=root)
    assert "signed.txt" in asked("pull-request", "--print", cwd=root)["body"]


def making_agents(root: Path) -> None:
    made = asked("agent", "generate", "builder", "python", cwd=root)
    assert made["agents"][0]["name"] == "builder-python"
    assert asked("agent", "create", "reads logs", "--name", "log-reader", cwd=root)["agents"]
    assert asked("agent", "check", "builder-python", cwd=root)["backends"]
    assert asked("agent", "archive", "builder-python", cwd=root)["name"] == "builder-python"
    assert asked("agent", "activate", "builder-python", cwd=root)["name"] == "builder-python"


def mending(root: Path) -> None:
    (root / "script.yaml").write_text(SCRIPT)
    shown = asked(
        *("bugfix", "it is wrong", "--dry-run", "--backend", "scripted", "--script", "script.yaml"),
        cwd=root,
    )
    assert {who["task"] for who in shown["performers"]} >= {"impact", "regression", "fix", "review"}


def taking_away(repository: Path) -> None:
    removed = asked("uninstall", "--yes", "--with-unmerged", cwd=repository)["removed"]
    assert str(repository / ".git" / "orchestrate") in removed
    assert asked("uninstall", "--yes", cwd=repository)["removed"] == []


@pytest.mark.usefixtures("home")
def test_every_command_prints_one_valid_document(tmp_path: Path) -> None:
    """One test, because each part goes on from where the one before ended."""
    repository = tmp_path / "project"
    repository.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    (repository / "flow.yaml").write_text(FLOW)
    (repository / "slow.yaml").write_text(SLOW)
    _seen.clear()
    setting_up(repository)
    driving_and_looking(repository)
    steering(repository)
    detached(repository)
    scanning(plant(tmp_path / "planted"))
    writing(project(tmp_path / "writing", CLASH))
    handed = project(tmp_path / "handed", CLASH)
    handing_over(handed)
    making_agents(handed)
    mending(handed)
    taking_away(repository)
    assert _seen == set(COMMAND_DATA)
