"""What a run of Claude Code consumed.

The program reports three sums, and they differ (all measured with 2.1.329):

* `usage` of a result covers the main conversation of this run only; no agents it started, and not
  the call with which a budget ran out.
* `total_cost_usd` and `modelUsage` go on counting over a session that is resumed. What a run that
  was killed had consumed is in them if it was told to end (SIGTERM), and missing if it was not
  (SIGKILL): subtracting two of them is right only where the earlier one is what the session saved.
* `model_usage_since_last_result` covers every call of this run and none before it.

The last is taken; where a version does not report it, the difference to what the session counted
before. A run without a result is counted by its messages: the stream tells what went in, and the
session's transcript, once a message has ended, what came out. The program writes the transcript a
moment later: what the last message before a SIGKILL gave out may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.lines import objects
from orchestrate.adapters.backends.claude.stream import (
    Message,
    Stream,
    amount,
    count,
    mapping,
    text,
)
from orchestrate.core.planning.budget import DECIMALS
from orchestrate.core.sharing.usage import AgentSession, Usage

_PER_RUN = "model_usage_since_last_result"


class Counted(msgspec.Struct, frozen=True):
    """What a session's transcript holds: usage by message id, and what the session has cost."""

    messages: dict[str, dict[str, Any]]
    cost_usd: float | None = None


def transcript(config: str, session: str) -> Counted:
    """Read a session's transcript, with those of agents it started; empty if there is none."""
    messages: dict[str, dict[str, Any]] = {}
    cost_usd: float | None = None
    for path in transcript_files(config, session):
        for line in objects(path):
            if line.get("type") == "assistant":
                message = mapping(line.get("message"))
                messages[text(message.get("id"))] = mapping(message.get("usage"))
            elif line.get("type") == "cost-state" and not line.get("hasUnknownModelCost"):
                cost_usd = amount(line.get("totalCostUSD"))
    return Counted(messages, cost_usd)


def transcript_files(config: str, session: str) -> list[Path]:
    """The files of a session; the folder above them is named after where it began."""
    if not session:
        return []
    projects = Path(config, "projects")
    try:
        main = sorted(projects.glob(f"*/{session}.jsonl"))
        return [*main, *sorted(projects.glob(f"*/{session}/**/*.jsonl"))]
    except OSError:
        return []


def reported(stream: Stream, before: AgentSession | None) -> Usage | None:
    """The usage of a run that told its result; None if it told none."""
    if not stream.results:
        return None
    models = _models(stream, before)
    cost_usd = _cost(stream, models, before)
    return Usage(
        input_tokens=_sum(models, "inputTokens"),
        cached_tokens=_sum(models, "cacheReadInputTokens"),
        cache_write_tokens=_sum(models, "cacheCreationInputTokens"),
        output_tokens=_sum(models, "outputTokens"),
        reasoning_tokens=_sum(models, "thinkingTokens"),
        # Refused answers are told in no message of their own.
        turns=len(stream.messages) or (count(stream.result.get("num_turns")) if models else 0),
        cost_usd=cost_usd,
        cost_source="unknown" if cost_usd is None else "reported",
        model=_main_model(models) or text(stream.init.get("model")),
        complete=True,
    )


def observed(stream: Stream, counted: Counted, before: AgentSession | None) -> Usage | None:
    """The usage of a run that has told no result; None if no model answered."""
    if not stream.messages:
        return None
    usages = [_ended(name, each, counted) for name, each in stream.messages.items()]
    known = before.cost_usd if before else 0.0
    # Saved when the program was told to end; otherwise it is what it was before this run.
    spent = round((counted.cost_usd or 0.0) - known, DECIMALS)
    models = [each.model for each in stream.messages.values()]
    return Usage(
        input_tokens=_total(usages, "input_tokens"),
        cached_tokens=_total(usages, "cache_read_input_tokens"),
        cache_write_tokens=_total(usages, "cache_creation_input_tokens"),
        output_tokens=_total(usages, "output_tokens"),
        turns=len(usages),
        cost_usd=spent if spent > 0 else None,
        cost_source="reported" if spent > 0 else "unknown",
        model=models[-1],
        complete=False,
    )


def session_cost(stream: Stream, counted: Counted, before: AgentSession | None) -> float:
    """What the session has cost so far by its own account, which later reports go on from."""
    told = amount(stream.result.get("total_cost_usd"))
    saved = counted.cost_usd if told is None else told
    return round(saved if saved is not None else before.cost_usd if before else 0.0, DECIMALS)


def _models(stream: Stream, before: AgentSession | None) -> list[tuple[str, dict[str, Any]]]:
    """Model and what it consumed, of this run alone."""
    per_run = [mapping(each[_PER_RUN]) for each in stream.results if _PER_RUN in each]
    if per_run:
        found = [item for each in per_run for item in each.items()]
    elif before is None:
        found = list(mapping(stream.result.get("modelUsage")).items())
    else:
        found = [(text(stream.init.get("model")), _as_model(mapping(stream.result.get("usage"))))]
    return [(name, mapping(usage)) for name, usage in found]


def _as_model(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputTokens": usage.get("input_tokens"),
        "cacheReadInputTokens": usage.get("cache_read_input_tokens"),
        "cacheCreationInputTokens": usage.get("cache_creation_input_tokens"),
        "outputTokens": usage.get("output_tokens"),
    }


def _cost(
    stream: Stream, models: list[tuple[str, dict[str, Any]]], before: AgentSession | None
) -> float | None:
    """Dollars of this run; None where the program took another model's price for want of one."""
    if any(usage.get("costBasis") == "unknown" for _, usage in models):
        return None
    if all("costUSD" in usage for _, usage in models):
        return round(sum((amount(usage["costUSD"]) or 0.0 for _, usage in models), 0.0), DECIMALS)
    total = amount(stream.result.get("total_cost_usd"))
    if total is None:
        return None
    return round(max(total - (before.cost_usd if before else 0.0), 0.0), DECIMALS)


def _main_model(models: list[tuple[str, dict[str, Any]]]) -> str:
    """The model that wrote most."""
    return max(models, key=lambda item: count(item[1].get("outputTokens")), default=("", {}))[0]


def _ended(name: str, message: Message, counted: Counted) -> dict[str, Any]:
    """A message's usage as it was when it had ended, if it has."""
    return counted.messages.get(name) or message.usage


def _sum(models: Iterable[tuple[str, dict[str, Any]]], key: str) -> int:
    return sum(count(usage.get(key)) for _, usage in models)


def _total(usages: Iterable[dict[str, Any]], key: str) -> int:
    return sum(count(usage.get(key)) for usage in usages)
