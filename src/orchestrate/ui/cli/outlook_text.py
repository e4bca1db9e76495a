"""What a run may cost and who performs it, as text for the user to decide on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orchestrate.app.outlook import Outlook
from orchestrate.core.agents.script import ACCOUNT, SCRIPTED
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.views.amounts import budget_text
from orchestrate.ports.performer import BackendStatus
from orchestrate.ui.cli.output import printable


class Staffed(NamedTuple):
    """A workflow whose performers are settled, and what it may cost.

    `script` is the file that says what scripted agents do; empty where there are none.
    """

    workflow: Workflow
    outlook: Outlook
    statuses: Mapping[str, BackendStatus]
    script: str = ""


def outlook_lines(found: Staffed) -> list[str]:
    """What the run may cost, for the user to decide on."""
    cost = found.outlook
    lines = []
    if found.script:
        lines.append(f"backend   {SCRIPTED} ({ACCOUNT}, by {printable(found.script)})")
        if not cost.most:
            return lines
        if SCRIPTED in cost.backends:
            lines.append("          what it says to cost counts against budgets, and is not spent")
    for name in (each for each in cost.backends if each != SCRIPTED):
        status = found.statuses[name]
        lines.append(f"backend   {name} {status.version} ({account_text(status)})")
        lines += [f"          {printable(note)}" for note in status.notes]
    lines.append(f"attempts  {cost.attempts} if all goes well, at most {cost.most} with retries")
    lines.append(f"cost      {_bound_text(found)}")
    if cost.soft and cost.bound_usd is not None:
        lines.append(f"          soft for {', '.join(cost.soft)}: stopped when seen to cost more")
    lines += [f"          {_unpriced_text(found, name)}" for name in cost.unpriced]
    budget = found.workflow.limits.budget
    none = "none; --budget-usd USD sets one for the run"
    lines.append(f"budget    {budget_text(budget) if budget.limits else none}")
    return lines


def account_text(status: BackendStatus) -> str:
    """Whose money a backend spends, and where its login or key is; never the key."""
    kind = {
        "api": "billed by use",
        "subscription": "a subscription",
        "none": "neither login nor key",
        SCRIPTED: ACCOUNT,
    }.get(status.account, "an account of unknown kind")
    return f"{kind}, with {printable(status.source)}" if status.source else kind


def _bound_text(found: Staffed) -> str:
    bound = found.outlook.bound_usd
    if bound is None:
        return "unknown, and not limited in dollars"
    if bound == found.workflow.limits.budget.cost_usd:
        return f"at most {bound:.2f} USD: the budget"
    staff = [who for task in found.workflow.tasks for who in task.staff if who.paid]
    each = {who.allowance.cost_usd for who in staff}
    shares = [share for share in each if share is not None]
    one = f", {shares[0]:.2f} USD an attempt" if len(shares) == len(each) == 1 else ""
    return f"at most {bound:.2f} USD{one}"


def _unpriced_text(found: Staffed, name: str) -> str:
    """`name` is a model, or a backend whose own default decides on one."""
    if name in found.statuses:
        return (
            f"which model {name} uses is not known before, so neither is the price;"
            " --model NAME says one"
        )
    return f"the price of {name} is not known"
