"""Crashes at every point of a run whose agents fail, cost money and hand over to people."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from orchestrate.core.planning.budget import NOTHING, Budget
from orchestrate.core.planning.definition import (
    EachSpec,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.staffing import Assignee, HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.status import RunStatus
from orchestrate.core.sharing.usage import Usage
from orchestrate.hosts.simulator.behaviour import Conduct, Handing, Joining, Scripted
from orchestrate.hosts.simulator.faults import Closure, Faults, Intervention, Repeat
from orchestrate.hosts.simulator.simulate import History, simulate
from tests.property.laws import check_history
from tests.property.staff import CLAUDE
from tests.property.test_simulated_crashes import check_nothing_done_twice

#: Says what it consumed in tokens only: against the run's dollars its allowance counts.
CODEX = Assignee(
    "builder", "codex", provider="openai", paid=True, allowance=Budget(cost_usd=1.0, tokens=500)
)
_TWICE = RetryPolicy(max_attempts=2, backoff_s=1.0)
BUGFIX = Workflow(
    name="bugfix",
    phases=(PhaseSpec("find"), PhaseSpec("fix", depends_on=("find",))),
    tasks=(
        TaskSpec(
            "impact",
            "find",
            agent="builder",
            backend="claude",
            staff=(CLAUDE,),
            outputs=(OutputSpec("parts", "parts.json"),),
        ),
        TaskSpec(
            "fix",
            "fix",
            agent="builder",
            backend="claude",
            staff=(CLAUDE, CODEX),
            needs=("impact",),
            writes=("src/",),
            retry=_TWICE,
            advisor=CLAUDE,
            hand_over=HandOver(),
            must_change=True,
        ),
        TaskSpec(
            "large",
            "fix",
            agent="builder",
            backend="codex",
            staff=(CODEX,),
            needs=("impact",),
            split=EachSpec("impact", "parts"),
            writes=("docs/",),
        ),
        TaskSpec("sign", "fix", agent="person", backend="human", needs=("fix",)),
    ),
    limits=Limits(budget=Budget(cost_usd=1_000.0)),
)


def _used(cost_usd: float | None, tokens: int = 100) -> Usage:
    return Usage(output_tokens=tokens, turns=1, cost_usd=cost_usd)


_TROUBLE = Scripted(
    {
        ("impact", 1): Conduct(3.0, "rate_limit", usage=_used(0.01), retry_after_s=20.0),
        **{("impact", number): Conduct(3.0, usage=_used(0.2)) for number in range(2, 9)},
        **{("fix", number): Conduct(9.0, usage=_used(0.1)) for number in range(1, 30)},
        ("large", 1): Conduct(9.0, "timeout", usage=_used(None)),
        **{("large", number): Conduct(9.0, "timeout", usage=_used(0.1)) for number in range(2, 9)},
    },
    joins={("fix", number): Joining(2.0, "checks_failed") for number in range(1, 11)},
)


def _sums(history: History) -> dict[str, float]:
    return {scope: amount.cost_usd for scope, amount in history.state.spent.items()}


@pytest.fixture(scope="module")
def calm() -> History:
    history = simulate(BUGFIX, behaviour=_TROUBLE, faults=Faults())
    kinds = Counter(type(event).__name__ for event in history.events)
    assert history.state.status is RunStatus.COMPLETED
    assert set(history.statuses.values()) == {"succeeded"}
    assert (kinds["AdviceGiven"], kinds["TaskSplit"]) == (1, 1)
    assert kinds["TaskHanded"] == 2
    check_history(history.events)
    return history


def _accounted(history: History) -> Counter[tuple[str, int]]:
    ends = (
        ev.AttemptSucceeded,
        ev.AttemptFailed,
        ev.AttemptLost,
        ev.AttemptInterrupted,
        ev.AttemptCancelled,
        ev.AdviceGiven,
    )
    return Counter((e.task, e.number) for e in history.events if isinstance(e, ends))


def _check(history: History, calm: History) -> None:
    assert history.state.status is RunStatus.COMPLETED
    assert history.statuses == calm.statuses
    check_history(history.events)
    check_nothing_done_twice(history)
    accounted = _accounted(history)
    assert set(accounted.values()) == {1}, "an attempt was accounted for twice"
    for performed in history.performed:
        assert accounted[performed.key.task, performed.key.number] == 1


@pytest.mark.parametrize("restart_after_s", [0.0, 4.0, 1_000.0])
def test_crash_at_every_single_point_of_a_run_of_agents(
    calm: History, restart_after_s: float
) -> None:
    for number in range(1, calm.points + 1):
        faults = Faults(
            crashes=frozenset({number}), restart_after_s=restart_after_s, snapshot_every=3
        )
        history = simulate(BUGFIX, behaviour=_TROUBLE, faults=faults)
        _check(history, calm)
        # What could be observed costs what it cost; only what vanished counts as all it held.
        lost = sum(isinstance(event, ev.AttemptLost) for event in history.events)
        assert lost or _sums(history) == _sums(calm)


def test_crash_twice_in_a_run_of_agents(calm: History) -> None:
    for first in range(1, calm.points + 1, 2):
        faults = Faults(crashes=frozenset({first, first + 1, first + 5}), restart_after_s=2.0)
        _check(simulate(BUGFIX, behaviour=_TROUBLE, faults=faults), calm)


def test_every_repeated_report_of_a_run_of_agents_is_dropped_and_paid_once(calm: History) -> None:
    for number in range(1, calm.reports + 1):
        faults = Faults(repeats=(Repeat(number, 2.0),))
        assert simulate(BUGFIX, behaviour=_TROUBLE, faults=faults).events == calm.events


def test_closed_provider_holds_its_agents_and_nobody_elses_until_it_opens() -> None:
    tasks = (
        TaskSpec("a", "find", agent="builder", backend="claude", staff=(CLAUDE,)),
        TaskSpec("b", "find", agent="builder", backend="codex", staff=(CODEX,)),
    )
    workflow = Workflow(name="two", phases=(PhaseSpec("find"),), tasks=tasks)
    faults = Faults(closures=(Closure("anthropic", 0.0, 50.0),))
    history = simulate(workflow, behaviour=Scripted(), faults=faults)
    assert history.state.status is RunStatus.COMPLETED
    began = {performed.key.task: performed.started_s for performed in history.performed}
    assert began == {"a": 50.0, "b": 0.0}


def test_run_out_of_money_stands_still_until_somebody_gives_more(calm: History) -> None:
    little = msgspec.structs.replace(BUGFIX, limits=Limits(budget=Budget(cost_usd=0.5)))
    poor = simulate(little, behaviour=_TROUBLE)
    assert poor.state.exhausted
    assert not poor.ended
    spent = poor.state.spent.get("run", NOTHING)
    assert 0.45 <= spent.cost_usd <= 0.5
    commands = (
        Intervention(500.0, cmd.SetBudget(budget=Budget(cost_usd=50.0), by="ada")),
        Intervention(501.0, cmd.ResumeRun(by="ada")),
    )
    rich = simulate(little, behaviour=_TROUBLE, faults=Faults(interventions=commands))
    assert rich.statuses == calm.statuses
    assert len(rich.performed) == len(calm.performed)


@pytest.mark.parametrize("after_s", [1.0, 200.0])
def test_person_who_answers_while_nobody_drives_the_run_is_heard(after_s: float) -> None:
    task = TaskSpec("sign", "find", agent="person", backend="human")
    workflow = Workflow(name="one", phases=(PhaseSpec("find"),), tasks=(task,))
    behaviour = Scripted(handings={("sign", 1): Handing(after_s, by="grace")})
    calm = simulate(workflow, behaviour=behaviour)
    for number in range(1, calm.points + 1):
        faults = Faults(crashes=frozenset({number}), restart_after_s=50.0)
        history = simulate(workflow, behaviour=behaviour, faults=faults)
        assert history.state.status is RunStatus.COMPLETED
        assert [e.by for e in history.events if isinstance(e, ev.AttemptSucceeded)] == ["grace"]
