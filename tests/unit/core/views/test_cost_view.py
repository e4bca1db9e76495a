"""What a run consumed is counted from its log, and what nobody knows is not counted as nothing."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.planning.budget import Amount, Budget
from orchestrate.core.planning.definition import PhaseSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import INITIAL
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.views.cost import Consumed, PartBudget, RunCost, Share, run_cost
from tests.unit.core.running.drive import CLAUDE, CODEX, Run, agent_task, task, used, workflow

PRICED = Usage(
    input_tokens=100,
    cached_tokens=2_000,
    cache_write_tokens=300,
    output_tokens=40,
    turns=3,
    cost_usd=0.25,
    cost_source="prices",
    model="gpt-6-sol",
)
UNPRICED = Usage(input_tokens=70, output_tokens=7, turns=1, model="new-model")


def _cost(run: Run) -> RunCost:
    return run_cost(run.events, run.state)


def _consumed(shares: tuple[Share, ...]) -> dict[str, Consumed]:
    return {share.name: share.consumed for share in shares}


def test_run_without_a_plan_has_cost_nothing() -> None:
    found = run_cost((), INITIAL)
    assert (found.attempts, found.total, found.charged) == ((), Consumed(), Amount())


def test_budgets_of_parts_come_with_what_is_left_of_them() -> None:
    phases = (PhaseSpec("main", budget=Budget(cost_usd=1.0)),)
    run = Run(workflow(agent_task("a"), agent_task("b"), phases=phases)).start()
    run.succeed("a", usage=used(0.25))
    part = PartBudget("phase:main", Budget(cost_usd=1.0), Budget(cost_usd=0.75))
    assert _cost(run).budgets == (part,)
    run.give(cmd.SetBudget(budget=Budget(turns=9), scope="task:b"))
    assert _cost(run).budgets == (part, PartBudget("task:b", Budget(turns=9), Budget(turns=9)))


def test_tasks_that_no_model_performs_are_not_counted() -> None:
    run = Run(workflow(task("shell"))).start()
    run.succeed("shell", duration_s=5.0)
    assert _cost(run).attempts == ()


def test_kinds_of_tokens_and_sources_of_cost_are_kept_apart() -> None:
    run = Run(workflow(agent_task("a"), agent_task("b", staff=(CODEX,)))).start()
    run.succeed("a", usage=used(0.5, tokens=1_000, turns=4), duration_s=10.0)
    run.succeed("b", usage=PRICED, duration_s=20.0)
    found = _cost(run)
    assert _consumed(found.tasks)["b"] == Consumed(
        attempts=1,
        input_tokens=100,
        cached_tokens=2_000,
        cache_write_tokens=300,
        output_tokens=40,
        turns=3,
        time_s=20.0,
        computed_usd=0.25,
    )
    total = found.total
    assert (total.attempts, total.turns, total.time_s) == (2, 7, 30.0)
    assert (total.reported_usd, total.computed_usd, total.known_usd) == (0.5, 0.25, 0.75)
    assert not total.at_least


def test_every_try_is_counted_whoever_made_it() -> None:
    run = Run(workflow(agent_task("a", staff=(CLAUDE, CODEX)))).start()
    run.fail("a", "refusal", usage=used(0.1))
    run.now += 3_600.0
    run.succeed("a", usage=PRICED)
    found = _cost(run)
    assert [(row.number, row.backend, row.outcome) for row in found.attempts] == [
        (1, "claude", "failed"),
        (2, "codex", "succeeded"),
    ]
    assert [row.provider for row in found.attempts] == ["anthropic", "openai"]
    assert _consumed(found.backends)["claude"].known_usd == 0.1
    assert _consumed(found.models)["gpt-6-sol"].known_usd == 0.25
    assert _consumed(found.tasks)["a"].attempts == 2
    assert _consumed(found.agents)["builder"].known_usd == pytest.approx(0.35)


def test_attempt_of_unknown_price_is_unknown_and_its_tokens_are_counted() -> None:
    run = Run(workflow(agent_task("a"))).start()
    run.succeed("a", usage=UNPRICED)
    total = _cost(run).total
    assert (total.unknown, total.known_usd, total.at_least) == (1, 0.0, True)
    assert (total.input_tokens, total.output_tokens, total.incomplete) == (70, 7, 0)


def test_attempt_that_vanished_is_unknown_and_charged_with_its_reservation() -> None:
    allowance = Budget(cost_usd=0.4)
    plan = workflow(agent_task("a", allowance=allowance), budget=Budget(cost_usd=1.0))
    run = Run(plan).start()
    run.lose("a")
    found = _cost(run)
    assert (found.total.unknown, found.total.incomplete, found.total.known_usd) == (1, 1, 0.0)
    assert found.charged.cost_usd == 0.4
    assert found.left.cost_usd == pytest.approx(0.6)


def test_attempt_that_was_cut_off_consumed_at_least_what_was_seen() -> None:
    run = Run(workflow(agent_task("a"))).start()
    seen = msgspec.structs.replace(used(0.2), complete=False)
    run.fail("a", "timeout", usage=seen)
    total = _cost(run).total
    assert (total.known_usd, total.incomplete, total.at_least) == (0.2, 1, True)


def test_attempt_at_work_shows_what_is_reserved_and_nothing_spent() -> None:
    allowance = Budget(cost_usd=0.4, turns=10)
    plan = workflow(agent_task("a", allowance=allowance), budget=Budget(cost_usd=1.0))
    run = Run(plan).start()
    run.begin("a")
    found = _cost(run)
    [row] = found.attempts
    assert (row.outcome, row.reserved, row.consumed) == ("running", allowance, Consumed(attempts=1))
    assert (found.reserved.cost_usd, found.left.cost_usd) == (0.4, 1.0)
    run.succeed("a", usage=used(0.3))
    found = _cost(run)
    assert found.reserved == Amount()
    assert found.left.cost_usd == pytest.approx(0.7)


def test_phases_have_what_their_tasks_consumed() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))
    tasks = [
        msgspec.structs.replace(agent_task(name), phase=phase)
        for name, phase in (("a", "one"), ("b", "one"), ("c", "two"))
    ]
    run = Run(workflow(*tasks, phases=phases)).start()
    for name, amount in (("a", 0.1), ("b", 0.2), ("c", 0.4)):
        run.succeed(name, usage=used(amount))
    shares = _consumed(_cost(run).phases)
    assert {name: item.known_usd for name, item in shares.items()} == {
        "one": pytest.approx(0.3),
        "two": 0.4,
    }


def test_what_a_rollback_took_back_stays_spent() -> None:
    run = Run(workflow(agent_task("a", writes=("**",)), task("b", "a"))).start()
    run.hold()
    checkpoint = next(iter(run.kept))
    run.succeed("a", usage=used(0.5))
    run.give(cmd.PauseRun(by="ada"))
    run.roll_back(checkpoint)
    assert run.state.task("a").status.value != "succeeded"
    assert _cost(run).total.known_usd == 0.5


def test_advice_costs_too() -> None:
    advised = agent_task("a", advisor=CODEX)
    run = Run(workflow(advised)).start()
    for _ in range(12):
        if run.state.task("a").rung == "architect":
            break
        run.fail("a", "refusal", usage=used(0.1))
        run.now += 3_600.0
    run.succeed("a", usage=PRICED, summary="split it")
    found = _cost(run)
    assert found.attempts[-1].outcome == "advised"
    assert found.attempts[-1].backend == "codex"
    assert found.total.computed_usd == 0.25
