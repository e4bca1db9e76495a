"""Budgets, and what was consumed of them, in words."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.agents.script import SCRIPTED
from orchestrate.core.planning.budget import NOTHING, Amount, Budget
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.wording import count


def budget_text(budget: Budget) -> str:
    """`0.5 USD, 2000 tokens`; "unlimited" where nothing is limited."""
    parts = []
    if budget.cost_usd is not None:
        parts.append(f"{budget.cost_usd:g} USD")
    if budget.tokens is not None:
        parts.append(count(budget.tokens, "token"))
    if budget.turns is not None:
        parts.append(count(budget.turns, "model call"))
    if budget.time_s is not None:
        parts.append(f"{budget.time_s:g} s")
    return ", ".join(parts) or "unlimited"


def spent_of(amount: Amount, budget: Budget) -> str:
    """`0.9500 of 1 USD, 700 of 2000 tokens`: of each kind that is limited; may be empty."""
    return ", ".join(_spent_of(amount, budget))


def _spent_of(amount: Amount, budget: Budget) -> Iterator[str]:
    if budget.cost_usd is not None:
        yield f"{amount.cost_usd:.4f} of {budget.cost_usd:g} USD"
    if budget.tokens is not None:
        yield f"{amount.tokens} of {count(budget.tokens, 'token')}"
    if budget.turns is not None:
        yield f"{amount.turns} of {count(budget.turns, 'model call')}"
    if budget.time_s is not None:
        yield f"{amount.time_s:.0f} of {budget.time_s:g} s"


def usage_text(usage: Usage) -> str:
    """`1200 tokens, 0.0310 USD`, and no more than is known."""
    least = "" if usage.complete else "at least "
    cost = "cost unknown" if usage.cost_usd is None else f"{usage.cost_usd:.4f} USD"
    made_up = f", {SCRIPTED}" if usage.cost_source == "scripted" else ""
    return f"{least}{count(usage.tokens, 'token')}, {cost}{made_up}"


def made_up(state: RunState) -> str:
    """How much of what counts against budgets a script says; empty where it is nothing."""
    amount = state.spent.get(f"backend:{SCRIPTED}", NOTHING)
    return f", of it {amount.cost_usd:.4f} USD {SCRIPTED}" if amount != NOTHING else ""
