"""Laws about what is consumed: reserved before, accounted once, never given back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from orchestrate.core.planning.budget import NOTHING, UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus

_ENDS = (
    ev.AttemptSucceeded,
    ev.AttemptFailed,
    ev.AttemptLost,
    ev.AttemptInterrupted,
    ev.AttemptCancelled,
    ev.AdviceGiven,
)
#: Sums of fractions of a cent are compared with this much tolerance.
_EXACT = 1e-6


class _AtWork(NamedTuple):
    """A paid attempt: the budgets it draws on, and what it may consume."""

    scopes: tuple[str, ...]
    reserved: Amount


class BudgetLaws:
    """What is remembered of a history to judge its next event.

    `spent` is the sum of what events report, by scope; `modest` whether nobody has consumed more
    than was reserved for them since all budgets held last.
    """

    def __init__(self) -> None:
        self._at_work: dict[tuple[str, int], _AtWork] = {}
        self._spent: dict[str, Amount] = {}
        self._modest = True
        self._changed: dict[str, Budget] = {}

    def check(self, before: RunState, after: RunState, event: ev.AnyEvent) -> None:
        """Whether `event` may follow."""
        if isinstance(event, ev.AttemptStarted):
            self._start(before, event)
        elif isinstance(event, _ENDS):
            self._end(before, event)
        elif isinstance(event, ev.RunPaused) and event.exhausted:
            self._check_exhausted(before)
        elif isinstance(event, ev.RunPlanned | ev.BudgetChanged):
            if isinstance(event, ev.BudgetChanged):
                self._changed[event.scope] = event.budget
            self._modest = not list(self._exceeded(after))
        assert dict(after.spent) == self._spent
        for scope, amount in before.spent.items():
            assert _within(amount, after.spent[scope]), "something was given back"
        assert not after.exhausted or after.status is RunStatus.PAUSED
        if self._modest:
            assert not list(self._exceeded(after))

    def _start(self, before: RunState, event: ev.AttemptStarted) -> None:
        spec = before.index.order[before.index.position[event.task]]
        who = _performer(before, spec, event)
        if who is None or not who.paid:
            assert event.reserved == UNLIMITED
            return
        scopes = ("run", f"phase:{spec.phase}", f"task:{spec.group or spec.id}")
        mine = _AtWork((*scopes, f"backend:{event.backend}"), _amount(event.reserved))
        for scope in mine.scopes:
            for kind, most in self._limits(before, scope):
                part = getattr(event.reserved, kind)
                assert part is not None and part > 0, (scope, kind)
                taken = getattr(self._taken(scope) + mine.reserved, kind)
                assert taken <= most + _EXACT, (scope, kind, taken, most)
        self._at_work[event.task, event.number] = mine

    def _end(self, before: RunState, event: ev.AnyEvent) -> None:
        assert isinstance(event, _ENDS)
        mine = self._at_work.pop((event.task, event.number), None)
        if mine is None:
            return
        usage = event.usage
        if usage is not None:
            consumed = usage.amount(event.duration_s)
            if usage.cost_usd is None and usage.tokens:
                consumed = msgspec.structs.replace(consumed, cost_usd=mine.reserved.cost_usd)
        elif isinstance(event, ev.AttemptLost):
            consumed = mine.reserved
        else:
            return  # it never began
        for scope in mine.scopes:
            self._spent[scope] = self._spent.get(scope, NOTHING) + consumed
            for kind, _ in self._limits(before, scope):
                if getattr(consumed, kind) > getattr(mine.reserved, kind):
                    self._modest = False

    def _taken(self, scope: str) -> Amount:
        """What was consumed of a budget and is reserved of it."""
        held = (each.reserved for each in self._at_work.values() if scope in each.scopes)
        return sum(held, start=self._spent.get(scope, NOTHING))

    def _exceeded(self, state: RunState) -> Iterator[str]:
        scopes = {scope for each in self._at_work.values() for scope in each.scopes}
        for scope in scopes | set(self._spent):
            for kind, most in self._limits(state, scope):
                if getattr(self._taken(scope), kind) > most + _EXACT:
                    yield f"{scope}: {kind}"

    def _check_exhausted(self, before: RunState) -> None:
        """Nothing is at work, and every task that could start lacks something of some budget."""
        for number, task in before.tasks.items():
            assert task.status not in (TaskStatus.RUNNING, TaskStatus.MERGING)
            spec = before.index.order[number]
            if task.status in (TaskStatus.READY, TaskStatus.RETRYING) and not spec.is_group:
                assert any(self._is_short(before, spec, who) for who in _everybody(before, spec))

    def _is_short(self, state: RunState, spec: TaskSpec, who: Assignee) -> bool:
        scopes = ("run", f"phase:{spec.phase}", f"task:{spec.group or spec.id}")
        for scope in (*scopes, f"backend:{who.backend}"):
            for kind, most in self._limits(state, scope):
                left = most - getattr(self._taken(scope), kind)
                wanted = min(most, getattr(who.allowance, kind) or most)
                if left <= 0 or left < 0.1 * wanted + _EXACT:
                    return who.paid
        return False

    def _limits(self, state: RunState, scope: str) -> Iterator[tuple[str, float]]:
        """What limits a scope now: kind of amount -> the most of it."""
        budget = self._changed.get(scope)
        if budget is None:
            budget = _planned(state.index.workflow, scope)
        parts: Mapping[str, float | None] = msgspec.structs.asdict(budget)
        for part, most in parts.items():
            if most is not None:
                yield part, most


def _planned(workflow: Workflow, scope: str) -> Budget:
    """What the workflow says about a scope."""
    kind, _, name = scope.partition(":")
    if kind == "run":
        return workflow.limits.budget
    if kind == "phase":
        return next(phase.budget for phase in workflow.phases if phase.name == name)
    if kind == "task":
        return next((task.budget for task in workflow.tasks if task.id == name), UNLIMITED)
    return workflow.limits.backends.get(name, UNLIMITED)


def _everybody(state: RunState, spec: TaskSpec) -> tuple[Assignee, ...]:
    """All who may ever perform a task."""
    advisor = () if spec.advisor is None else (spec.advisor,)
    resolver = state.index.workflow.resolver
    return (*spec.staff, *advisor, *(() if resolver is None else resolver.staff))


def _performer(state: RunState, spec: TaskSpec, event: ev.AttemptStarted) -> Assignee | None:
    told = (event.agent, event.backend, event.model)
    known = {(who.agent, who.backend, who.model): who for who in _everybody(state, spec)}
    assert not event.backend or told in known
    return known.get(told)


def _amount(budget: Budget) -> Amount:
    parts = (part or 0 for part in msgspec.structs.astuple(budget))
    return Amount(*parts)


def _within(one: Amount, other: Amount) -> bool:
    pairs = zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True)
    return all(mine <= yours for mine, yours in pairs)
