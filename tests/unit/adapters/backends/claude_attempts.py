"""Attempts at a task with Claude Code whose output was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrate.adapters.backends.claude.backend import ClaudeBackend
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.staffing import Assignee
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome

RECORDED = Path(__file__).parents[3] / "data" / "agents" / "claude"
ANSWER = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
#: When recorded attempts ended.
NOW = 1_800_000_000.0


def request(folder: Path, **changes: Any) -> AttemptRequest:
    """An attempt in `folder`, where it keeps everything."""
    fields: dict[str, Any] = {
        "key": AttemptKey("run", "task", 1),
        "token": "run:task:1",
        "phase": "work",
        "repository": "/repository",
        "folder": str(folder),
        "outputs_dir": str(folder / "outputs"),
        "scratch_dir": str(folder / "scratch"),
        "sessions_dir": str(folder / "sessions"),
        "workspace": "/workspace",
        "base": "0" * 40,
        "prompt": "Do the task.",
        "assignee": Assignee("builder", "claude", "claude-sonnet-4-5", "anthropic"),
        "writes": True,
    }
    return AttemptRequest(**(fields | changes))


def lines(name: str) -> list[dict[str, Any]]:
    """The lines of a recording."""
    text = (RECORDED / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def backend(folder: Path, **environ: str) -> ClaudeBackend:
    """A backend whose user has a key, and no program."""
    return ClaudeBackend(
        {"PATH": str(folder / "bin"), "HOME": str(folder / "home"), "ANTHROPIC_API_KEY": "sk-1"}
        | environ
    )


def parsed(
    wanted: AttemptRequest,
    output: list[dict[str, Any]] | bytes,
    exit_code: int = 0,
    *,
    stderr: str = "",
) -> AttemptResult:
    """The verdict on a program that printed `output` and ended."""
    folder = Path(wanted.folder)
    folder.mkdir(exist_ok=True)
    if not isinstance(output, bytes):
        output = "".join(json.dumps(line) + "\n" for line in output).encode()
    (folder / "stdout.log").write_bytes(output)
    (folder / "stderr.log").write_text(stderr, encoding="utf-8")
    outcome = ProcessOutcome(
        token=wanted.token, exit_code=exit_code, started_at=NOW - 5, duration_s=5
    )
    return backend(folder).parse(wanted, outcome)


def keep_transcript(
    wanted: AttemptRequest, session: str, messages: dict[str, int], cost_usd: float | None = None
) -> None:
    """Write a session's transcript: message -> tokens it gave out, and what it has cost."""
    folder = Path(wanted.sessions_dir, "claude-home/.claude/projects/-workspace")
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = [
        {
            "type": "assistant",
            "message": {"id": name, "usage": {"input_tokens": 100, "output_tokens": tokens}},
        }
        for name, tokens in messages.items()
    ]
    if cost_usd is not None:
        found.append({"type": "cost-state", "totalCostUSD": cost_usd})
    text = "".join(json.dumps(line) + "\n" for line in found)
    (folder / f"{session}.jsonl").write_text(text, encoding="utf-8")
