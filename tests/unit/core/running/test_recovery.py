"""The ladder of recovery: who tries next after which failure, and what blames nobody."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import EachSpec, FailureCause, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.recovery import (
    HELPS,
    LIMITED_BACKOFF_S,
    MAX_LIMITED,
    RUNGS,
    assignee_of,
    next_step,
)
from orchestrate.core.running.state import TaskState
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.errors import RequestError
from tests.unit.core.running.drive import (
    CLAUDE,
    CODEX,
    Run,
    agent_task,
    task,
    used,
    work_of,
    workflow,
    writer,
)

SESSION = AgentSession(id="s1", backend="claude", workspace="a.1", base="base")
EVERYTHING: dict[str, Any] = {
    "staff": (CLAUDE, CODEX),
    "retry": RetryPolicy(max_attempts=2, backoff_s=0.0),
    "split": EachSpec("list", "items"),
    "advisor": msgspec.structs.replace(CLAUDE, agent="architect"),
    "hand_over": HandOver(deadline_s=60.0),
}


def _run(*, listed: bool = True, **more: Any) -> Run:
    needs = ("list",) if listed else ()
    tasks = (task("list"),) if listed else ()
    run = Run(workflow(*tasks, agent_task("a", *needs, **more))).start()
    if listed:
        run.succeed("list")
    return run


def _who(run: Run) -> tuple[str, str]:
    started = run.last(ev.AttemptStarted)
    return started.agent, started.backend


def test_every_cause_says_which_rungs_help() -> None:
    assert HELPS.keys() == set(get_args(FailureCause))
    assert all(rungs <= set(RUNGS) for rungs in HELPS.values())


def test_a_failure_climbs_from_the_same_agent_to_another_to_the_architect_to_a_person() -> None:
    run = _run(**{**EVERYTHING, "split": None})
    seen = []
    for _ in range(4):
        run.begin("a")
        seen.append(_who(run))
        run.fail("a", "crash")
    run.begin("a")
    seen.append(_who(run))
    run.succeed("a", summary="mind the time zone")
    assert run.statuses["a"] == "ready"
    run.begin("a")
    seen.append(_who(run))
    assert run.state.task("a").advice == "mind the time zone"
    run.fail("a", "crash")
    assert seen == [
        ("builder", "claude"),
        ("builder", "claude"),
        ("builder", "codex"),
        ("builder", "codex"),
        ("architect", "claude"),
        ("builder", "claude"),
    ]
    assert run.statuses["a"] == "handed"
    handed = run.last(ev.TaskHanded)
    assert (handed.reason, handed.deadline_at) == ("boom", run.now + 60.0)
    run.hand_in("a", summary="done by hand")
    assert run.statuses["a"] == "succeeded"
    assert run.last(ev.AttemptSucceeded).by == "ada"


def test_a_task_too_big_for_every_agent_is_split_before_the_architect_is_asked() -> None:
    run = _run(**{**EVERYTHING, "staff": (CLAUDE,), "retry": RetryPolicy()})
    run.fail("a", "timeout")
    assert run.last(ev.TaskSplit).task == "a"
    assert [effect.task for effect in run.pending if isinstance(effect, fx.ReadList)] == ["a"]
    run.expand("a", "one", "two")
    for name in ("a.one", "a.two"):
        run.succeed(name)
    assert run.status == "completed"


@pytest.mark.parametrize(
    ("cause", "rung"),
    [
        ("refusal", "alternative"),
        ("denied", "alternative"),
        ("login", "alternative"),
        ("bad_request", "alternative"),
        ("crash", "same"),
        ("timeout", "same"),
        ("bad_output", "same"),
        ("empty_diff", "same"),
        ("provider", "same"),
        ("conflict", None),
        ("checks_unknown", None),
    ],
)
def test_what_would_fail_the_same_way_is_not_tried_the_same_way(
    cause: FailureCause, rung: str | None
) -> None:
    step = next_step(agent_task("a", **EVERYTHING), TaskState(), cause, 0.0)
    assert (step.rung if step else None) == rung


@pytest.mark.parametrize("cause", get_args(FailureCause))
def test_every_ladder_ends(cause: FailureCause) -> None:
    spec, record = agent_task("a", **EVERYTHING), TaskState()
    for tries in range(100):
        step = next_step(spec, record, cause, 0.0)
        if step is None:
            assert tries <= len(RUNGS) * (MAX_LIMITED + 1)
            return
        moved = (step.rung, step.performer) != (record.rung, record.performer)
        if step.rung == "split":
            record = msgspec.structs.replace(record, rung="split", failures=0)
            continue
        record = msgspec.structs.replace(
            record,
            rung=step.rung,
            performer=step.performer,
            failures=0 if moved else record.failures + (not step.blameless),
            limited=0 if moved else record.limited + step.blameless,
            advice="advice" if step.rung == "architect" else record.advice,
        )
    pytest.fail(f"{cause} is tried for ever")


def test_a_deterministic_task_follows_its_policy_alone() -> None:
    policy = RetryPolicy(max_attempts=3, backoff_s=2.0, on=("exit",))
    spec = TaskSpec("a", "main", run="true", retry=policy)
    first = next_step(spec, TaskState(), "exit", 10.0)
    assert first is not None and (first.rung, first.at) == ("same", 12.0)
    second = next_step(spec, TaskState(failures=1), "exit", 10.0)
    assert second is not None and second.at == 14.0
    assert next_step(spec, TaskState(failures=2), "exit", 10.0) is None
    assert next_step(spec, TaskState(), "crash", 10.0) is None


def test_a_rate_limit_is_waited_out_as_long_as_the_provider_says_and_blames_nobody() -> None:
    run = _run(listed=False)
    run.fail("a", "rate_limit", retry_after_s=120.0)
    failed = run.last(ev.AttemptFailed)
    assert failed.blameless and failed.retry_at == run.now + 120.0
    assert run.state.task("a").failures == 0
    assert run.grant() == ()
    run.now += 120.0
    assert run.grant() == ("a",)


def test_rate_limits_without_end_become_a_failure() -> None:
    run = _run(listed=False, staff=(CLAUDE, CODEX))
    waits = []
    for _ in range(MAX_LIMITED):
        run.fail("a", "rate_limit")
        at = run.last(ev.AttemptFailed).retry_at
        assert at is not None
        waits.append(at - run.now)
        run.now = at
    assert waits == sorted(waits) and waits[0] == LIMITED_BACKOFF_S
    run.fail("a", "rate_limit")
    run.begin("a")
    assert _who(run) == ("builder", "codex")


def test_the_same_agent_goes_on_with_its_session_and_another_does_not() -> None:
    run = _run(listed=False, **{**EVERYTHING, "split": None})
    run.fail("a", "crash", session=SESSION)
    assert run.state.task("a").session == SESSION
    run.begin("a")
    run.fail("a", "crash")
    assert run.state.task("a").session is None
    run.begin("a")
    assert _who(run) == ("builder", "codex")


def test_a_lost_or_interrupted_attempt_keeps_its_session_and_stands_where_it_stood() -> None:
    run = Run(workflow(agent_task("a", writes=("**",)))).start()
    run.hold()
    run.lose("a", session=SESSION, usage=used(0.1))
    assert run.state.task("a").session == SESSION
    run.begin("a")
    assert run.last(ev.AttemptStarted).base == SESSION.base


def test_work_sent_back_too_often_goes_to_the_next_agent_with_an_allowance_of_its_own() -> None:
    spec = agent_task("a", writes=("**",), staff=(CLAUDE, CODEX), max_returns=1)
    run = Run(workflow(spec)).start()
    for expected in ("claude", "claude", "codex", "codex"):
        run.hold()
        run.begin("a")
        assert _who(run)[1] == expected
        run.deliver("a")
        run.hold()
        run.send_back("a")
    assert run.statuses["a"] == "failed"
    assert run.status == "failed"


def test_resuming_a_failed_run_begins_at_the_foot_of_the_ladder() -> None:
    run = _run(listed=False, staff=(CLAUDE, CODEX))
    run.fail("a", "refusal")
    run.fail("a", "refusal")
    assert run.status == "failed"
    run.give(cmd.ResumeRun())
    run.begin("a")
    assert _who(run) == ("builder", "claude")


def test_resolver_of_a_conflict_is_performed_by_its_own_staff() -> None:
    resolver = TaskSpec("resolver", "", agent="conflict-resolver", staff=(CODEX,))
    run = Run(workflow(writer("a"), writer("b"), resolver=resolver)).start()
    run.hold()
    run.begin("a", "b")
    run.deliver("a", "b")
    run.merge("a")
    run.hold()
    run.clash("b")
    run.begin("b")
    assert _who(run) == ("builder", "codex")


# -- a person ----------------------------------------------------------------------------------


def _human(**more: Any) -> Run:
    spec = TaskSpec("a", "main", agent="builder", backend="human", **more)
    return Run(workflow(spec, task("b"))).start()


def test_a_task_of_a_person_takes_no_slot_and_holds_nothing_else_up() -> None:
    run = Run(
        workflow(TaskSpec("a", "main", agent="x", backend="human"), task("b"), max_parallel=1)
    ).start()
    assert run.statuses == {"a": "handed", "b": "ready"}
    assert run.grant() == ("b",)
    run.succeed("b")
    assert run.status == "executing"
    assert [effect.key.task for effect in run.pending if isinstance(effect, fx.AwaitHandIn)] == [
        "a"
    ]


def test_what_a_person_was_to_do_fails_when_their_time_is_over() -> None:
    run = _human(hand_over=HandOver(deadline_s=30.0))
    assert fx.WakeAt(run.now + 30.0) in run.pending
    run.now += 29.0
    run.give(cmd.PassTime())
    assert run.statuses["a"] == "handed"
    run.now += 1.0
    run.give(cmd.PassTime())
    assert run.state.task("a").cause == "timeout"


def test_declining_fails_the_task_and_handing_in_twice_is_refused() -> None:
    run = _human()
    run.decline("a")
    assert (run.statuses["a"], run.state.task("a").message) == (
        "failed",
        "given back by ada: no time",
    )
    with pytest.raises(StaleAttemptError):
        run.hand_in("a")


def test_a_person_who_had_to_change_something_cannot_hand_in_nothing() -> None:
    run = _human(must_change=True, writes=("**",))
    with pytest.raises(RequestError, match="nothing was changed"):
        run.hand_in("a")
    run.hand_in("a", work=work_of("a", 1))
    assert run.statuses["a"] == "merging"


def test_going_back_hands_the_task_out_anew_under_a_new_number() -> None:
    run = Run(workflow(task("first"), TaskSpec("a", "main", backend="human", agent="x"))).start()
    run.give(cmd.AskCheckpoint())
    run.hand_in("a")
    run.roll_back("c1")
    run.give(cmd.ResumeRun())
    assert (run.statuses["a"], run.state.task("a").attempts) == ("handed", 2)


def test_assignee_of_a_task_without_staff_is_nobody() -> None:
    assert assignee_of(task("a"), TaskState()) is None


def test_an_allowance_used_up_counts_and_one_cut_short_by_the_budget_does_not() -> None:
    allowance = Budget(cost_usd=1.0)
    spec = agent_task("a", allowance=allowance, retry=RetryPolicy(max_attempts=2, backoff_s=0.0))
    full = TaskState(reserved=allowance)
    step = next_step(spec, full, "budget", 0.0)
    assert step is not None and not step.blameless
    cut = TaskState(reserved=Budget(cost_usd=0.4), failures=7)
    step = next_step(spec, cut, "budget", 0.0)
    assert step is not None and step.blameless


@pytest.mark.parametrize(
    ("told", "waits"),
    [(float("nan"), LIMITED_BACKOFF_S), (float("inf"), LIMITED_BACKOFF_S), (1e12, 86_400.0)],
)
def test_a_provider_cannot_have_a_task_wait_for_ever(told: float, waits: float) -> None:
    run = _run(listed=False)
    run.fail("a", "rate_limit", retry_after_s=told)
    assert run.last(ev.AttemptFailed).retry_at == run.now + waits


def test_an_interruption_does_not_take_away_what_was_wrong_with_the_work_before() -> None:
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.hold()
    run.send_back("a")
    run.interrupt("a")
    record = run.state.task("a")
    assert (record.cause, record.message) == ("checks_failed", "red")


def test_work_that_breaks_only_with_others_is_done_anew_where_the_others_are() -> None:
    run = Run(workflow(agent_task("a", writes=("a",)), writer("b", writes=("b",)))).start()
    run.hold()
    run.begin("a", "b")
    session = msgspec.structs.replace(SESSION, base=run.state.line)
    run.succeed("a", work=work_of("a", 1), session=session)
    run.deliver("b")
    run.merge("b")
    run.send_back("a", together=True)
    run.hold()
    run.begin("a")
    record = run.state.task("a")
    assert (record.session, record.base) == (None, run.state.line)


def test_work_that_is_wrong_by_itself_goes_back_to_who_did_it_wherever_the_line_is() -> None:
    run = Run(workflow(agent_task("a", writes=("a",)), writer("b", writes=("b",)))).start()
    run.hold()
    run.begin("a", "b")
    session = msgspec.structs.replace(SESSION, base=run.state.line)
    run.succeed("a", work=work_of("a", 1), session=session)
    run.deliver("b")
    run.merge("b")
    run.send_back("a")
    run.hold()
    run.begin("a")
    record = run.state.task("a")
    assert (record.session, record.base) == (session, session.base)
