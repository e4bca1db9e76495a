"""Events about agents, money and people's tasks, as text for one line each."""

from __future__ import annotations

from orchestrate.core.planning.budget import Budget
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage
from orchestrate.ui.cli.output import printable

OnAgentLine = ev.BudgetChanged | ev.AdviceGiven | ev.TaskSplit | ev.TaskHanded

_RUNGS = {
    "alternative": "somebody else takes over",
    "split": "it is split",
    "architect": "the architect is asked",
    "human": "it goes to a person",
}


def text_on_agent_line(event: OnAgentLine, state: RunState) -> str:
    """What `event` means to a reader."""
    match event:
        case ev.BudgetChanged():
            by = f", by {printable(event.by)}" if event.by else ""
            return f"budget of the run is now {budget_text(event.budget)}{by}"
        case ev.AdviceGiven():
            return f"{event.task}: advice on how to go on: {printable(event.advice)}"
        case ev.TaskSplit():
            return f"{event.task} is split into smaller tasks"
        case ev.TaskHanded():
            why = f" ({printable(event.reason)})" if event.reason else ""
            return (
                f"{event.task} waits for a person{why}:"
                f" orchestrate task show {state.run} {event.task}"
            )


def budget_text(budget: Budget) -> str:
    """A budget for people."""
    parts = []
    if budget.cost_usd is not None:
        parts.append(f"{budget.cost_usd:g} USD")
    if budget.tokens is not None:
        parts.append(f"{budget.tokens} tokens")
    if budget.turns is not None:
        parts.append(f"{budget.turns} model calls")
    if budget.time_s is not None:
        parts.append(f"{budget.time_s:g} s")
    return ", ".join(parts) or "unlimited"


def performer(event: ev.AttemptStarted) -> str:
    """Who performs an attempt; empty where no model does."""
    if not event.backend:
        return ""
    model = f", {printable(event.model)}" if event.model else ""
    return f" by {printable(event.agent)} ({event.backend}{model})"


def consumption(usage: Usage | None) -> str:
    """What an attempt consumed; empty where it could not consume anything."""
    if usage is None:
        return ""
    least = "" if usage.complete else "at least "
    cost = "cost unknown" if usage.cost_usd is None else f"{usage.cost_usd:.4f} USD"
    return f" ({least}{usage.tokens} tokens, {cost})"


def next_rung(event: ev.AttemptFailed | ev.WorkReturned) -> str:
    """What is tried after a failure, where that is not the same again."""
    return _RUNGS.get(event.rung, "")
