"""Where the ladder of recovery ends: nothing is tried for ever, and nothing is left half done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.core.planning.budget import UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import EachSpec, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide import StaleAttemptError, legal_commands
from orchestrate.core.running.recovery import MAX_LIMITED, climb, next_step
from orchestrate.core.running.retry import MAX_LOSSES
from orchestrate.core.running.state import TaskState
from orchestrate.core.sharing.usage import AgentSession, Usage
from tests.unit.core.running.drive import (
    CLAUDE,
    CODEX,
    Run,
    agent_task,
    gate,
    task,
    used,
    work_of,
    workflow,
)

SESSION = AgentSession(id="s1", backend="claude", base="base")
ARCHITECT = msgspec.structs.replace(CLAUDE, agent="architect")
EVERYBODY: dict[str, Any] = {
    "staff": (CLAUDE, CODEX),
    "advisor": ARCHITECT,
    "hand_over": HandOver(),
}


def _run(**more: Any) -> Run:
    return Run(workflow(agent_task("a", **more))).start()


# -- the advisor -------------------------------------------------------------------------------


def test_an_advisor_who_says_nothing_has_failed_and_is_not_asked_again() -> None:
    run = _run(advisor=ARCHITECT, hand_over=HandOver())
    run.fail("a", "refusal")
    run.begin("a")
    assert run.last(ev.AttemptStarted).agent == "architect"
    run.succeed("a", summary="  ")
    failed = run.last(ev.AttemptFailed)
    assert (failed.cause, failed.message) == ("bad_output", "no advice was given")
    assert run.statuses["a"] == "handed"


def test_advice_that_comes_after_the_run_was_given_up_is_paid_for_and_reopens_nothing() -> None:
    run = _run(advisor=ARCHITECT)
    run.fail("a", "refusal")
    run.begin("a")
    run.give(cmd.CancelRun())
    run.succeed("a", summary="try again", usage=used(0.5))
    assert isinstance(run.events[-1], ev.AttemptCancelled)
    assert run.statuses["a"] == "cancelled"
    assert run.state.spent["run"].cost_usd == 0.5
    assert run.eligible == []


def test_whoever_is_next_begins_with_all_tries() -> None:
    run = _run(**EVERYBODY, writes=("**",), max_returns=1)
    run.hold()
    run.deliver("a")
    run.hold()
    run.send_back("a")
    assert run.state.task("a").returns == 1
    run.lose("a")
    run.fail("a", "refusal")
    record = run.state.task("a")
    assert (record.performer, record.returns, record.losses) == (1, 0, 0)


# -- conflicts ---------------------------------------------------------------------------------


def _conflict(**more: Any) -> Run:
    resolver = TaskSpec("resolver", "", agent="conflict-resolver", staff=(CODEX,))
    run = Run(workflow(agent_task("a", writes=("**",), **more), resolver=resolver)).start()
    run.hold()
    run.succeed("a", work=work_of("a", 1), session=SESSION)
    run.hold()
    run.clash("a")
    return run


@pytest.mark.parametrize("cause", ["refusal", "crash", "timeout", "budget"])
def test_a_resolver_that_fails_leaves_the_conflict_to_a_person_whatever_the_task_offers(
    cause: Any,
) -> None:
    run = _conflict(**EVERYBODY)
    run.fail("a", cause, usage=used(0.5))
    assert run.statuses["a"] == "conflicted"
    assert run.state.task("a").rung == "same"
    assert run.state.task("a").work == work_of("a", 1)


def test_a_resolver_follows_the_retry_policy_of_the_task() -> None:
    run = _conflict(retry=RetryPolicy(max_attempts=2, backoff_s=0.0))
    run.fail("a", "crash")
    run.begin("a")
    assert run.state.task("a").resolving
    run.fail("a", "crash")
    assert run.statuses["a"] == "conflicted"


def test_a_conversation_ends_where_its_work_met_a_conflict() -> None:
    run = _conflict()
    assert run.state.task("a").session is None
    run.begin("a")
    assert run.last(ev.AttemptStarted).backend == "codex"
    run.interrupt("a")
    resolved = AgentSession(id="s2", backend="codex")
    run.succeed("a", work=work_of("a", 3), session=resolved)
    assert run.state.task("a").session is None


# -- tries are counted ---------------------------------------------------------------------------


def test_work_that_fails_its_checks_is_sent_back_no_oftener_for_being_in_the_retry_policy() -> None:
    policy = RetryPolicy(max_attempts=9, on=("checks_failed",))
    spec = agent_task("a", writes=("**",), retry=policy, max_returns=1)
    run = Run(workflow(spec)).start()
    for expected in ("ready", "failed"):
        run.hold()
        run.deliver("a")
        run.hold()
        run.send_back("a")
        assert run.statuses["a"] == expected


def test_who_is_lost_too_often_makes_room_for_the_next() -> None:
    run = _run(**EVERYBODY)
    for _ in range(MAX_LOSSES):
        run.lose("a")
    assert run.last(ev.AttemptLost).rung == "alternative"
    assert run.state.task("a").losses == 0
    for _ in range(MAX_LOSSES):
        run.lose("a")
    assert run.statuses["a"] == "handed", "an architect has no advice against a dead driver"


def test_a_resolver_that_is_lost_too_often_leaves_the_conflict_to_a_person() -> None:
    run = _conflict(**EVERYBODY)
    for _ in range(MAX_LOSSES):
        run.lose("a")
    assert run.statuses["a"] == "conflicted"


def test_climbing_from_the_last_rung_leads_nowhere() -> None:
    assert climb(agent_task("a", **EVERYBODY), TaskState(rung="human"), "crash", 0.0) is None


def _step_after_budget(
    allowance: Budget, reserved: Budget, consumed: Amount | None, limited: int = 0
) -> bool:
    spec = agent_task("a", allowance=allowance, retry=RetryPolicy(max_attempts=2))
    record = TaskState(reserved=reserved, limited=limited)
    step = next_step(spec, record, "budget", 0.0, consumed=consumed)
    assert step is not None
    return step.blameless


DOLLAR = Budget(cost_usd=1.0)
#: All of the allowance, and a share of the run's tokens besides.
SHARED = Budget(cost_usd=1.0, tokens=500)


def test_an_allowance_that_was_used_up_counts_although_something_else_was_limited_too() -> None:
    assert not _step_after_budget(DOLLAR, SHARED, Amount(1.2, 100))
    assert _step_after_budget(DOLLAR, SHARED, Amount(0.1, 500))
    assert not _step_after_budget(DOLLAR, SHARED, None), "nobody knows: it may have been used up"


def test_an_attempt_with_less_than_its_allowance_was_cut_short() -> None:
    assert _step_after_budget(DOLLAR, Budget(cost_usd=0.4), Amount(0.4))
    assert _step_after_budget(UNLIMITED, Budget(tokens=10), Amount(0.0, 10))
    assert not _step_after_budget(DOLLAR, DOLLAR, Amount(1.0))


def test_being_cut_short_again_and_again_counts_in_the_end() -> None:
    assert not _step_after_budget(DOLLAR, Budget(cost_usd=0.4), Amount(0.4), limited=MAX_LIMITED)


# -- people ------------------------------------------------------------------------------------


def test_a_person_cannot_hand_in_to_a_run_that_failed_and_is_not_told_so() -> None:
    human = TaskSpec("a", "main", agent="x", backend="human")
    run = Run(workflow(human, task("b"))).start()
    assert {"HandIn", "DeclineTask"} <= set(legal_commands(run.state))
    run.fail("b")
    assert run.status == "failed"
    assert not {"HandIn", "DeclineTask"} & set(legal_commands(run.state))
    with pytest.raises(StaleAttemptError):
        run.hand_in("a")
    run.give(cmd.ResumeRun())
    run.hand_in("a")
    assert run.statuses["a"] == "succeeded"


def test_a_task_is_handed_over_without_the_times_of_who_failed_before() -> None:
    run = _run(hand_over=HandOver(deadline_s=60.0))
    run.fail("a", "refusal")
    record = run.state.task("a")
    assert (record.finished_at, record.not_before) == (0.0, 0.0)
    assert record.deadline_at == run.now + 60.0


def test_going_back_forgets_the_deadline_of_whoever_had_the_task() -> None:
    human = TaskSpec("a", "main", agent="x", backend="human", hand_over=HandOver(deadline_s=60.0))
    run = Run(workflow(human)).start()
    run.give(cmd.AskCheckpoint())
    run.roll_back("c1")
    assert run.state.task("a").deadline_at is None
    run.now += 500.0
    run.give(cmd.ResumeRun())
    assert run.state.task("a").deadline_at == run.now + 60.0


def test_a_task_that_was_split_and_done_says_nothing_of_how_it_failed_as_a_whole() -> None:
    run = Run(workflow(task("list"), agent_task("a", "list", split=EachSpec("list", "items"))))
    run.start().succeed("list")
    run.fail("a", "timeout")
    assert run.state.task("a").message == "boom"
    run.expand("a", "one")
    run.succeed("a.one")
    record = run.state.task("a")
    assert (run.statuses["a"], record.message, record.cause) == ("succeeded", "", None)


def test_work_that_was_sent_back_as_a_whole_is_not_that_of_the_task_it_was_split_into() -> None:
    spec = agent_task("a", "list", split=EachSpec("list", "items"), writes=("**",), max_returns=0)
    run = Run(workflow(task("list"), spec)).start()
    run.succeed("list")
    run.hold()
    run.deliver("a")
    run.hold()
    run.send_back("a")
    assert run.last(ev.TaskSplit).task == "a"
    assert run.state.task("a").work is None


# -- money -------------------------------------------------------------------------------------


def _exhausted() -> Run:
    spec = agent_task("a", allowance=DOLLAR)
    run = Run(workflow(spec, agent_task("b", allowance=DOLLAR), budget=DOLLAR)).start()
    run.give(cmd.AskCheckpoint())
    run.succeed("a", usage=used(1.0))
    assert run.state.exhausted
    return run


@pytest.mark.parametrize("how", ["cancel", "roll back"])
def test_a_run_that_somebody_took_in_hand_is_not_said_to_be_out_of_money(how: str) -> None:
    run = _exhausted()
    run.give(cmd.CancelRun()) if how == "cancel" else run.roll_back("c1")
    assert not run.state.exhausted


def test_usage_of_nothing_is_not_unknown() -> None:
    run = Run(workflow(agent_task("a", allowance=DOLLAR))).start()
    run.succeed("a", usage=Usage())
    assert run.state.unpriced == 0


def test_a_gate_does_not_wait_for_a_person_who_has_a_task_elsewhere() -> None:
    run = Run(
        workflow(
            TaskSpec("a", "main", agent="x", backend="human"),
            task("b"),
            phases=(msgspec.structs.replace(workflow().phases[0], gates=(gate("ok"),)),),
        )
    ).start()
    run.succeed("b")
    assert run.state.gates["main/ok"].status.value == "closed"
    run.hand_in("a")
    assert run.state.gates["main/ok"].status.value == "open"
