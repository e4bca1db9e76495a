"""A run's cost in words: never more certain than the figures are."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from orchestrate.core.planning.budget import Amount, Budget
from orchestrate.core.sharing.prices import Price, PriceTable, Rate
from orchestrate.core.views.cost import AttemptCost, Consumed, PartBudget, RunCost, Share
from orchestrate.ui.cli.cost_notes import cost_notes
from orchestrate.ui.cli.cost_text import cost_text, money, usd

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("consumed", "text"),
    [
        (Consumed(attempts=1, reported_usd=1.5), "1.50 USD"),
        (Consumed(attempts=1), "0.00 USD"),
        (Consumed(attempts=1, unknown=1), "unknown"),
        (Consumed(attempts=1, unknown=1, incomplete=1), "unknown"),
        (Consumed(attempts=1, computed_usd=0.25, incomplete=1), "at least 0.2500 USD"),
        (
            Consumed(attempts=3, reported_usd=1.0, computed_usd=0.5, unknown=1),
            "at least 1.50 USD (1 attempt of unknown cost)",
        ),
        (
            Consumed(attempts=3, reported_usd=2.0, unknown=2),
            "at least 2.00 USD (2 attempts of unknown cost)",
        ),
    ],
)
def test_money_is_said_as_far_as_it_is_known(consumed: Consumed, text: str) -> None:
    assert money(consumed) == text


def test_small_amounts_keep_their_digits() -> None:
    shown = [usd(amount) for amount in (0.0, 0.000042, 0.0421, 4.216, -0.5)]
    assert shown == ["0.00 USD", "0.000042 USD", "0.0421 USD", "4.22 USD", "-0.5000 USD"]


def _row(task: str, consumed: Consumed, model: str = "m-1", backend: str = "codex") -> AttemptCost:
    return AttemptCost(task, 1, "main", "builder", backend, "openai", model, "succeeded", consumed)


def _cost(
    *rows: AttemptCost,
    budget: Budget | None = None,
    held: Amount | None = None,
    parts: tuple[PartBudget, ...] = (),
) -> RunCost:
    total = sum((row.consumed for row in rows), start=Consumed())
    by_model = {row.model: Consumed() for row in rows}
    for row in rows:
        by_model[row.model] += row.consumed
    spent = Amount(cost_usd=total.known_usd)
    limits = budget or Budget()
    return RunCost(
        run="r-1",
        total=total,
        attempts=rows,
        tasks=tuple(Share(row.task, row.consumed) for row in rows),
        phases=(Share("main", total),),
        agents=(Share("builder", total),),
        backends=(Share("codex", total),),
        models=tuple(Share(model, consumed) for model, consumed in by_model.items()),
        budget=limits,
        charged=spent,
        reserved=held or Amount(),
        left=limits.less(spent),
        budgets=parts,
    )


CHEAP = Consumed(attempts=1, input_tokens=1_234, turns=2, time_s=3.0, reported_usd=0.5)
DEAR = Consumed(attempts=1, input_tokens=9, output_tokens=88_000, turns=9, computed_usd=2.0)


def _lines(cost: RunCost, *notes: str) -> list[str]:
    return [" ".join(line.split()) for line in cost_text(cost, notes).splitlines()]


def test_table_has_a_line_for_every_task_and_the_total() -> None:
    lines = _lines(_cost(_row("cheap", CHEAP), _row("dear", DEAR)))
    assert lines[0] == "attempts input cached written output calls time cost"
    assert lines[1] == "cheap 1 1,234 0 0 0 2 3.0 s 0.5000 USD ██"
    assert lines[2] == "dear 1 9 0 0 88,000 9 0.0 s 2.00 USD ██████████"
    assert lines[3] == "total 2 1,243 0 0 88,000 11 3.0 s 2.50 USD"
    assert "cost: 0.5000 USD reported by agents, 2.00 USD computed from prices" in lines


def test_sums_are_shown_where_they_tell_more_than_the_total() -> None:
    lines = _lines(_cost(_row("cheap", CHEAP, "m-1"), _row("dear", DEAR, "")))
    assert lines[3:6] == [
        "by model",
        "m-1 1 1,234 0 0 0 2 3.0 s 0.5000 USD",
        "not known 1 9 0 0 88,000 9 0.0 s 2.00 USD",
    ]
    assert not [line for line in lines if line.startswith(("by phase", "by agent", "by backend"))]


def test_attempt_that_nobody_observed_is_no_zero() -> None:
    lost = Consumed(attempts=1, unknown=1, incomplete=1)
    lines = _lines(_cost(_row("lost", lost)))
    assert lines[1] == "lost 1 ≥0 ≥0 ≥0 ≥0 ≥0 0.0 s unknown"
    assert "cost: 1 of 1 attempts of unknown cost, 1 cut off, so at least" in lines


def test_budget_and_what_is_left_of_it_are_shown() -> None:
    cost = _cost(
        _row("cheap", CHEAP), budget=Budget(cost_usd=2.0, turns=50), held=Amount(cost_usd=0.25)
    )
    lines = _lines(cost)
    assert "budget: 2.00 USD, 50 model calls" in lines
    assert "left: 1.50 USD, 50 model calls" in lines
    assert "reserved for attempts at work: 0.2500 USD" in lines


def test_budgets_of_parts_are_shown_with_what_is_left_of_each() -> None:
    part = PartBudget("phase:find", Budget(tokens=2_000), Budget(tokens=-5))
    lines = _lines(_cost(_row("cheap", CHEAP), parts=(part,)))
    assert "budget of phase find: 2,000 tokens; left: 0 tokens" in lines
    assert not [line for line in lines if line.startswith("budget:")]


def test_what_is_charged_beyond_what_was_seen_is_explained() -> None:
    cost = msgspec.structs.replace(
        _cost(_row("cheap", CHEAP), budget=Budget(cost_usd=2.0)), charged=Amount(cost_usd=0.9)
    )
    assert any(line.startswith("counted against the budget: 0.9000 USD") for line in _lines(cost))


def test_run_without_agents_says_so() -> None:
    assert _lines(_cost()) == ["run r-1 used no paid agent"]


def test_names_cannot_control_the_terminal() -> None:
    text = cost_text(_cost(_row("a\x1b[2J", CHEAP)), ["note\x1b[2J"])
    assert "\x1b" not in text


# -- notes -------------------------------------------------------------------------------------


def _table(as_of: str = "2026-11-01", *, long_above: int = 0) -> PriceTable:
    long = Rate(2.0, 4.0) if long_above else None
    return PriceTable.of(
        [Price("openai", "m-1", Rate(1.0, 2.0), as_of, "price page", long, long_above)]
    )


def _notes(table: PriceTable, *rows: AttemptCost) -> tuple[str, ...]:
    return cost_notes(_cost(*rows), table, TODAY, "/home/u/prices.yaml")


def test_prices_that_were_used_are_named_with_their_day_and_source() -> None:
    assert _notes(_table(), _row("a", DEAR)) == ("computed from prices of 2026-11-01: price page",)


def test_reported_costs_need_no_note() -> None:
    assert _notes(_table("2020-01-01"), _row("a", CHEAP)) == ()


def test_old_prices_are_called_old_with_what_to_do() -> None:
    [note] = _notes(_table("2026-01-01"), _row("a", DEAR))
    assert "324 days old" in note
    assert "/home/u/prices.yaml" in note


def test_model_without_a_price_is_named_with_what_to_do() -> None:
    [note] = _notes(_table(), _row("a", Consumed(attempts=1, unknown=1), "m-2"))
    assert note == (
        "no price is known for m-2 of openai: add it to /home/u/prices.yaml;"
        " it counts from the next attempt on"
    )


def test_prompts_that_may_have_been_long_are_mentioned() -> None:
    notes = _notes(_table(long_above=5), _row("a", DEAR))
    assert any("prompts above 5 tokens cost more" in note for note in notes)
    assert len(_notes(_table(long_above=10_000), _row("a", DEAR))) == 1
