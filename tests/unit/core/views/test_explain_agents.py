"""What explain says of agents: who tries next, who has a task, which budget, which provider."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import EachSpec, PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView, ProviderView
from orchestrate.core.views.explain import (
    Explanation,
    TaskExplanation,
    explain_run,
    explain_task,
    waiting_reason,
)
from tests.unit.core.running.drive import CLAUDE, CODEX, Run, agent_task, task, used, workflow

DOLLAR = Budget(cost_usd=1.0)
EVERYBODY: dict[str, Any] = {
    "staff": (CLAUDE, CODEX),
    "retry": RetryPolicy(max_attempts=2, backoff_s=0.0),
    "split": EachSpec("list", "items"),
    "advisor": msgspec.structs.replace(CLAUDE, agent="architect"),
    "hand_over": HandOver(deadline_s=600.0),
}


def of_task(run: Run, name: str, **view: Any) -> TaskExplanation:
    return explain_task(run.state, name, HostView(at=run.now, **view))


def of_run(run: Run, **view: Any) -> Explanation:
    return explain_run(run.state, HostView(at=run.now, **view))


def kinds(found: TaskExplanation | Explanation) -> list[str]:
    return [cause.kind for cause in found.causes]


# -- the ladder --------------------------------------------------------------------------------


def test_an_attempt_says_who_performs_it_what_it_may_consume_and_who_comes_next() -> None:
    run = Run(workflow(task("list"), agent_task("a", "list", **EVERYBODY), budget=DOLLAR))
    run.start().succeed("list")
    run.begin("a")
    run.now += 9.0
    found = of_task(run, "a")
    assert kinds(found) == ["working"]
    assert found.causes[0].text == (
        "attempt 1 by builder (claude) has been at work for 9 s; it may consume 1 USD"
    )
    assert found.next == (
        "it ends; after a failure it is tried 1 more time, then codex, then smaller tasks,"
        " then the architect, then a person"
    )


def test_each_rung_says_what_is_left_above_it() -> None:
    run = Run(workflow(agent_task("a", **{**EVERYBODY, "split": None}))).start()
    said = []
    for _ in range(4):
        run.begin("a")
        said.append(of_task(run, "a").next.partition("after a failure ")[2])
        run.fail("a", "crash")
    run.begin("a")
    assert "builder" not in of_task(run, "a").causes[0].text
    assert "to say how to go on" in of_task(run, "a").causes[0].text
    assert of_task(run, "a").next == (
        "it is tried once more with what is advised; after a failure next is a person"
    )
    run.succeed("a", summary="mind the time zone")
    assert of_task(run, "a").next == (
        "it starts when its driver looks next, by builder (claude), with the advice:"
        " mind the time zone"
    )
    assert said == [
        "it is tried 1 more time, then codex, then the architect, then a person",
        "next is codex, then the architect, then a person",
        "it is tried 1 more time, then the architect, then a person",
        "next is the architect, then a person",
    ]


def test_a_task_that_waits_for_its_provider_says_how_often_it_did() -> None:
    run = Run(workflow(agent_task("a"))).start()
    run.fail("a", "rate_limit", retry_after_s=90.0)
    found = of_task(run, "a")
    assert kinds(found) == ["backoff"]
    assert found.causes[0].text == (
        "its provider asked to slow down (wait 1 of 6 that are held against nobody):"
        " it is tried again in 90 s"
    )
    assert found.next == "it is tried again then, by builder (claude)"


# -- people ------------------------------------------------------------------------------------


def test_a_task_in_the_hands_of_a_person_says_why_until_when_and_what_to_type() -> None:
    run = Run(workflow(agent_task("a", hand_over=HandOver(deadline_s=600.0)), task("b", "a")))
    run.start().fail("a", "refusal")
    run.now += 60.0
    found = of_task(run, "a")
    assert kinds(found) == ["handed"]
    asked = found.causes[0]
    assert asked.text == (
        "it is in the hands of a person, after agents failed (refusal: boom); it fails in 9 min"
    )
    assert asked.commands == ("orchestrate task show r a",)
    assert asked.until == run.now + 540.0
    assert "handed it in" in found.next
    whole = of_run(run)
    assert kinds(whole) == ["handed"]
    assert whole.causes[0].names == ("a",)
    assert whole.causes[0].text.startswith("task a is in the hands of a person")
    assert "$ orchestrate task show r a" in "\n".join(whole.lines())
    assert "handed in" in whole.next
    assert of_task(run, "b").causes[0].text == "it needs the success of a (handed)"


def test_a_task_of_a_person_has_their_message_and_no_deadline_that_is_not_set() -> None:
    spec = TaskSpec("a", "main", agent="x", backend="human", hand_over=HandOver(message="sign it"))
    run = Run(workflow(spec)).start()
    assert of_task(run, "a").causes[0].text == "it is in the hands of a person: sign it"
    assert waiting_reason(run.state, 0) == "it is in the hands of a person: sign it"
    run.give(cmd.PauseRun())
    assert kinds(of_run(run)) == ["paused", "handed"], "it can be handed in while paused"
    run.give(cmd.CancelRun())
    assert kinds(of_task(run, "a")) == ["ended"]


# -- money -------------------------------------------------------------------------------------


def test_a_task_held_by_a_budget_says_which_and_waits_for_what_others_leave() -> None:
    run = Run(
        workflow(
            agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR), budget=DOLLAR
        )
    ).start()
    run.grant()
    found = of_task(run, "b")
    assert kinds(found) == ["budget"]
    assert found.causes[0].text == (
        "the run's budget has 0.0000 USD left, and attempts at work hold the rest"
    )
    assert found.next == "it starts when an attempt ends and leaves enough, else the run pauses"
    assert "0.0000 USD left" in waiting_reason(run.state, run.state.index.position["b"])
    assert kinds(of_run(run)) == ["working", "budget"]
    assert of_run(run).causes[1].names == ("b",)


def test_a_run_that_ran_out_says_what_was_spent_of_what_and_how_to_go_on() -> None:
    tasks = (agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR))
    run = Run(workflow(*tasks, budget=DOLLAR)).start()
    run.succeed("a", usage=used(0.95))
    found = of_run(run)
    assert kinds(found) == ["paused"]
    assert found.causes[0].text == (
        "the run is paused: the run's budget has 0.0500 USD left (0.9500 of 1 USD consumed)"
    )
    assert found.causes[0].commands == (
        "orchestrate resume r --budget-usd USD",
        "orchestrate cost r",
    )
    assert found.next == "it goes on with a larger budget: `orchestrate resume r --budget-usd USD`"
    assert kinds(of_task(run, "b")) == ["paused"]


def test_a_run_out_of_tokens_is_given_tokens() -> None:
    tasks = (agent_task("a"), agent_task("b"))
    run = Run(workflow(*tasks, budget=Budget(tokens=100))).start()
    run.succeed("a", usage=used(None, tokens=100))
    commands = of_run(run).causes[0].commands
    assert commands[0] == "orchestrate resume r --budget-tokens N"
    assert "100 of 100 tokens consumed" in of_run(run).causes[0].text


@pytest.mark.parametrize(
    ("budget", "option"),
    [
        (DOLLAR, "--budget-usd USD"),
        (Budget(turns=1), "--budget-turns N"),
        (Budget(time_s=0.001), "--budget-time DURATION"),
    ],
)
def test_more_is_asked_for_of_what_ran_out(budget: Budget, option: str) -> None:
    tasks = (agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR))
    run = Run(workflow(*tasks, budget=budget)).start()
    run.succeed("a", usage=used(1.0), duration_s=3.0)
    assert of_run(run).causes[0].commands[0] == f"orchestrate resume r {option}"


def test_a_budget_that_the_workflow_sets_for_a_part_is_named_with_the_part() -> None:
    tasks = (agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR))
    run = Run(workflow(*tasks, phases=(PhaseSpec("main", budget=DOLLAR),))).start()
    run.succeed("a", usage=used(1.0))
    assert run.state.exhausted
    found = of_run(run)
    assert "the budget of phase main has 0.0000 USD left" in found.causes[0].text
    assert "1.0000 of 1 USD consumed" in found.causes[0].text
    more = "orchestrate resume r --budget-of phase:main --budget-usd USD"
    assert found.causes[0].commands == (more, "orchestrate cost r")
    assert more in found.next


# -- providers ---------------------------------------------------------------------------------


def test_a_task_held_by_a_provider_says_whose_gate_why_and_until_when() -> None:
    run = Run(workflow(agent_task("a"), agent_task("b", staff=(CODEX,)), task("c"))).start()
    gates = {
        "anthropic": ProviderView(0, run.now + 30.0, "the provider limited requests"),
        "openai": ProviderView(0, reason="8 attempts ask this provider already, of at most 8"),
    }
    found = of_task(run, "a", providers=gates)
    assert kinds(found) == ["rate-limit"]
    assert found.causes[0].text == (
        "anthropic lets no agent in: the provider limited requests, for 30 s more"
    )
    assert found.causes[0].until == run.now + 30.0
    assert found.next == "it starts when its provider lets agents in again"
    whole = of_run(run, providers=gates)
    assert kinds(whole) == ["rate-limit", "rate-limit", "start"], "one cause for each provider"
    assert [cause.names for cause in whole.causes] == [("a",), ("b",), ("c",)]


def test_a_run_that_waits_for_a_provider_alone_says_so() -> None:
    run = Run(workflow(agent_task("a"))).start()
    found = of_run(run, providers={"anthropic": ProviderView(0, run.now + 30.0, "limited")})
    assert found.next == "it goes on when the provider lets agents in again"
