"""One attempt at a task as text: who performed it, how it ended, what it consumed."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.views.amounts import budget_text, usage_text
from orchestrate.core.views.attempts import AttemptRecord
from orchestrate.core.views.ladder import who_text
from orchestrate.ui.cli.output import duration, printable


def attempt_lines(record: AttemptRecord) -> Iterator[str]:
    """The attempt in one line, and one for each tool it was not allowed."""
    parts = [_outcome(record)]
    if record.backend:
        who = who_text(Assignee(record.agent, record.backend, record.model))
        parts.insert(0, printable(record.by) or who)
    if record.usage is not None:
        parts.append(usage_text(record.usage))
    elif record.ended_at is None and record.reserved.limits:
        parts.append(f"at most {budget_text(record.reserved)}")
    if record.returned is not None:
        parts.append(f"sent back ({record.returned})")
    said = f": {printable(record.message)}" if record.message else ""
    yield f"attempt {record.number:<3} {', '.join(parts)}{said}"
    for denial in record.denials:
        detail = f": {printable(denial.detail)}" if denial.detail else ""
        yield f"           not allowed: {printable(denial.tool)}{detail}"


def _outcome(record: AttemptRecord) -> str:
    if record.ended_at is None:
        return {"handed": "waits for them"}.get(record.outcome, "is at work")
    cause = f" ({record.cause}{', held against nobody' if record.blameless else ''})"
    took = duration(record.duration_s or record.ended_at - record.started_at)
    return f"{record.outcome}{cause if record.cause else ''} after {took}"
