"""The attempts at a task, as its log tells them."""

from __future__ import annotations

from typing import Any

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.sharing.usage import Denial, Usage
from orchestrate.core.views.attempts import AttemptRecord, attempts_at
from tests.unit.core.running.drive import CLAUDE, CODEX, Run, agent_task, task, used, workflow


def _records(run: Run, name: str = "a") -> tuple[AttemptRecord, ...]:
    return attempts_at(run.events, name)


def _run(**more: Any) -> Run:
    return Run(workflow(agent_task("a", **more), task("b"))).start()


def test_every_attempt_says_who_performed_it_how_it_ended_and_what_it_consumed() -> None:
    run = _run(staff=(CLAUDE, CODEX), advisor=CLAUDE, hand_over=HandOver())
    run.fail("a", "rate_limit", usage=used(0.1), retry_after_s=1.0)
    run.now += 1.0
    denied = (Denial("Bash", "rm -rf"),)
    run.fail("a", "denied", usage=used(0.2), denials=denied, duration_s=7.0)
    run.fail("a", "refusal")
    run.succeed("a", summary="ask for less", usage=Usage(output_tokens=5, model="opus"))
    run.fail("a", "crash")
    run.hand_in("a", summary="by hand")
    found = _records(run)
    assert [each.number for each in found] == [1, 2, 3, 4, 5, 6]
    assert [each.outcome for each in found] == [
        "failed",
        "failed",
        "failed",
        "advised",
        "failed",
        "succeeded",
    ]
    assert [each.backend for each in found] == [
        "claude",
        "claude",
        "codex",
        "claude",
        "claude",
        "human",
    ]
    assert [each.rung for each in found] == [
        "same",
        "same",
        "alternative",
        "architect",
        "architect",
        "",
    ]
    assert (found[0].blameless, found[1].blameless) == (True, False)
    assert (found[1].cause, found[1].denials, found[1].duration_s) == ("denied", denied, 7.0)
    assert found[1].usage == used(0.2)
    assert found[3].message == "ask for less"
    assert found[3].model == "opus", "the model that was used, not the one that was wanted"
    assert (found[5].by, found[5].message) == ("ada", "by hand")


def test_an_attempt_at_work_shows_what_it_may_consume() -> None:
    run = Run(workflow(agent_task("a"), budget=Budget(cost_usd=2.0))).start()
    run.begin("a")
    (found,) = _records(run)
    assert (found.outcome, found.ended_at) == ("running", None)
    assert found.reserved == Budget(cost_usd=2.0)


def test_a_task_that_a_person_has_is_no_attempt_at_work() -> None:
    run = Run(workflow(TaskSpec("a", "main", agent="x", backend="human"))).start()
    (found,) = _records(run)
    assert (found.outcome, found.backend, found.ended_at) == ("handed", "human", None)


def test_work_that_was_sent_back_is_marked() -> None:
    run = Run(workflow(agent_task("a", writes=("**",)))).start()
    run.hold()
    run.deliver("a")
    run.hold()
    run.send_back("a")
    (found,) = _records(run)
    assert (found.outcome, found.returned) == ("succeeded", "checks_failed")


def test_other_tasks_are_left_out_and_a_command_has_no_performer() -> None:
    run = _run()
    run.succeed("b", summary="fine")
    (found,) = _records(run, "b")
    assert (found.agent, found.backend, found.rung, found.message) == ("", "", "", "fine")
    assert _records(run) == ()
