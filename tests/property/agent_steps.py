"""Steps of a random walk that are about agents, money and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView, ProviderView
from orchestrate.core.running.legality import BUDGET_CHANGES
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.spending import scope_names
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED
from orchestrate.core.sharing.usage import AgentSession, Denial, Usage
from orchestrate.core.sharing.work import Work
from tests.property.staff import BUDGETS, PROVIDERS

Make = Callable[[int, float], tuple[cmd.AnyCommand, float]]

#: Each consumes a tenth of what was reserved, all of it, or more than that.
_SHARES = (0.1, 0.1, 0.5, 1.0, 1.0, 1.5)
#: What is consumed of a kind that nothing limits.
_USUAL = Budget(cost_usd=0.04, tokens=100, turns=2, time_s=4.0)


def view_at(now: float) -> HostView:
    """The host at a moment; now and then a provider lets in one or nobody for a second."""
    closed: dict[str, ProviderView] = {}
    if int(now) % 5 == 4:
        provider = PROVIDERS[int(now) % 2]
        closed[provider] = ProviderView(int(now) // 10 % 2, until=now + 1.0, reason="closed")
    return HostView(at=now, providers=closed)


def duration_s(state: RunState, position: int, number: int) -> float:
    """How long an attempt lasted; seldom longer than it may."""
    return _part(state.tasks[position].reserved.time_s, _USUAL.time_s, number)


def usage_of(state: RunState, position: int, number: int) -> Usage | None:
    """What an attempt consumed; seldom more than it may, and not always known."""
    who = performing(state.index, position, state.tasks[position])
    if who is None or not who.paid or number % 9 == 8:
        return None
    reserved = state.tasks[position].reserved
    cost_usd = _part(reserved.cost_usd, _USUAL.cost_usd, number)
    return Usage(
        output_tokens=int(_part(reserved.tokens, _USUAL.tokens, number)),
        turns=int(_part(reserved.turns, _USUAL.turns, number)),
        cost_usd=None if number % 7 == 6 else cost_usd,
        cost_source="unknown" if number % 7 == 6 else "reported",
        complete=number % 4 != 3,
    )


def _part(reserved: float | None, usual: float | None, number: int) -> float:
    share = _SHARES[number % len(_SHARES)]
    return round(share * (usual or 0.0) if reserved is None else share * reserved, 6)


def session_of(state: RunState, position: int, number: int) -> AgentSession | None:
    """A conversation to go on with, where a model performed the attempt and left one."""
    who = performing(state.index, position, state.tasks[position])
    if who is None or number % 2:
        return None
    task = state.tasks[position]
    return AgentSession(
        f"s{state.version}", who.backend, f"{position}.{task.attempts}", base=task.base
    )


def denials_of(number: int) -> tuple[Denial, ...]:
    """Tools that were not allowed."""
    return (Denial("Bash", "rm"),) if number % 3 == 2 else ()


def people(state: RunState) -> Iterator[Make]:
    """What people do about the tasks they were handed."""
    if state.status in RUN_ENDED:
        return
    for position in bits(state.handed):
        yield from 2 * [_handed_in(state, position)]
        yield _declined(state, position)


def _handed_in(state: RunState, position: int) -> Make:
    spec, record = state.index.order[position], state.tasks[position]
    commit = f"{spec.id}.{record.attempts}"
    work = Work(commit=commit, base=record.base, tree=commit)

    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        writes = state.base and spec.writes
        changed = writes and (spec.must_change or number % 3 != 2)
        return cmd.HandIn(
            task=spec.id,
            number=record.attempts,
            by="ada",
            summary="by hand",
            work=work if changed else None,
        ), at + number % 5

    return make


def _declined(state: RunState, position: int) -> Make:
    name, attempt = state.index.order[position].id, state.tasks[position].attempts
    return lambda number, at: (
        cmd.DeclineTask(task=name, number=attempt, by="ada", reason="no time"),
        at + number % 5,
    )


def money(state: RunState) -> Iterator[Make]:
    """Somebody gives the run, or a part of it, more, less, or as much as it wants."""
    if state.status in BUDGET_CHANGES:
        choices = (*BUDGETS, UNLIMITED, Budget(cost_usd=50.0))
        scopes = scope_names(state)
        yield lambda number, at: (
            cmd.SetBudget(
                budget=choices[number % len(choices)],
                scope=scopes[number // len(choices) % len(scopes)],
                by="ada",
            ),
            at,
        )
