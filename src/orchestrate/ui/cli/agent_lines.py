"""Events about agents, money and people's tasks, as text for one line each."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrate.core.planning.budget import NOTHING, UNLIMITED
from orchestrate.core.running import events as ev
from orchestrate.core.running.spending import RUN, budget_of
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Denial, Usage
from orchestrate.core.views.agent_cause import shortage
from orchestrate.core.views.amounts import budget_text, made_up, spent_of, usage_text
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
            of = "the run" if event.scope == RUN else event.scope.replace(":", " ", 1)
            return f"budget of {of} is now {budget_text(event.budget)}{by}"
        case ev.AdviceGiven():
            used = consumption(event.usage)
            return f"{event.task}: advice on how to go on{used}: {printable(event.advice)}"
        case ev.TaskSplit():
            return f"{event.task} is split into smaller tasks"
        case ev.TaskHanded():
            why = f" ({printable(event.reason)})" if event.reason else ""
            return (
                f"{event.task} waits for a person{why}:"
                f" orchestrate task show {state.run} {event.task}"
            )


def performer(event: ev.AttemptStarted) -> str:
    """Who performs an attempt; empty where no model does."""
    if not event.backend:
        return ""
    model = f", {printable(event.model)}" if event.model else ""
    return f" by {printable(event.agent)} ({event.backend}{model})"


def consumption(usage: Usage | None) -> str:
    """What an attempt consumed; empty where it could not consume anything."""
    return "" if usage is None else f" ({usage_text(usage)})"


def denied(denials: Sequence[Denial]) -> str:
    """Tools an attempt was not allowed; empty where it asked for none of those."""
    if not denials:
        return ""
    tools = ", ".join(dict.fromkeys(printable(denial.tool) for denial in denials))
    return f", not allowed: {tools}"


def running_out(event: ev.RunPaused | ev.RunResumed | ev.RunCancelled, state: RunState) -> str:
    """What was consumed of what, where the run was paused for want of budget."""
    if not isinstance(event, ev.RunPaused) or not event.exhausted:
        return ""
    short = shortage(state)
    if short is None:
        return ""  # the run went on since, and what had been consumed then is not known any more
    amount = state.spent.get(short.scope, NOTHING)
    spent = spent_of(amount, budget_of(state, short.scope) or UNLIMITED)
    return f" ({spent} consumed{made_up(state)})" if spent else ""


def next_rung(event: ev.AttemptFailed | ev.AttemptLost | ev.WorkReturned) -> str:
    """What is tried after a failure, where that is not the same again."""
    return _RUNGS.get(event.rung, "")
