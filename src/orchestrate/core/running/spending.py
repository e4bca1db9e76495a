"""The budget tree: what is reserved for attempts at work, what was spent, what is left.

Theory of operation
-------------------
An attempt consumes from several budgets at once: the run's, its phase's, its task's (for members of
a group the group's), and its backend's. Each is called a *scope* here. Before it starts, the most
it may consume is reserved in all of them; when it ends, the reservation goes and what it really
consumed is added to what was spent. So at every moment, spent and reserved together stay within
every budget, whatever runs side by side and whoever dies.

Spending is never taken back: not by a rollback, not by a resume.

What nobody could observe (an attempt that vanished) counts as all of its reservation: a budget
that is held only as long as nothing goes wrong is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import immutables

from orchestrate.core.planning.budget import NOTHING, UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.plan import PlanIndex, bits
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage
from orchestrate.errors import RequestError

#: An attempt starts only if at least this share of its allowance, or of a smaller budget, is left:
#: with less it would be cut off before it could deliver, and what it consumed would be wasted.
LEAST_SHARE = 0.1

#: Most budgets that a message names.
_MOST_NAMED = 20

RUN = "run"


def scopes(task: TaskSpec, backend: str) -> tuple[str, ...]:
    """The budgets that attempts at `task` through `backend` consume from."""
    return (RUN, f"phase:{task.phase}", f"task:{task.group or task.id}", f"backend:{backend}")


def _limits(state: RunState, task: TaskSpec, backend: str) -> tuple[Budget, ...]:
    """In the order of `scopes`."""
    plan = state.index
    planned = (
        state.budget,
        plan.workflow.phases[plan.phase_number[task.phase]].budget,
        task.budget,
        plan.workflow.limits.backends.get(backend, UNLIMITED),
    )
    if not state.budgets:
        return planned
    pairs = zip(scopes(task, backend), planned, strict=True)
    return tuple(state.budgets.get(scope, limit) for scope, limit in pairs)


def budget_of(state: RunState, scope: str) -> Budget | None:
    """What may be consumed from `scope` in all; None if the run has no such scope."""
    kind, _, name = scope.partition(":")
    plan = state.plan
    planned: Budget | None = None
    if scope == RUN:
        return state.budget
    if plan is None:
        return None
    if kind == "phase" and name in plan.phase_number:
        planned = plan.workflow.phases[plan.phase_number[name]].budget
    elif kind == "task" and name in plan.position and _draws(plan, plan.position[name]):
        planned = plan.order[plan.position[name]].budget
    elif kind == "backend" and name in _backends(plan):
        planned = plan.workflow.limits.backends.get(name, UNLIMITED)
    return None if planned is None else state.budgets.get(scope, planned)


def scope_names(state: RunState) -> tuple[str, ...]:
    """Every scope of the run that a budget can be set for: the run, phases, backends, tasks."""
    plan = state.plan
    if plan is None:
        return (RUN,)
    return (
        RUN,
        *(f"phase:{phase.name}" for phase in plan.workflow.phases),
        *(f"backend:{name}" for name in sorted(_backends(plan))),
        *(f"task:{task.id}" for number, task in enumerate(plan.order) if _draws(plan, number)),
    )


def require_scope(state: RunState, scope: str) -> Budget:
    """What may be consumed from `scope` in all.

    Raises:
        RequestError: the run has no such scope.
    """
    found = budget_of(state, scope)
    if found is None:
        names = scope_names(state)
        more = ", …" if len(names) > _MOST_NAMED else ""
        raise RequestError(
            f"nothing is consumed from {scope!r} in this run",
            remedy=f"name one of: {', '.join(names[:_MOST_NAMED])}{more}",
        )
    return found


def _draws(plan: PlanIndex, number: int) -> bool:
    """Whether anything may be consumed for a task; what members consume is their group's."""
    task = plan.order[number]
    return not task.group and (task.is_group or bool(plan.paid >> number & 1))


def _backends(plan: PlanIndex) -> set[str]:
    """Backends that somebody paid may perform a task through, or that a budget is for already."""
    found = set(plan.workflow.limits.backends)
    for task in (*plan.order, *plan.workflow.performed):
        advisor = () if task.advisor is None else (task.advisor,)
        found.update(each.backend for each in (*task.staff, *advisor) if each.paid)
    return found


def as_amount(budget: Budget) -> Amount:
    """A reservation as an amount; what it does not limit counts as nothing."""
    return Amount(
        budget.cost_usd or 0.0, budget.tokens or 0, budget.turns or 0, budget.time_s or 0.0
    )


def reserved(state: RunState) -> dict[str, Amount]:
    """What is reserved for the attempts at work, by scope."""
    held: dict[str, Amount] = {}
    for number in bits(state.live & state.index.paid):
        record = state.tasks[number]
        assignee = performing(state.index, number, record)
        if assignee is not None:
            hold(held, state.index.order[number], assignee, record.reserved)
    return held


def hold(held: dict[str, Amount], task: TaskSpec, assignee: Assignee, budget: Budget) -> None:
    """Add a reservation to `held`."""
    amount = as_amount(budget)
    if amount != NOTHING:
        for scope in scopes(task, assignee.backend):
            held[scope] = held.get(scope, NOTHING) + amount


Kind = Literal["usd", "tokens", "turns", "time"]


class Shortage(Exception):
    """Too little is left of a budget for an attempt to start.

    Attributes:
        scope: which budget.
        kind: too little of what.
        waits: whether attempts at work hold what is missing, so that there may be more later.
    """

    def __init__(self, scope: str, kind: Kind, reason: str, *, waits: bool) -> None:
        super().__init__(reason)
        self.scope = scope
        self.kind = kind
        self.reason = reason
        self.waits = waits


def reservation(state: RunState, number: int, held: Mapping[str, Amount], among: int = 1) -> Budget:
    """The most an attempt at task `number` may consume now; `held` is reserved already.

    What its allowance does not limit it may have all of what is left, divided by `among`: as many
    could start now, if phases and agents had no limits. Otherwise the first would hold everything,
    and nothing run beside it.

    Raises:
        Shortage: too little is left.
    """
    task = state.index.order[number]
    assignee = performing(state.index, number, state.tasks[number])
    if assignee is None or not assignee.paid:
        return UNLIMITED
    left = assignee.allowance
    names = scopes(task, assignee.backend)
    for scope, limit in zip(names, _limits(state, task, assignee.backend), strict=True):
        if not limit.limits:
            continue
        after_spent = limit.less(state.spent.get(scope, NOTHING))
        rest = after_spent.less(held.get(scope, NOTHING))
        # A budget smaller than an allowance is all that any attempt may hope for.
        wanted = assignee.allowance.capped(limit)
        if (short := _short_of(rest, wanted)) is not None:
            kind, shown = short
            waits = _short_of(after_spent, wanted) is None
            raise Shortage(scope, kind, f"{_named(scope)} has {shown} left", waits=waits)
        left = left.capped(_share(rest, assignee.allowance, among))
    return left


def _share(rest: Budget, allowance: Budget, among: int) -> Budget:
    def part(left: float | None, own: float | None) -> float | None:
        return left if left is None or own is not None else left / among

    tokens, turns = part(rest.tokens, allowance.tokens), part(rest.turns, allowance.turns)
    return Budget(
        part(rest.cost_usd, allowance.cost_usd),
        None if tokens is None else max(1, int(tokens)),
        None if turns is None else max(1, int(turns)),
        part(rest.time_s, allowance.time_s),
    )


def _short_of(rest: Budget, allowance: Budget) -> tuple[Kind, str] | None:
    """What too little is left of, and that in words; None if there is enough of everything."""
    kinds: tuple[tuple[Kind, float | None, float | None, str], ...] = (
        ("usd", rest.cost_usd, allowance.cost_usd, "{:.4f} USD"),
        ("tokens", rest.tokens, allowance.tokens, "{} tokens"),
        ("turns", rest.turns, allowance.turns, "{} turns"),
        ("time", rest.time_s, allowance.time_s, "{:.0f} s"),
    )
    for kind, left, wanted, shown in kinds:
        if left is not None and (left <= 0 or (wanted and left < wanted * LEAST_SHARE)):
            return kind, shown.format(max(left, 0))
    return None


def _named(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return "the run's budget" if kind == RUN else f"the budget of {kind} {name}"


def charge(
    spent: immutables.Map[str, Amount],
    task: TaskSpec,
    backend: str,
    usage: Usage | None,
    reservation_: Budget,
    duration_s: float,
) -> immutables.Map[str, Amount]:
    """`spent` with what one attempt consumed; all of its reservation where nobody knows."""
    if usage is None:
        amount = as_amount(reservation_)
    else:
        amount = usage.amount(duration_s)
        if usage.cost_usd is None and usage.tokens:
            # Tokens without a price: against a limit in dollars, the reservation is what is sure.
            held = as_amount(reservation_)
            amount = Amount(held.cost_usd, amount.tokens, amount.turns, amount.time_s)
    for scope in scopes(task, backend):
        spent = spent.set(scope, spent.get(scope, NOTHING) + amount)
    return spent


def unaffordable(state: RunState, mask: int) -> Shortage | None:
    """The first shortage, if none of the tasks in `mask` can start even with nothing at work."""
    held = reserved(state)
    first: Shortage | None = None
    for number in bits(mask):
        try:
            reservation(state, number, held)
        except Shortage as shortage:
            first = first or shortage
        else:
            return None
    return first
