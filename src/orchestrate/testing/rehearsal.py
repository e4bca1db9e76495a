"""Rehearse a workflow in a test: every agent does what a script says, and no model is asked.

    repository = make_repository(tmp_path / "repository", {"calc.py": "def add(a, b): ...\\n"})
    done = rehearse("work.yaml", "script.yaml", repository, tmp_path / "home")
    assert done.status == "completed", done.messages
    assert done.tasks["mend"].causes == ("empty_diff",)
    assert "a + b" in done.file("calc.py")

The whole program takes part but the model: workspaces, checks, retries, budgets, gates. Nothing of
the user's is read or written: home, settings and state lie in the folder `home`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from orchestrate.core.agents.script import SCRIPTED

_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@orchestrate.invalid")
#: Events that say why work was not accepted.
_REFUSING = ("AttemptFailed", "WorkReturned")


class RehearsedTask(NamedTuple):
    """What became of a task. `causes` are why attempts failed or work was sent back, in order."""

    status: str
    attempts: int
    summary: str
    message: str
    causes: tuple[str, ...]


class Rehearsal(NamedTuple):
    """A rehearsed run.

    `code` is the exit code; 0 is success. `status` is the run's, empty where it was not begun;
    `error` then says why. `branch` is where the result is, empty where there is none. `messages` is
    what a user would have seen.
    """

    repository: Path
    code: int
    run: str
    status: str
    tasks: Mapping[str, RehearsedTask]
    branch: str
    error: str
    messages: str

    def file(self, path: str) -> str:
        """A file of the result, as text. Raises KeyError if it is not there."""
        done = _git(self.repository, "show", f"{self.branch}:{path}", check=False)
        if not self.branch or done.returncode:
            raise KeyError(path)
        return done.stdout


def rehearse(
    workflow: str | Path,
    script: str | Path,
    repository: Path,
    home: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 300.0,
) -> Rehearsal:
    """Run a workflow by a script, to where it ends or waits for a person.

    Args:
        workflow: a file, or the name of a workflow, as `orchestrate run` takes it.
        script: what agents do.
        repository: what they work on; it gets a branch and nothing else.
        home: folder for everything that belongs to a user; made if it is not there.
        options: more of `orchestrate run`: the request, `--trust-repo`, `--budget-usd`, `-i`.
        env: further variables, settings for instance (`ORCHESTRATE_SETUP`).
        timeout_s: for the whole command; subprocess.TimeoutExpired after that.
    """
    home.mkdir(parents=True, exist_ok=True)
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        **(env or {}),
    }

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "orchestrate", *arguments, "--json"],
            cwd=repository,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    scripted = ("--backend", SCRIPTED, "--script", str(Path(script).absolute()))
    given = Path(workflow).absolute() if Path(workflow).is_file() else workflow
    done = command("run", str(given), *scripted, *options)
    found: dict[str, Any] = json.loads(done.stdout)
    if "data" not in found:
        message = str(found["error"]["message"])
        return Rehearsal(repository, done.returncode, "", "", {}, "", message, done.stderr)
    data = found["data"]
    events = [row["event"] for row in json.loads(command("events", data["run"]).stdout)["data"]]
    return Rehearsal(
        repository=repository,
        code=done.returncode,
        run=data["run"],
        status=data["status"],
        tasks={row["task"]: _task(row, events) for row in data["tasks"]},
        branch=next((e["branch"] for e in events if e["event"] == "LinePublished"), ""),
        error="",
        messages=done.stderr,
    )


def make_repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository in the new `folder` with one commit of `files`, path -> contents."""
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, "add", "-A")
    _git(folder, *_IDENTITY, "commit", "-q", "--no-gpg-sign", "-m", "first")
    return folder


def _task(row: Mapping[str, Any], events: list[dict[str, Any]]) -> RehearsedTask:
    causes = tuple(
        event["cause"]
        for event in events
        if event["event"] in _REFUSING and event["task"] == row["task"]
    )
    return RehearsedTask(row["status"], row["attempts"], row["summary"], row["message"], causes)


def _git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=check
    )
