"""The budget tree: reserve before, settle after, never more than there is, never given back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.core.codec import decode_state, encode_state
from orchestrate.core.planning.budget import NOTHING, UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import Limits, PhaseSpec, RetryPolicy
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, ProviderView, admit
from orchestrate.core.running.spending import budget_of, reserved, scope_names
from orchestrate.errors import ConflictError, RequestError
from tests.unit.core.running.drive import CLAUDE, Run, agent_task, gate, task, used, workflow

DOLLAR = Budget(cost_usd=1.0)


def _run(*names: str, budget: Budget, allowance: Budget = DOLLAR, **more: Any) -> Run:
    tasks = [agent_task(name, allowance=allowance, **more) for name in names]
    return Run(workflow(*tasks, budget=budget)).start()


def _spent(run: Run, scope: str = "run") -> Amount:
    return run.state.spent.get(scope, NOTHING)


def test_an_attempt_reserves_its_allowance_and_pays_what_it_used() -> None:
    run = _run("a", budget=Budget(cost_usd=5.0))
    run.begin("a")
    assert run.last(ev.AttemptStarted).reserved == DOLLAR
    assert reserved(run.state)["run"].cost_usd == 1.0
    run.succeed("a", usage=used(0.25, tokens=1000), duration_s=3.0)
    assert reserved(run.state) == {}
    assert _spent(run) == Amount(0.25, 1000, 1, 3.0)
    scopes = ("run", "phase:main", "backend:claude", "task:a")
    assert set(run.state.spent) == set(scopes)
    assert scope_names(run.state) == scopes


def test_attempts_side_by_side_never_reserve_more_than_there_is() -> None:
    run = _run("a", "b", "c", budget=Budget(cost_usd=2.5))
    assert run.grant() == ("a", "b", "c")
    assert [run.state.task(name).reserved.cost_usd for name in "abc"] == [1.0, 1.0, 0.5]
    assert reserved(run.state)["run"].cost_usd == 2.5


def test_what_no_allowance_limits_is_shared_among_those_that_could_start() -> None:
    run = _run("a", "b", "c", budget=Budget(tokens=900), allowance=UNLIMITED)
    assert run.grant() == ("a", "b", "c")
    assert [run.state.task(name).reserved.tokens for name in "abc"] == [300, 300, 300]


def test_an_attempt_alone_may_have_all_that_is_left() -> None:
    run = _run("a", budget=Budget(tokens=900, turns=7), allowance=UNLIMITED)
    run.begin("a")
    assert run.state.task("a").reserved == Budget(tokens=900, turns=7)


def test_what_is_held_by_others_is_waited_for() -> None:
    run = _run("a", "b", budget=Budget(cost_usd=1.0))
    assert run.grant() == ("a",)
    held = admit(run.state, HostView(at=run.now), exhaustive=True).held
    assert [(item.task, item.kind) for item in held] == [("b", "budget")]
    with pytest.raises(ConflictError, match="USD left"):
        run.begin("b")
    run.succeed("a", usage=used(0.2))
    assert run.grant() == ("b",)
    assert run.state.task("b").reserved.cost_usd == 0.8


def test_a_budget_smaller_than_an_allowance_lets_an_attempt_start_with_all_of_it() -> None:
    run = _run("a", "b", "c", budget=Budget(cost_usd=0.05), allowance=Budget(cost_usd=2.0))
    for name, left in (("a", 0.05), ("b", 0.03)):
        assert run.grant() == (name,)
        assert run.state.task(name).reserved.cost_usd == left
        run.succeed(name, usage=used(0.02))
    run.begin("c")
    run.succeed("c", usage=used(0.008))
    assert run.status == "completed"


def test_running_out_pauses_the_run_and_more_lets_it_go_on() -> None:
    run = _run("a", "b", budget=Budget(cost_usd=1.0))
    run.succeed("a", usage=used(0.95))
    assert (run.status, run.state.exhausted) == ("paused", True)
    assert "0.0500 USD left" in run.state.reason
    run.give(cmd.ResumeRun())
    assert run.status == "paused", "resuming without more must not start anything"
    run.give(cmd.SetBudget(budget=Budget(cost_usd=2.0), by="ada"))
    run.give(cmd.ResumeRun())
    assert not run.state.exhausted
    assert run.grant() == ("b",)


@pytest.mark.parametrize("scope", ["phase:main", "task:b", "backend:claude"])
def test_every_budget_of_the_tree_can_be_raised_while_the_run_lives(scope: str) -> None:
    tasks = [agent_task(name, allowance=DOLLAR) for name in ("a", "b")]
    if scope == "phase:main":
        plan = workflow(*tasks, phases=(PhaseSpec("main", budget=DOLLAR),))
    elif scope == "task:b":
        tasks[1] = msgspec.structs.replace(
            tasks[1], budget=DOLLAR, retry=RetryPolicy(2, backoff_s=0.0)
        )
        plan = workflow(*tasks)
    else:
        plan = workflow(*tasks)
        plan = msgspec.structs.replace(plan, limits=Limits(backends={"claude": DOLLAR}))
    run = Run(plan).start()
    if scope == "task:b":
        run.succeed("a", usage=used(0.1))
        run.fail("b", "crash", usage=used(1.0))
    else:
        run.succeed("a", usage=used(1.0))
    assert (run.status, run.state.exhausted) == ("paused", True)
    run.give(cmd.SetBudget(budget=Budget(cost_usd=9.0), by="ada"))
    run.give(cmd.ResumeRun())
    assert run.state.exhausted, "it is not the run's that is used up"
    run.give(cmd.SetBudget(budget=Budget(cost_usd=2.0), scope=scope, by="ada"))
    run.give(cmd.ResumeRun())
    assert run.grant() == ("b",)
    assert run.state.task("b").reserved.cost_usd == 1.0
    assert budget_of(run.state, scope) == Budget(cost_usd=2.0)
    assert decode_state(encode_state(run.state)) == run.state


@pytest.mark.parametrize("scope", ["phase:none", "task:none", "backend:gpt", "phase", "", "x:main"])
def test_a_budget_of_nothing_that_is_there_is_refused(scope: str) -> None:
    run = _run("a", budget=DOLLAR)
    with pytest.raises(RequestError, match="nothing is consumed from") as error:
        run.give(cmd.SetBudget(budget=DOLLAR, scope=scope))
    assert error.value.remedy == "name one of: run, phase:main, backend:claude, task:a"


def test_a_retry_that_nobody_can_pay_for_does_not_hide_when_the_next_one_is_due() -> None:
    tries = {"retry": RetryPolicy(max_attempts=2, backoff_s=0.0)}
    poor = agent_task("poor", allowance=DOLLAR, budget=DOLLAR, **tries)
    run = Run(workflow(poor, agent_task("limited", allowance=DOLLAR))).start()
    run.grant()
    run.fail("poor", "crash", usage=used(1.0))
    run.fail("limited", "rate_limit", usage=used(0.1), retry_after_s=60.0)
    assert (run.grant(), run.status) == ((), "executing")
    assert fx.WakeAt(run.now + 60.0) in run.pending


def test_a_run_out_of_money_ends_what_costs_nothing_first() -> None:
    run = Run(
        workflow(
            agent_task("a", allowance=DOLLAR),
            agent_task("b", "a", allowance=DOLLAR),
            task("free", "a"),
            budget=Budget(cost_usd=1.0),
        )
    ).start()
    run.succeed("a", usage=used(1.0))
    assert run.status == "executing"
    run.succeed("free")
    assert run.status == "paused"


def test_a_gate_that_evidence_decides_is_decided_before_the_run_pauses() -> None:
    phases = (PhaseSpec("main", gates=(gate("g", "command", command="true"),)), PhaseSpec("next"))
    run = Run(
        workflow(
            agent_task("a", allowance=DOLLAR),
            msgspec.structs.replace(agent_task("b", allowance=DOLLAR), phase="next"),
            phases=phases,
            budget=Budget(cost_usd=1.0),
        )
    ).start()
    run.succeed("a", usage=used(1.0))
    assert run.status == "executing"
    run.decide("main/g")
    assert run.status == "paused"


@pytest.mark.parametrize(
    ("kind", "limit", "consumed"),
    [
        ("tokens", Budget(tokens=150), used(None, tokens=150)),
        ("turns", Budget(turns=2), used(None, turns=2)),
        ("time", Budget(time_s=10.0), used(None)),
    ],
)
def test_tokens_turns_and_time_are_limited_like_money(
    kind: str, limit: Budget, consumed: Any
) -> None:
    run = _run("a", "b", budget=limit, allowance=UNLIMITED)
    run.succeed("a", usage=consumed, duration_s=10.0)
    assert run.status == "paused", kind


def test_budgets_of_phase_task_and_backend_hold_as_well() -> None:
    spec = agent_task("a", allowance=DOLLAR, budget=Budget(cost_usd=0.5))
    other = agent_task("b", allowance=DOLLAR)
    phases = (PhaseSpec("main", budget=Budget(cost_usd=0.9)),)
    plan = workflow(spec, other, phases=phases)
    limits = msgspec.structs.replace(plan.limits, backends={"claude": Budget(cost_usd=0.7)})
    run = Run(msgspec.structs.replace(plan, limits=limits)).start()
    run.begin("a")
    assert run.state.task("a").reserved.cost_usd == 0.5
    run.begin("b")
    assert run.state.task("b").reserved.cost_usd == pytest.approx(0.2)


def test_members_of_a_group_share_its_budget() -> None:
    from tests.unit.core.running.drive import group

    spec = group("g", agent="x", backend="claude", budget=DOLLAR, run=None)
    spec = msgspec.structs.replace(spec, staff=agent_task("x", allowance=DOLLAR).staff)
    run = Run(workflow(task("list"), spec)).start()
    run.succeed("list")
    run.expand("g", "one", "two")
    run.succeed("g.one", usage=used(0.6))
    run.begin("g.two")
    assert run.state.task("g.two").reserved.cost_usd == 0.4
    assert _spent(run, "task:g").cost_usd == 0.6


def test_an_attempt_that_vanished_counts_as_all_it_might_have_used() -> None:
    run = _run("a", budget=Budget(cost_usd=5.0))
    run.lose("a")
    assert _spent(run).cost_usd == 1.0
    assert run.state.unpriced == 1


def test_an_attempt_that_never_began_counts_as_nothing() -> None:
    run = _run("a", budget=Budget(cost_usd=5.0))
    run.interrupt("a")
    assert _spent(run) == NOTHING


def test_tokens_of_unknown_price_count_as_their_reservation() -> None:
    run = _run("a", budget=Budget(cost_usd=5.0))
    run.succeed("a", usage=used(None, tokens=77))
    assert _spent(run) == Amount(1.0, 77, 1, 0.0)
    assert run.state.unpriced == 1


def test_what_was_spent_is_not_taken_back_by_a_rollback_or_a_resume() -> None:
    run = _run("a", "b", budget=Budget(cost_usd=5.0))
    run.give(cmd.AskCheckpoint())
    run.succeed("a", usage=used(0.5))
    run.fail("b", "refusal", usage=used(0.25))
    assert run.status == "failed"
    run.roll_back("c1")
    assert _spent(run).cost_usd == 0.75
    run.give(cmd.ResumeRun())
    run.succeed("a", usage=used(0.5))
    assert _spent(run).cost_usd == 1.25


def test_an_attempt_cancelled_with_the_run_is_paid_for() -> None:
    run = _run("a", budget=Budget(cost_usd=5.0))
    run.begin("a")
    run.give(cmd.CancelRun())
    run.give(cmd.InterruptAttempt(task="a", number=1, usage=used(0.3)))
    assert _spent(run).cost_usd == 0.3


def test_a_closed_provider_holds_its_tasks_back_and_nobody_elses() -> None:
    run = Run(workflow(agent_task("a"), agent_task("b"), task("c"))).start()
    view = HostView(at=run.now, providers={"anthropic": ProviderView(free=1, until=9.0)})
    admission = admit(run.state, view, exhaustive=True)
    assert admission.grants == ("a", "c")
    assert [(item.task, item.kind, item.until) for item in admission.held] == [
        ("b", "rate-limit", 9.0)
    ]


@pytest.mark.parametrize("wanted", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_amount_of_money_is_refused(wanted: float) -> None:
    run = _run("a", budget=DOLLAR)
    with pytest.raises(RequestError, match="more than nothing"):
        run.give(cmd.SetBudget(budget=Budget(cost_usd=wanted)))


def test_who_costs_nothing_and_may_be_replaced_by_who_does_leaves_the_others_their_share() -> None:
    free = Assignee("free", "scripted")
    run = Run(
        workflow(
            agent_task("free", staff=(free, CLAUDE)),
            agent_task("open"),
            agent_task("most", allowance=DOLLAR),
            budget=Budget(cost_usd=0.19),
        )
    ).start()
    assert run.grant() == ("free", "open", "most")
    shares = [run.state.task(name).reserved.cost_usd for name in ("free", "open", "most")]
    assert shares == [None, pytest.approx(0.095), pytest.approx(0.095)]


def test_sums_of_money_do_not_depend_on_the_order_of_their_parts() -> None:
    parts = [0.1, 0.2, 0.3, 0.0000001, 1e-9]
    forth = back = NOTHING
    for part in parts:
        forth += Amount(part)
    for part in reversed(parts):
        back += Amount(part)
    assert forth == back == Amount(0.600000101)


def test_the_limits_of_a_workflow_are_its_runs_budget() -> None:
    run = Run(msgspec.structs.replace(workflow(task("a")), limits=Limits(budget=DOLLAR)))
    assert run.state.budget == DOLLAR
    assert not any(isinstance(effect, fx.PerformAttempt) for effect in run.pending)
