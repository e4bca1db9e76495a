"""What a run consumed: per attempt, and summed by task, phase, agent, backend and model.

Folded from the events, so it also has what a rollback took out of the state: money that was spent
stays spent. Four things are kept apart and never added up in silence: what agents reported, what
the price table made of their tokens, attempts whose cost nobody knows, and what a script made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from orchestrate.core.planning.budget import DECIMALS, NOTHING, UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import events as ev
from orchestrate.core.running.spending import RUN, budget_of, reserved, scope_names
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage

Ended = (
    ev.AttemptSucceeded
    | ev.AttemptFailed
    | ev.AttemptLost
    | ev.AttemptInterrupted
    | ev.AttemptCancelled
    | ev.AdviceGiven
)

#: How an attempt ended, in words.
OUTCOMES: dict[type[ev.Event], str] = {
    ev.AttemptSucceeded: "succeeded",
    ev.AttemptFailed: "failed",
    ev.AttemptLost: "lost",
    ev.AttemptInterrupted: "interrupted",
    ev.AttemptCancelled: "cancelled",
    ev.AdviceGiven: "advised",
}


class Consumed(msgspec.Struct, frozen=True):
    """What some attempts consumed.

    Attributes:
        attempts: how many, those at work included.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens: as in `Usage`; the kinds do
            not overlap.
        turns: model calls.
        time_s: of attempts that ended.
        reported_usd: of attempts whose agent said what they cost.
        computed_usd: of attempts whose tokens were priced by the table.
        unknown: attempts that ended and whose cost nobody knows.
        incomplete: attempts that were cut off: at least this much was consumed.
        scripted: attempts that a script performed, and no model; their tokens are made up as well.
        scripted_usd: what the script says they cost: it was never spent.
    """

    attempts: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    turns: int = 0
    time_s: float = 0.0
    reported_usd: float = 0.0
    computed_usd: float = 0.0
    unknown: int = 0
    incomplete: int = 0
    scripted: int = 0
    scripted_usd: float = 0.0

    @property
    def known_usd(self) -> float:
        """What is known to have been spent; all of it unless `at_least`. Nothing a script says."""
        return round(self.reported_usd + self.computed_usd, DECIMALS)

    @property
    def at_least(self) -> bool:
        """Whether more may have been spent than is known."""
        return bool(self.unknown or self.incomplete)

    def __add__(self, other: Consumed) -> Consumed:
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__}
        for name in ("time_s", "reported_usd", "computed_usd", "scripted_usd"):
            sums[name] = round(sums[name], DECIMALS)
        return Consumed(**sums)


class Share(msgspec.Struct, frozen=True):
    """What belongs to one task, phase, agent, backend or model."""

    name: str
    consumed: Consumed


class AttemptCost(msgspec.Struct, frozen=True):
    """One attempt by a model.

    `outcome` is "running" while it is at work; `reserved` is what it may consume then. `phase` is
    empty for a task that a rollback took out of the plan, `provider` where nobody needs one.
    """

    task: str
    number: int
    phase: str
    agent: str
    backend: str
    provider: str
    model: str
    outcome: str
    consumed: Consumed
    reserved: Budget = UNLIMITED


class PartBudget(msgspec.Struct, frozen=True):
    """The budget of a part of the run (`scope`, as `phase:NAME`), and what is left of it."""

    scope: str
    budget: Budget
    left: Budget


class RunCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a run consumed so far.

    Attributes:
        attempts: in the order they started.
        tasks, phases, agents, backends, models: sums over `attempts`, in order of appearance.
        budget: the run's.
        charged: what counts against it: what was consumed and, for attempts that nobody could
            observe, all that had been reserved for them.
        reserved: for attempts at work.
        left: of the budget, after what was charged; part of it may be reserved.
        budgets: those of parts of the run, where there are any.
    """

    run: str
    total: Consumed
    attempts: tuple[AttemptCost, ...]
    tasks: tuple[Share, ...]
    phases: tuple[Share, ...]
    agents: tuple[Share, ...]
    backends: tuple[Share, ...]
    models: tuple[Share, ...]
    budget: Budget
    charged: Amount
    reserved: Amount
    left: Budget
    budgets: tuple[PartBudget, ...]


def run_cost(events: Iterable[ev.AnyEvent], state: RunState) -> RunCost:
    """What the run consumed whose whole log is `events` and whose state is `state`."""
    rows = tuple(_attempts(events, state))
    charged = state.spent.get(RUN, NOTHING)
    held = reserved(state) if state.plan is not None else {}
    return RunCost(
        run=state.run,
        total=_sum(row.consumed for row in rows),
        attempts=rows,
        tasks=_shares(rows, lambda row: row.task),
        phases=_shares(rows, lambda row: row.phase),
        agents=_shares(rows, lambda row: row.agent),
        backends=_shares(rows, lambda row: row.backend),
        models=_shares(rows, lambda row: row.model),
        budget=state.budget,
        charged=charged,
        reserved=held.get(RUN, NOTHING),
        left=state.budget.less(charged),
        budgets=tuple(_part_budgets(state)),
    )


def _part_budgets(state: RunState) -> Iterator[PartBudget]:
    for scope in scope_names(state):
        budget = budget_of(state, scope)
        if scope != RUN and budget is not None and budget.limits:
            yield PartBudget(scope, budget, budget.less(state.spent.get(scope, NOTHING)))


# -- attempts ----------------------------------------------------------------------------------


def _attempts(events: Iterable[ev.AnyEvent], state: RunState) -> list[AttemptCost]:
    """Attempts that consumed something, or may have; those at work last."""
    assignees: dict[str, Assignee] = {}
    started: dict[tuple[str, int], ev.AttemptStarted] = {}
    ended: dict[tuple[str, int], Ended] = {}
    for event in events:
        if isinstance(event, ev.AttemptStarted):
            started[event.task, event.number] = event
        elif isinstance(event, Ended):
            ended[event.task, event.number] = event
        elif isinstance(event, ev.RunPlanned):
            assignees |= _assignees(event.workflow)
    if state.plan is not None:
        assignees |= _assignees(state.plan.workflow)
    rows = []
    for key, start in started.items():
        end = ended.get(key)
        who = assignees.get(start.backend)
        if (end is not None and end.usage is not None) or (who is not None and who.paid):
            rows.append(_row(start, end, who, _phase(state, start.task)))
    return rows


def _row(
    start: ev.AttemptStarted, end: Ended | None, who: Assignee | None, phase: str
) -> AttemptCost:
    usage = end.usage if end is not None else None
    return AttemptCost(
        task=start.task,
        number=start.number,
        phase=phase,
        agent=start.agent,
        backend=start.backend,
        provider=who.provider if who is not None else "",
        model=(usage.model if usage is not None else "") or start.model,
        outcome="running" if end is None else OUTCOMES[type(end)],
        consumed=Consumed(attempts=1) if end is None else _consumed(usage, end.duration_s),
        reserved=start.reserved if end is None else UNLIMITED,
    )


def _consumed(usage: Usage | None, duration_s: float) -> Consumed:
    """Of one attempt that ended; nothing at all is known of one without usage."""
    if usage is None:
        return Consumed(attempts=1, time_s=duration_s, unknown=1, incomplete=1)
    cost_usd = usage.cost_usd or 0.0
    computed, scripted = usage.cost_source == "prices", usage.cost_source == "scripted"
    return Consumed(
        attempts=1,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        turns=usage.turns,
        time_s=duration_s,
        reported_usd=0.0 if computed or scripted else cost_usd,
        computed_usd=cost_usd if computed else 0.0,
        unknown=int(usage.cost_usd is None),
        incomplete=int(not usage.complete),
        scripted=int(scripted),
        scripted_usd=cost_usd if scripted else 0.0,
    )


def _assignees(workflow: Workflow) -> dict[str, Assignee]:
    """Backend -> somebody who works through it, for its provider and whether it is paid."""
    advisors = (task.advisor for task in workflow.tasks if task.advisor is not None)
    everybody = (*advisors, *(who for task in workflow.performed for who in task.staff))
    return {who.backend: who for who in sorted(everybody, key=lambda who: who.paid)}


def _phase(state: RunState, task: str) -> str:
    plan = state.plan
    if plan is None or task not in plan.position:
        return ""
    return plan.order[plan.position[task]].phase


# -- sums --------------------------------------------------------------------------------------


def _sum(parts: Iterable[Consumed]) -> Consumed:
    return sum(parts, start=Consumed())


def _shares(rows: Iterable[AttemptCost], name: Callable[[AttemptCost], str]) -> tuple[Share, ...]:
    sums: dict[str, Consumed] = {}
    for row in rows:
        key = name(row)
        sums[key] = sums.get(key, Consumed()) + row.consumed
    return tuple(Share(key, consumed) for key, consumed in sums.items())
