"""Why something waits that has to do with agents: people who have tasks, money that is used up."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.budget import NOTHING, UNLIMITED
from orchestrate.core.running.plan import bits
from orchestrate.core.running.spending import RUN, Shortage, budget_of, unaffordable
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.core.views.amounts import made_up, spent_of
from orchestrate.core.views.cause import Cause, span
from orchestrate.core.views.graph_text import plain

# -- people ------------------------------------------------------------------------------------


def handed_cause(state: RunState, number: int, at: float) -> Cause:
    """Who a task waits for, until when, and what they can type."""
    spec, record = state.index.order[number], state.tasks[number]
    if record.rung == "human":
        why = f", after agents failed ({record.cause or 'no cause'}: {plain(record.message)})"
    else:
        told = spec.hand_over.message if spec.hand_over is not None else ""
        why = f": {plain(told)}" if told else ""
    limit = "" if record.deadline_at is None else f"; it fails in {span(record.deadline_at - at)}"
    return Cause(
        "handed",
        f"it is in the hands of a person{why}{limit}",
        names=(spec.id,),
        commands=(f"orchestrate task show {state.run} {spec.id}",),
        until=record.deadline_at,
    )


def handed_causes(state: RunState, at: float) -> Iterator[Cause]:
    """The tasks that people have, while they can be handed in."""
    if state.status not in (RunStatus.EXECUTING, RunStatus.PAUSED):
        return
    for number in bits(state.handed):
        found = handed_cause(state, number, at)
        text = f"task {found.names[0]} {found.text.removeprefix('it ')}"
        yield Cause("handed", text, found.names, commands=found.commands, until=found.until)


# -- money -------------------------------------------------------------------------------------


def shortage(state: RunState) -> Shortage | None:
    """Which budget a run that was paused for want of it lacks; None for any other run."""
    if not state.exhausted or state.plan is None:
        return None
    return unaffordable(state, state.ready | state.retrying)


def exhausted_cause(state: RunState) -> Cause:
    """What was spent of what, and how to go on, for a run that was paused for want of budget."""
    text = f"the run is paused: {state.reason}"
    short = shortage(state)
    if short is None:
        return Cause("paused", text, commands=(f"orchestrate resume {state.run}",))
    amount = state.spent.get(short.scope, NOTHING)
    budget = budget_of(state, short.scope) or UNLIMITED
    text += f" ({spent_of(amount, budget)} consumed{made_up(state)})"
    more = (go_on_command(state, short), f"orchestrate cost {state.run}")
    return Cause("paused", text, commands=more)


_MORE = {
    "usd": "--budget-usd USD",
    "tokens": "--budget-tokens N",
    "turns": "--budget-turns N",
    "time": "--budget-time DURATION",
}


def go_on_command(state: RunState, short: Shortage) -> str:
    """The command that goes on with a run that is `short` of a budget."""
    of = "" if short.scope == RUN else f" --budget-of {short.scope}"
    return f"orchestrate resume {state.run}{of} {_MORE[short.kind]}"
