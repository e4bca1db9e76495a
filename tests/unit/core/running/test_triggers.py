"""Which outcomes upstream let a task run, and which skip or fail it."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import PhaseSpec, TriggerRule
from orchestrate.core.running.events import TaskFailed, TaskSkipped
from tests.unit.core.running.drive import Run, task, workflow

# Outcome of the two tasks upstream -> what becomes of the task under each rule. "skip" is a task
# upstream whose own condition is false.
OUTCOMES = [
    ("succeed", "succeed", "ready", "ready", "ready"),
    ("succeed", "fail", "skipped", "ready", "ready"),
    ("fail", "succeed", "skipped", "ready", "ready"),
    ("fail", "fail", "skipped", "failed", "ready"),
    ("succeed", "skip", "skipped", "ready", "ready"),
    ("fail", "skip", "skipped", "failed", "ready"),
    ("skip", "skip", "skipped", "skipped", "ready"),
]
CASES = [
    (first, second, rule, expected)
    for first, second, *columns in OUTCOMES
    for rule, expected in zip(("all_success", "one_success", "all_done"), columns, strict=True)
]


@pytest.mark.parametrize(("first", "second", "rule", "expected"), CASES)
def test_rule_meets_outcome(first: str, second: str, rule: TriggerRule, expected: str) -> None:
    upstream = [
        task(name, when="false" if outcome == "skip" else None)
        for name, outcome in (("a", first), ("b", second))
    ]
    run = Run(workflow(*upstream, task("c", "a", "b", trigger=rule), on_failure="continue")).start()
    for name, outcome in (("a", first), ("b", second)):
        if outcome == "succeed":
            run.succeed(name)
        elif outcome == "fail":
            run.fail(name)
    assert run.statuses["c"] == expected


def test_one_success_does_not_wait_for_the_others() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a", "b", trigger="one_success"))).start()
    run.begin("a", "b")
    run.succeed("a")
    assert run.statuses == {"a": "succeeded", "b": "running", "c": "ready"}


def test_all_success_is_given_up_at_the_first_failure() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a", "b"), on_failure="continue")).start()
    run.begin("b")
    run.fail("a")
    assert run.statuses == {"a": "failed", "b": "running", "c": "skipped"}
    skipped = next(event for event in run.events if isinstance(event, TaskSkipped))
    assert (skipped.cause, skipped.detail) == ("upstream", "a failed")


def test_all_done_waits_for_every_end() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a", "b", trigger="all_done"))).start()
    run.begin("a", "b")
    run.fail("a")
    assert run.statuses["c"] == "blocked"
    run.fail("b")
    assert run.statuses["c"] == "ready"


def test_failure_that_somebody_downstream_accepts_does_not_fail_the_run() -> None:
    run = Run(workflow(task("a"), task("b", "a", trigger="all_done"))).start()
    run.fail("a")
    run.succeed("b")
    assert run.status == "completed"
    assert run.statuses == {"a": "failed", "b": "succeeded"}


def test_failure_that_nobody_could_go_on_from_fails_the_run() -> None:
    run = Run(workflow(task("a"), task("b", "a", trigger="one_success"))).start()
    run.fail("a")
    failed = next(event for event in run.events if isinstance(event, TaskFailed))
    assert (failed.task, failed.message) == ("b", "none of a succeeded")
    assert run.status == "failed"
    assert run.state.failed_task == "b"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("inputs.level == 2", "ready"),
        ("inputs.level > 2", "skipped"),
        ("inputs.absent == 2", "failed"),
        ("inputs.level", "skipped"),
        ("inputs.level == 'two'", "failed"),
    ],
)
def test_condition_is_true_false_or_undecidable(condition: str, expected: str) -> None:
    run = Run(workflow(task("a", when=condition), on_failure="continue"), {"level": 2}).start()
    assert run.statuses == {"a": expected}
    if expected == "skipped":
        assert run.state.task("a").skipped_by == "condition"
    if expected == "failed":
        assert condition in run.state.task("a").message


def test_condition_sees_how_tasks_before_it_ended() -> None:
    run = Run(
        workflow(
            task("a"),
            task("b", "a", when="tasks.a.metrics.found > 3"),
            task("c", "a", when="tasks.a.metrics.found <= 3"),
        )
    ).start()
    run.succeed("a", metrics={"found": 4.0})
    assert run.statuses == {"a": "succeeded", "b": "ready", "c": "skipped"}


def test_condition_is_not_looked_at_before_the_needs_are_met() -> None:
    run = Run(workflow(task("a"), task("b", "a", when="tasks.a.ok"))).start()
    assert run.statuses["b"] == "blocked"
    run.succeed("a")
    assert run.statuses["b"] == "ready"


def test_phase_condition_skips_every_task_of_the_phase() -> None:
    phases = (PhaseSpec("main", when="inputs.wanted"),)
    run = Run(workflow(task("a"), task("b", "a"), phases=phases), {"wanted": False}).start()
    assert run.statuses == {"a": "skipped", "b": "skipped"}
    assert run.status == "completed"
