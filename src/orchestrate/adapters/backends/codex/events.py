"""What the program printed: one event a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrate.adapters.backends.agents.lines import objects
from orchestrate.adapters.backends.codex.rollout import usage
from orchestrate.core.sharing.usage import Usage


class Told(msgspec.Struct, frozen=True):
    """The events of one run, as far as they were printed.

    `end` is the event that ended the turn, empty if none did. `answer` is the agent's last message,
    None if it said nothing. `total` is the usage of the whole thread. `notice` is the last thing
    said to be wrong (a failure, or that it connects anew). `unchanged` are the paths of file
    changes that failed.
    """

    thread: str = ""
    end: Literal["completed", "failed", ""] = ""
    answer: str | None = None
    total: Usage | None = None
    notice: str = ""
    unchanged: tuple[str, ...] = ()


def told(path: Path) -> Told:
    """Read a log of the program's standard output."""
    thread, answer, notice = "", None, ""
    end: Literal["completed", "failed", ""] = ""
    total: Usage | None = None
    unchanged: list[str] = []
    for event in objects(path):
        kind = event.get("type")
        item = event.get("item") if kind == "item.completed" else None
        if kind == "thread.started":
            thread = str(event.get("thread_id", ""))
        elif kind == "turn.completed":
            end, total = "completed", usage(event.get("usage"))
        elif kind == "turn.failed":
            end, notice = "failed", _message(event.get("error")) or notice
        elif kind == "error":
            notice = _message(event) or notice
        elif isinstance(item, dict) and item.get("type") == "agent_message":
            answer = str(item.get("text", ""))
        elif isinstance(item, dict) and item.get("type") == "file_change":
            unchanged += _unchanged(item)
    return Told(thread, end, answer, total, notice, tuple(unchanged))


def thread_of(path: Path) -> str:
    """The thread of a run that may still be going on; empty before it is said."""
    for event in objects(path):
        if event.get("type") == "thread.started":
            return str(event.get("thread_id", ""))
    return ""


def _message(found: Any) -> str:
    return str(found.get("message", "")) if isinstance(found, dict) else ""


def _unchanged(item: dict[str, Any]) -> list[str]:
    changes = item.get("changes")
    if item.get("status") == "completed" or not isinstance(changes, list):
        return []
    return [str(each.get("path", "")) for each in changes if isinstance(each, dict)]
