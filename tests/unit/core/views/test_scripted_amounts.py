"""What a script says to have cost is told apart from money, wherever amounts are shown."""

from __future__ import annotations

import immutables
import msgspec
import pytest

from orchestrate.core.planning.budget import Amount
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.views.amounts import made_up, usage_text
from orchestrate.core.views.consumption import Consumption
from orchestrate.core.views.cost import Consumed
from orchestrate.ui.cli.cost_text import money

REAL = Consumed(attempts=1, reported_usd=0.25, output_tokens=10)
SCRIPTED = Consumed(attempts=2, scripted=2, scripted_usd=0.5, output_tokens=7)


def test_scripted_amounts_are_never_known_money() -> None:
    total = REAL + SCRIPTED
    assert total.known_usd == 0.25
    assert (total.scripted, total.scripted_usd) == (2, 0.5)


@pytest.mark.parametrize(
    ("consumed", "text"),
    [
        (SCRIPTED, "0.5000 USD scripted"),
        (REAL + SCRIPTED, "0.2500 USD + 0.5000 USD scripted"),
        (REAL, "0.2500 USD"),
    ],
)
def test_cost_names_what_is_scripted(consumed: Consumed, text: str) -> None:
    assert money(consumed) == text


def test_consumption_of_a_rehearsal_is_nothing() -> None:
    consumed = Consumption(attempts=2, cost_usd=0.0, tokens=7, scripted=2, scripted_usd=0.5)
    assert consumed.cost == (
        "nothing: no model was asked; 0.5000 USD are scripted, and were not spent"
    )
    assert consumed.amounts == "7 in 2 attempts, 2 of them scripted"


def test_consumption_of_both_keeps_them_apart() -> None:
    consumed = Consumption(attempts=3, cost_usd=0.25, tokens=17, scripted=2, scripted_usd=0.5)
    assert consumed.cost == "0.2500 USD; besides, 0.5000 USD are scripted, and were not spent"


def test_usage_of_one_attempt_is_labelled() -> None:
    usage = Usage(output_tokens=3, cost_usd=0.1, cost_source="scripted")
    assert usage_text(usage) == "3 tokens, 0.1000 USD, scripted"
    reported = msgspec.structs.replace(usage, cost_source="reported")
    assert usage_text(reported) == "3 tokens, 0.1000 USD"


def test_what_counts_against_budgets_says_what_of_it_is_made_up() -> None:
    state = RunState(
        run="r", spent=immutables.Map({"run": Amount(0.75), "backend:claude": Amount(0.25)})
    )
    assert made_up(state) == ""
    both = msgspec.structs.replace(state, spent=state.spent.set("backend:scripted", Amount(0.5)))
    assert made_up(both) == ", of it 0.5000 USD scripted"
