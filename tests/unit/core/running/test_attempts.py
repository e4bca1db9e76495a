"""Attempts: started by grants, ended by reports, retried, lost, stopped, never counted twice."""

from __future__ import annotations

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import FailureCause, PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.effects import PerformAttempt, StopAttempt, WakeAt
from orchestrate.core.running.events import AttemptFailed, RunFailed
from orchestrate.core.running.retry import MAX_LOSSES, backoff_s
from orchestrate.errors import IllegalCommandError, RequestError
from tests.unit.core.running.drive import START_AT, Run, task, workflow

POLICY = RetryPolicy(max_attempts=4, backoff_s=2.0, factor=3.0, max_backoff_s=10.0)


def retrying(policy: RetryPolicy = POLICY, **more: object) -> Run:
    return Run(workflow(TaskSpec("a", "main", run="true", retry=policy), **more)).start()  # type: ignore[arg-type]


# -- retries -----------------------------------------------------------------------------------


def test_backoff_grows_by_the_factor_up_to_its_bound() -> None:
    assert [backoff_s(POLICY, failures) for failures in (1, 2, 3, 4)] == [2.0, 6.0, 10.0, 10.0]


def test_retry_waits_for_the_backoff_and_no_longer() -> None:
    run = retrying()
    events = run.fail("a")
    assert isinstance(events[0], AttemptFailed)
    assert events[0].retry_at == START_AT + 2.0
    assert run.statuses == {"a": "retrying"}
    assert WakeAt(START_AT + 2.0) in run.pending
    assert run.grant() == ()
    with pytest.raises(IllegalCommandError, match="a is retrying and may not start"):
        run.begin("a")
    run.now += 2.0
    assert run.grant() == ("a",)
    run.fail("a")
    assert run.state.task("a").not_before == run.now + 6.0


def test_task_fails_when_its_attempts_are_used_up() -> None:
    run = retrying(RetryPolicy(max_attempts=2, backoff_s=0.0))
    run.fail("a")
    run.fail("a")
    assert run.status == "failed"
    found = run.state.task("a")
    assert (found.attempts, found.failures, found.cause, found.message) == (2, 2, "exit", "boom")


@pytest.mark.parametrize(
    ("cause", "again"),
    [
        ("crash", True),
        ("exit", True),
        ("timeout", True),
        ("missing_output", True),
        ("bad_output", True),
        ("output_limit", False),
        ("unavailable", False),
    ],
)
def test_default_policy_retries_what_trying_again_can_change(
    cause: FailureCause, again: bool
) -> None:
    run = retrying()
    run.fail("a", cause)
    assert run.statuses == {"a": "retrying" if again else "failed"}


def test_resuming_a_failed_run_gives_failed_work_a_new_allowance() -> None:
    run = Run(
        workflow(
            task("done"),
            TaskSpec("a", "main", run="true", retry=RetryPolicy(max_attempts=2, backoff_s=0.0)),
            task("after", "a"),
        )
    ).start()
    run.succeed("done")
    run.fail("a")
    run.fail("a")
    assert run.status == "failed"
    run.give(cmd.ResumeRun())
    assert run.statuses == {"done": "succeeded", "a": "ready", "after": "blocked"}
    found = run.state.task("a")
    assert (found.attempts, found.failures) == (2, 0)
    run.fail("a")
    assert run.statuses["a"] == "retrying"
    run.succeed("a")
    run.succeed("after")
    assert run.status == "completed"
    assert run.state.task("a").attempts == 4


# -- losses and interruptions ------------------------------------------------------------------


def test_lost_attempt_is_made_again_at_once_and_not_held_against_the_task() -> None:
    run = Run(workflow(task("a"))).start()
    run.lose("a")
    found = run.state.task("a")
    assert (found.status.value, found.failures, found.losses) == ("ready", 0, 1)
    run.succeed("a")
    assert run.status == "completed"


def test_task_that_is_always_lost_is_suspected_in_the_end() -> None:
    run = Run(workflow(task("a"))).start()
    for number in range(1, MAX_LOSSES):
        run.lose("a")
        assert run.statuses == {"a": "ready"}, number
    run.lose("a")
    assert run.status == "failed"
    assert run.state.task("a").cause == "lost"


def test_interrupted_attempt_costs_nothing() -> None:
    run = retrying(RetryPolicy(max_attempts=1))
    for _ in range(20):
        run.interrupt("a")
    found = run.state.task("a")
    assert (found.status.value, found.failures, found.losses) == ("ready", 0, 0)


# -- repeated and late reports -----------------------------------------------------------------


def test_second_report_of_an_attempt_is_stale() -> None:
    run = Run(workflow(task("a"), task("b"))).start()
    run.begin("a")
    run.succeed("a")
    reports: tuple[cmd.AnyCommand, ...] = (
        cmd.SucceedAttempt(task="a", number=1),
        cmd.FailAttempt(task="a", number=1, cause="exit"),
        cmd.LoseAttempt(task="a", number=1),
        cmd.InterruptAttempt(task="a", number=1),
        cmd.SucceedAttempt(task="b", number=1),
        cmd.SucceedAttempt(task="a", number=2),
    )
    for command in reports:
        with pytest.raises(StaleAttemptError):
            run.give(command)


def test_report_about_an_earlier_attempt_is_stale_while_a_later_one_works() -> None:
    run = Run(workflow(task("a"))).start()
    run.lose("a")
    run.begin("a")
    with pytest.raises(StaleAttemptError, match="attempt 1 of task a is not running"):
        run.give(cmd.SucceedAttempt(task="a", number=1))
    assert run.statuses == {"a": "running"}


def test_report_about_a_task_that_does_not_exist_is_a_wrong_request() -> None:
    run = Run(workflow(task("a"))).start()
    with pytest.raises(RequestError, match="no task b"):
        run.give(cmd.SucceedAttempt(task="b", number=1))


# -- grants ------------------------------------------------------------------------------------


def test_grant_beyond_the_limit_of_the_run_is_refused() -> None:
    run = Run(workflow(task("a"), task("b"), max_parallel=1)).start()
    with pytest.raises(IllegalCommandError, match="limit of 1 attempts at once"):
        run.begin("a", "b")
    assert run.statuses == {"a": "ready", "b": "ready"}


def test_grant_beyond_the_limit_of_a_phase_is_refused() -> None:
    phases = (PhaseSpec("main", max_concurrent=1),)
    run = Run(workflow(task("a"), task("b"), phases=phases)).start()
    run.begin("a")
    with pytest.raises(IllegalCommandError, match="phase main may run 1 at once"):
        run.begin("b")


def test_grant_of_the_same_task_twice_is_refused() -> None:
    run = Run(workflow(task("a"))).start()
    with pytest.raises(IllegalCommandError, match="may not start"):
        run.begin("a", "a")
    run.begin("a")
    with pytest.raises(IllegalCommandError, match="a is running and may not start"):
        run.begin("a")


def test_grant_of_a_blocked_or_unknown_task_is_refused() -> None:
    run = Run(workflow(task("a"), task("b", "a"))).start()
    with pytest.raises(IllegalCommandError, match="b is blocked"):
        run.begin("b")
    with pytest.raises(RequestError, match="no task c"):
        run.begin("c")


def test_nothing_starts_after_the_time_out_even_if_nobody_said_that_time_passed() -> None:
    run = Run(workflow(task("a"), timeout_s=10.0)).start()
    run.now += 10.0
    run.begin("a")
    assert run.status == "failed"
    assert run.statuses == {"a": "ready"}


# -- pause, cancel, time-out with attempts at work ---------------------------------------------


def test_paused_run_lets_attempts_end_and_starts_none() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a"))).start()
    run.begin("a")
    run.give(cmd.PauseRun(reason="lunch"))
    assert run.pending == [PerformAttempt(AttemptKey("r", "a", 1))]
    assert run.eligible == []
    with pytest.raises(IllegalCommandError, match="the run is paused") as refused:
        run.begin("b")
    assert "ResumeRun" in refused.value.legal
    run.succeed("a")
    assert run.pending == []
    run.give(cmd.ResumeRun())
    assert set(run.eligible) == {"b", "c"}


def test_failure_while_paused_fails_the_run_when_it_is_resumed() -> None:
    run = Run(workflow(task("a"))).start()
    run.begin("a")
    run.give(cmd.PauseRun())
    run.fail("a")
    assert run.status == "paused"
    run.give(cmd.ResumeRun())
    assert run.status == "failed"


def test_last_success_while_paused_completes_the_run_when_it_is_resumed() -> None:
    run = Run(workflow(task("a"))).start()
    run.begin("a")
    run.give(cmd.PauseRun())
    run.succeed("a")
    assert run.status == "paused"
    run.give(cmd.ResumeRun())
    assert run.status == "completed"


def test_cancelled_run_stops_its_attempts_and_gives_the_rest_up() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a"))).start()
    run.begin("a")
    run.give(cmd.CancelRun(reason="no longer wanted"))
    assert run.pending == [StopAttempt(AttemptKey("r", "a", 1), "no longer wanted")]
    assert run.statuses == {"a": "running", "b": "cancelled", "c": "cancelled"}
    run.interrupt("a")
    assert run.statuses["a"] == "cancelled"
    assert run.pending == []


@pytest.mark.parametrize("report", ["succeed", "fail", "lose"])
def test_what_happened_before_the_stop_is_recorded_all_the_same(report: str) -> None:
    run = retrying()
    run.begin("a")
    run.give(cmd.CancelRun())
    getattr(run, report)("a")
    expected = {"succeed": "succeeded", "fail": "failed", "lose": "cancelled"}[report]
    assert run.statuses == {"a": expected}
    assert run.status == "cancelled"


def test_time_out_fails_the_run_and_resume_gives_it_a_new_term() -> None:
    run = Run(workflow(task("a"), task("b", "a"), timeout_s=10.0)).start()
    run.begin("a")
    run.now += 9.9
    assert run.give(cmd.PassTime()) == []
    run.now += 0.1
    events = run.give(cmd.PassTime())
    assert isinstance(events[0], RunFailed)
    assert [type(effect) for effect in run.pending] == [StopAttempt]
    run.interrupt("a")
    run.now += 1_000.0
    run.give(cmd.ResumeRun())
    assert run.give(cmd.PassTime()) == []
    run.succeed("a")
    run.succeed("b")
    assert run.status == "completed"


def test_time_does_not_run_out_while_paused() -> None:
    run = Run(workflow(task("a"), timeout_s=10.0)).start()
    run.give(cmd.PauseRun())
    run.now += 100.0
    assert run.give(cmd.PassTime()) == []
    assert run.status == "paused"


# -- what resuming opens again -----------------------------------------------------------------


def test_failure_accepted_in_a_phase_that_ended_clean_is_not_tried_again() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))
    run = Run(
        workflow(
            task("a", phase="one"),
            task("note", "a", phase="one", trigger="all_done"),
            task("b", phase="two"),
            task("c", phase="two"),
            phases=phases,
        )
    ).start()
    run.fail("a")
    run.succeed("note")
    run.fail("b")
    assert run.status == "failed"
    run.give(cmd.ResumeRun())
    assert run.statuses == {"a": "failed", "note": "succeeded", "b": "ready", "c": "ready"}


def test_task_that_follows_a_failure_waits_again_when_that_failure_is_tried_again() -> None:
    run = Run(
        workflow(task("a"), task("after", "a", trigger="all_done"), task("z"), max_parallel=2)
    ).start()
    run.begin("z")
    run.fail("a")
    assert run.statuses["after"] == "ready"
    run.fail("z")
    run.give(cmd.ResumeRun())
    assert run.statuses == {"a": "ready", "after": "blocked", "z": "ready"}
    run.succeed("a")
    assert run.statuses["after"] == "ready"


def test_attempt_interrupted_after_a_resume_waits_for_what_was_reopened() -> None:
    run = Run(workflow(task("a"), task("after", "a", trigger="all_done"), timeout_s=10.0)).start()
    run.fail("a")
    run.begin("after")
    run.now += 10.0
    run.give(cmd.PassTime())
    run.give(cmd.ResumeRun())
    assert run.statuses == {"a": "ready", "after": "running"}
    run.interrupt("after")
    assert run.statuses == {"a": "ready", "after": "blocked"}
    run.succeed("a")
    run.succeed("after")
    assert run.status == "completed"
