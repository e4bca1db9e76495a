"""Why something waits that has to do with agents: people who have tasks, money that is used up."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.budget import NOTHING
from orchestrate.core.running.plan import bits
from orchestrate.core.running.spending import RUN, Shortage, spending, unaffordable
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
    amount, budget = next(
        ((amount, limit) for scope, amount, limit in spending(state) if scope == short.scope),
        (NOTHING, state.budget),
    )
    text += f" ({spent_of(amount, budget)} consumed{made_up(state)})"
    if short.scope != RUN:
        return Cause(
            "paused",
            f"{text}; the workflow sets that budget, and the run cannot be given more of it",
            commands=(f"orchestrate cost {state.run}", f"orchestrate cancel {state.run}"),
        )
    return Cause("paused", text, commands=(go_on_command(state), f"orchestrate cost {state.run}"))


def go_on_command(state: RunState) -> str:
    """The command that goes on with a run whose own budget is used up."""
    left = state.budget.less(state.spent.get(RUN, NOTHING))
    by_tokens = left.cost_usd is None and left.tokens is not None
    option = "--budget-tokens N" if by_tokens else "--budget-usd USD"
    return f"orchestrate resume {state.run} {option}"
