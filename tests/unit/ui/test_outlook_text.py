"""What a user reads before a run may cost anything."""

from __future__ import annotations

import pytest

from orchestrate.app.outlook import outlook
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import Limits, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.ports.performer import BackendStatus
from orchestrate.ui.cli.outlook_text import Staffed, account_text, outlook_lines

CLAUDE = BackendStatus(
    "claude", version="2.1", account="api", source="ANTHROPIC_API_KEY", usable=True
)
CODEX = BackendStatus("codex", version="0.1", account="subscription", source="login", usable=True)
DEAR = Budget(cost_usd=2.0)


def lines(who: Assignee, budget: Budget = UNLIMITED) -> list[str]:
    task = TaskSpec("t", "p", agent="builder", staff=(who,))
    flow = Workflow("w", phases=(PhaseSpec("p"),), tasks=(task,), limits=Limits(budget=budget))
    statuses = {"claude": CLAUDE, "codex": CODEX}
    return outlook_lines(Staffed(flow, outlook(flow), statuses))


def claude(allowance: Budget = DEAR) -> Assignee:
    return Assignee("builder", "claude", paid=True, hard=True, allowance=allowance)


def codex(model: str = "", *, priced: bool) -> Assignee:
    return Assignee("builder", "codex", model, paid=True, priced=priced, allowance=DEAR)


def test_who_is_paid_how_often_and_how_much_is_said() -> None:
    assert lines(claude()) == [
        "backend   claude 2.1 (billed by use, with ANTHROPIC_API_KEY)",
        "attempts  1 if all goes well, at most 1 with retries",
        "cost      at most 2.00 USD, 2.00 USD an attempt",
        "budget    none; --budget-usd USD sets one for the run",
    ]


def test_the_budget_is_the_bound_where_it_is_lower() -> None:
    assert "cost      at most 0.50 USD: the budget" in lines(claude(), Budget(cost_usd=0.5))
    shown = lines(claude(UNLIMITED), Budget(tokens=5_000))
    assert shown[-2:] == ["cost      unknown, and not limited in dollars", "budget    5000 tokens"]


def test_a_limit_that_is_watched_is_called_soft() -> None:
    shown = lines(codex("gpt-5", priced=True))
    assert "cost      at most 2.00 USD, 2.00 USD an attempt" in shown
    assert "          soft for codex: stopped when seen to cost more" in shown


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("", "which model codex uses is not known before, so neither is the price;"),
        ("new-model", "the price of new-model is not known"),
    ],
)
def test_without_a_price_no_limit_in_dollars_is_claimed(model: str, said: str) -> None:
    shown = lines(codex(model, priced=False), Budget(cost_usd=1.0, tokens=9))
    assert "cost      unknown, and not limited in dollars" in shown
    assert any(said in line for line in shown)
    assert not [line for line in shown if "soft" in line]


def test_an_account_is_named_and_its_key_is_not() -> None:
    assert account_text(CODEX) == "a subscription, with login"
    assert account_text(BackendStatus("x", account="none")) == "neither login nor key"
