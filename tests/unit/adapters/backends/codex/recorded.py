"""Attempts as the real program left them behind: see tests/data/agents/codex.

Recorded with codex 0.169.0 against the scripted model server; of the rollout files only the kinds
of lines that are read, with the long fields left out.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from orchestrate.adapters.backends.codex.backend import CodexBackend
from orchestrate.adapters.backends.codex.events import thread_of
from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.staffing import Assignee
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome

RECORDED = Path(__file__).parents[4] / "data" / "agents" / "codex"
WRITER = Permissions(abilities=frozenset({"read", "write", "execute"}))
ANSWER = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "note": {"type": "string"}},
    "required": ["summary"],
}
#: Ended with exit code 0, as far as the process goes.
WELL = ProcessOutcome(token="t", exit_code=0, started_at=1_795_286_000.0, duration_s=1.0)
BADLY = ProcessOutcome(token="t", exit_code=1, started_at=1_795_286_000.0, duration_s=1.0)


def backend(folder: Path, **environ: str) -> CodexBackend:
    """A backend for a user with a key and a program that says its version."""
    program = folder / "bin" / "codex"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable}\nprint('codex-cli 0.169.0')\n")
    program.chmod(0o755)
    base = {"PATH": str(program.parent), "HOME": str(folder), "CODEX_API_KEY": "sk-key"}
    return CodexBackend(base | environ)


def request(folder: Path, **changes: Any) -> AttemptRequest:
    """An attempt whose folders are below `folder`."""
    for name in ("attempt", "sessions", "scratch", "outputs"):
        (folder / name).mkdir(exist_ok=True)
    found: dict[str, Any] = {
        "key": AttemptKey("run", "task", 1),
        "token": "t",
        "phase": "work",
        "repository": "/repository",
        "workspace": "/workspace",
        "folder": str(folder / "attempt"),
        "outputs_dir": str(folder / "outputs"),
        "scratch_dir": str(folder / "scratch"),
        "sessions_dir": str(folder / "sessions"),
        "prompt": "Do the task.",
        "assignee": Assignee("builder", "codex", "scripted", "openai", paid=True),
        "permissions": WRITER,
        "writes": True,
    }
    return AttemptRequest(**(found | changes))


def put(folder: Path, case: str) -> str:
    """Put the files of a recorded attempt where `request` says they are; the thread's id."""
    attempt = folder / "attempt"
    attempt.mkdir(exist_ok=True)
    for name in ("stdout.log", "stderr.log"):
        if (RECORDED / case / name).exists():
            shutil.copy(RECORDED / case / name, attempt / name)
    thread = thread_of(attempt / "stdout.log")
    if (RECORDED / case / "rollout.jsonl").exists():
        rollout = rollout_file(folder, thread)
        rollout.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RECORDED / case / "rollout.jsonl", rollout)
    return thread


def rollout_file(folder: Path, thread: str) -> Path:
    """Where the program keeps a thread of an attempt."""
    day = folder / "sessions" / "codex" / "sessions" / "2026" / "11" / "21"
    return day / f"rollout-2026-11-21T18-38-40-{thread}.jsonl"


def parsed(folder: Path, case: str, outcome: ProcessOutcome, **changes: Any) -> AttemptResult:
    """What the backend makes of a recorded attempt."""
    asked = request(folder, **changes)
    put(folder, case)
    return backend(folder).parse(asked, outcome)
