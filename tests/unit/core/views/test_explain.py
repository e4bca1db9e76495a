"""What explain says in the situations people ask about."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.core.planning.definition import PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.state import INITIAL
from orchestrate.core.views.explain import (
    MAX_TASKS,
    Explanation,
    TaskExplanation,
    explain_run,
    explain_task,
    waiting_reason,
)
from orchestrate.errors import RequestError
from tests.unit.core.running.drive import Run, agent_task, gate, task, workflow


def of_task(run: Run, name: str, **view: Any) -> TaskExplanation:
    return explain_task(run.state, name, HostView(at=run.now, **view))


def of_run(run: Run, **view: Any) -> Explanation:
    return explain_run(run.state, HostView(at=run.now, **view))


def kinds(found: TaskExplanation | Explanation) -> list[str]:
    return [cause.kind for cause in found.causes]


def test_task_waits_for_named_tasks_in_their_status() -> None:
    run = Run(workflow(task("a"), task("b"), task("c", "a", "b"))).start()
    run.begin("a")
    found = of_task(run, "c")
    assert kinds(found) == ["dependency"]
    assert found.causes[0].names == ("a", "b")
    assert found.causes[0].text == "it needs the success of a (running), b (ready)"
    run.succeed("a")
    assert of_task(run, "c").causes[0].names == ("b",)


def test_task_waits_for_a_phase_and_the_person_at_its_gate() -> None:
    phases = (
        PhaseSpec("one", gates=(gate("ok", approvers=("ada", "grace"), deadline_s=300.0),)),
        PhaseSpec("two", depends_on=("one",)),
    )
    run = Run(workflow(task("a", phase="one"), task("b", phase="two"), phases=phases)).start()
    found = of_task(run, "b")
    assert kinds(found) == ["phase"]
    assert found.causes[0].names == ("one",)
    assert "a (ready)" in found.causes[0].text
    run.succeed("a")
    run.now += 60.0
    found = of_task(run, "b")
    assert kinds(found) == ["phase", "person"]
    asked = found.causes[1]
    assert asked.names == ("one/ok",)
    assert asked.people == ("ada", "grace")
    assert asked.commands == (
        "orchestrate approve r one/ok",
        "orchestrate reject r one/ok --reason TEXT",
    )
    assert asked.until == run.now + 240.0
    assert "in 4 min" in asked.text
    assert any("$ orchestrate approve r one/ok" in line for line in found.lines())
    assert kinds(of_run(run)) == ["person"]


def test_ready_task_waits_for_an_agent_that_does_one_at_once() -> None:
    lone = Assignee("lone", "claude", max_parallel=1)
    run = Run(workflow(agent_task("a", staff=(lone,)), agent_task("b", staff=(lone,)))).start()
    run.begin("a")
    found = of_task(run, "b")
    assert kinds(found) == ["agent-limit"]
    assert found.causes[0].text == "agent lone does at most 1 at once"
    assert found.next == "it starts when an attempt ends"


def test_each_full_agent_and_phase_is_a_cause_of_its_own() -> None:
    alpha, beta = (Assignee(name, "claude", max_parallel=1) for name in ("alpha", "beta"))
    tasks = [agent_task(f"a{n}", staff=(alpha,)) for n in (1, 2)]
    tasks += [agent_task(f"b{n}", staff=(beta,)) for n in (1, 2)]
    run = Run(workflow(*tasks)).start()
    run.begin("a1", "b1")
    said = [cause.text for cause in of_run(run).causes]
    assert "agent alpha does at most 1 at once; held: a2" in said
    assert "agent beta does at most 1 at once; held: b2" in said
    phases = (PhaseSpec("one", max_concurrent=1), PhaseSpec("two", max_concurrent=1))
    tasks = [task(f"{phase.name}{n}", phase=phase.name) for phase in phases for n in (1, 2)]
    run = Run(workflow(*tasks, phases=phases)).start()
    run.begin("one1", "two1")
    said = [cause.text for cause in of_run(run).causes]
    assert "phase one runs 1 at once; held: one2" in said
    assert "phase two runs 1 at once; held: two2" in said


def test_ready_task_waits_for_a_slot_a_phase_or_memory() -> None:
    phases = (PhaseSpec("main", max_concurrent=1), PhaseSpec("wide"))
    run = Run(
        workflow(
            task("a"),
            task("b"),
            task("c", phase="wide"),
            task("d", phase="wide"),
            phases=phases,
            max_parallel=2,
        )
    ).start()
    run.begin("a")
    assert kinds(of_task(run, "b")) == ["phase-limit"]
    assert kinds(of_task(run, "c")) == ["start"]
    short = {"memory_available_bytes": 1, "memory_floor_bytes": 2}
    assert kinds(of_task(run, "c", **short)) == ["memory"]
    run.begin("c")
    found = of_task(run, "d")
    assert kinds(found) == ["slots"]
    assert found.causes[0].text == "all 2 slots are taken"
    assert found.next == "it starts when an attempt ends"
    assert waiting_reason(run.state, run.state.index.position["d"]) == "all 2 slots are taken"


def test_retry_says_when() -> None:
    policy = RetryPolicy(max_attempts=3, backoff_s=45.0)
    run = Run(workflow(TaskSpec("a", "main", run="true", retry=policy))).start()
    run.begin("a")
    assert of_task(run, "a").next == "it ends; after a failure it is tried 2 more times"
    run.fail("a")
    run.now += 30.0
    found = of_task(run, "a")
    assert kinds(found) == ["backoff"]
    assert found.causes[0].until == run.now + 15.0
    assert "in 15 s" in found.causes[0].text
    assert kinds(of_run(run)) == ["backoff"]
    assert "a is tried again in 15 s" in of_run(run).lines()[1]


def test_paused_run_names_the_command_that_resumes_it() -> None:
    run = Run(workflow(task("a"), task("b", "a"))).start()
    run.give(cmd.PauseRun(reason="lunch"))
    found = of_run(run)
    assert found.causes[0].kind == "paused"
    assert found.causes[0].text == "the run is paused: lunch"
    assert found.causes[0].commands == ("orchestrate resume r",)
    assert kinds(of_task(run, "a")) == ["paused"]
    assert kinds(of_task(run, "b")) == ["paused", "dependency"]


def test_stopping_run_says_what_failed_and_what_still_works() -> None:
    run = Run(workflow(task("a"), task("b"), task("c"))).start()
    run.begin("a", "b")
    run.fail("a")
    found = of_run(run)
    assert kinds(found) == ["stopping", "working"]
    assert "task a failed" in found.causes[0].text
    assert found.causes[1].names == ("b",)
    assert kinds(of_task(run, "c")) == ["stopping"]
    assert of_task(run, "c").next == "the run fails when what is at work has ended"


def test_ends_are_explained() -> None:
    run = Run(
        workflow(task("a"), task("b", "a"), task("no", when="false"), on_failure="continue")
    ).start()
    run.fail("a")
    assert of_task(run, "a").causes[0].text == "it failed in attempt 1 (exit): boom"
    assert of_task(run, "a").next == "`orchestrate resume r` tries it again"
    assert of_task(run, "b").causes[0].text == (
        "it was skipped because of what came before: a failed"
    )
    assert of_task(run, "no").causes[0].text == (
        "it was skipped because its condition did not hold: false"
    )
    assert of_task(run, "no").next == "nothing; this is final"
    assert kinds(of_run(run)) == ["ended"]
    assert of_run(run).causes[0].commands == ("orchestrate resume r",)
    run.give(cmd.ResumeRun())
    run.succeed("a")
    run.succeed("b")
    assert of_run(run).next == "nothing; the run is over"
    assert of_task(run, "a").causes[0].text == "it succeeded in attempt 2"


def test_cancelled_run_says_what_is_still_being_stopped() -> None:
    run = Run(workflow(task("a"), task("b"))).start()
    run.begin("a")
    run.give(cmd.CancelRun(reason="no longer wanted"))
    found = of_run(run)
    assert kinds(found) == ["ended", "working"]
    assert found.next == "what is at work is stopped"
    assert of_task(run, "b").causes[0].text == "it was given up with the run"


def test_run_that_has_not_begun_says_so() -> None:
    assert kinds(explain_run(INITIAL, HostView(at=0.0))) == ["plan"]
    run = Run(workflow(task("a")))
    assert of_run(run).next == "somebody starts it"
    assert kinds(of_task(run, "a")) == ["plan"]


def test_only_so_many_tasks_are_explained_with_a_run_and_the_rest_counted() -> None:
    names = [f"t{n}" for n in range(MAX_TASKS + 5)]
    run = Run(workflow(*(task(name) for name in names), max_parallel=1)).start()
    found = of_run(run)
    assert (len(found.tasks), found.more) == (MAX_TASKS, 5)
    assert found.lines()[-1] == "  and 5 more tasks wait"


def test_unknown_task_is_a_wrong_request() -> None:
    run = Run(workflow(task("a"))).start()
    with pytest.raises(RequestError, match="no task 'b'"):
        of_task(run, "b")
