"""Tokens and money of recorded runs: of each run alone, whatever the program sums up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.core.sharing.usage import AgentSession, Usage
from tests.unit.adapters.backends.claude_attempts import (
    backend,
    keep_transcript,
    lines,
    parsed,
    request,
)

PER_RUN = "model_usage_since_last_result"


def used(folder: Path, told: list[dict[str, Any]], **changes: Any) -> Usage:
    usage = parsed(request(folder, **changes), told, 1).usage
    assert usage is not None
    return usage


def of_an_older_version(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what the program reports per run."""
    return [{key: value for key, value in line.items() if key != PER_RUN} for line in told]


def earlier(told: list[dict[str, Any]], cost_usd: float, tokens: int) -> AgentSession:
    return AgentSession(told[0]["session_id"], "claude", cost_usd=cost_usd, tokens=tokens)


def test_run_that_went_well(tmp_path: Path) -> None:
    assert used(tmp_path, lines("done")) == Usage(
        input_tokens=300,
        output_tokens=30,
        turns=3,
        cost_usd=0.00135,
        cost_source="reported",
        model="claude-sonnet-4-5",
    )


def test_kinds_of_tokens_do_not_overlap(tmp_path: Path) -> None:
    *before, result = lines("done")
    model = {
        "inputTokens": 1,
        "cacheReadInputTokens": 20,
        "cacheCreationInputTokens": 300,
        "outputTokens": 4000,
        "thinkingTokens": 1000,
        "costUSD": 0.5,
    }
    usage = used(tmp_path, [*before, {**result, PER_RUN: {"a": model, "b": model}}])
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (2, 40, 600)
    assert (usage.output_tokens, usage.reasoning_tokens) == (8000, 2000)
    assert (usage.tokens, usage.cost_usd) == (8642, 1.0)


def test_call_with_which_the_budget_ran_out_is_counted(tmp_path: Path) -> None:
    told = lines("max-budget")
    assert told[-1]["usage"]["output_tokens"] == 2000
    usage = used(tmp_path, told)
    assert (usage.input_tokens, usage.output_tokens) == (3000, 3000)
    assert usage.cost_usd == pytest.approx(0.054)


def test_agents_that_were_started_are_counted(tmp_path: Path) -> None:
    told = lines("helpers")
    assert told[-1]["usage"]["input_tokens"] == 200
    assert used(tmp_path, told).input_tokens == 300


@pytest.mark.parametrize("older", [False, True])
def test_resumed_run_is_counted_by_itself(tmp_path: Path, older: bool) -> None:
    told = of_an_older_version(lines("resumed")) if older else lines("resumed")
    assert told[-1]["total_cost_usd"] == pytest.approx(0.0018)
    session = earlier(told, 0.0009, 220)
    wanted = request(tmp_path, session=session)
    keep_transcript(wanted, session.id, {})
    result = parsed(wanted, told)
    assert result.usage is not None
    assert (result.usage.input_tokens, result.usage.output_tokens) == (200, 20)
    assert result.usage.cost_usd == pytest.approx(0.0009)
    assert result.session == AgentSession(
        session.id, "claude", workspace="task.1", base="0" * 40, cost_usd=0.0018, tokens=440
    )


def test_older_version_without_a_session_is_counted_as_a_whole(tmp_path: Path) -> None:
    usage = used(tmp_path, of_an_older_version(lines("max-budget")))
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (3000, 3000, 0.054)


def test_two_results_are_summed(tmp_path: Path) -> None:
    told = lines("done")
    assert used(tmp_path, [*told, told[-1]]).tokens == 660


def test_price_that_the_program_made_up_is_not_taken(tmp_path: Path) -> None:
    told = lines("unknown-model")
    assert told[-1]["total_cost_usd"] > 0
    usage = used(tmp_path, told)
    assert (usage.cost_usd, usage.cost_source, usage.model) == (None, "unknown", "nobody-knows-1")


def test_failed_call_costs_nothing_and_that_is_known(tmp_path: Path) -> None:
    usage = used(tmp_path, lines("error-500"))
    assert (usage.tokens, usage.turns, usage.cost_usd) == (0, 0, 0.0)
    assert usage.complete


def test_refused_answers_are_turns(tmp_path: Path) -> None:
    usage = used(tmp_path, lines("refusal"))
    assert (usage.tokens, usage.turns) == (220, 2)


def test_message_told_in_several_lines_counts_once(tmp_path: Path) -> None:
    init, first, second, *_ = lines("killed")
    usage = used(tmp_path, [init, first, first, second, first])
    assert (usage.turns, usage.input_tokens, usage.complete) == (1, 100, False)


def test_run_that_was_cut_off_is_counted_by_what_was_kept(tmp_path: Path) -> None:
    told = lines("killed")
    session = told[0]["session_id"]
    messages = [line["message"]["id"] for line in told if line["type"] == "assistant"]
    wanted = request(tmp_path)
    parsed(wanted, told)
    before = backend(tmp_path).observed(wanted)
    assert before.session is None
    assert before.usage is not None
    assert (before.usage.input_tokens, before.usage.output_tokens) == (200, 0)

    keep_transcript(wanted, session, {messages[0]: 7, messages[1]: 5, "of-an-earlier-run": 1000})
    found = backend(tmp_path).observed(wanted)
    assert found.usage == Usage(
        input_tokens=200,
        output_tokens=12,
        turns=2,
        model="claude-sonnet-4-5",
        complete=False,
    )
    assert found.session is not None
    assert (found.session.id, found.session.cost_usd, found.session.tokens) == (session, 0.0, 212)


def test_cost_saved_at_the_end_is_that_of_a_run_that_was_cut_off(tmp_path: Path) -> None:
    told = lines("killed")
    session = earlier(told, 0.002, 50)
    wanted = request(tmp_path, session=session)
    keep_transcript(wanted, session.id, {}, cost_usd=0.005)
    parsed(wanted, told)
    found = backend(tmp_path).observed(wanted)
    assert found.usage is not None
    assert (found.usage.cost_usd, found.usage.cost_source) == (0.003, "reported")
    assert found.session is not None
    assert found.session.cost_usd == 0.005
    keep_transcript(wanted, session.id, {}, cost_usd=0.002)
    unchanged = backend(tmp_path).observed(wanted)
    assert unchanged.usage is not None
    assert unchanged.usage.cost_usd is None


def test_nothing_is_known_before_anything_is_said(tmp_path: Path) -> None:
    found = backend(tmp_path).observed(request(tmp_path))
    assert (found.usage, found.session) == (None, None)
    assert msgspec.json.encode(found) == b"{}"
