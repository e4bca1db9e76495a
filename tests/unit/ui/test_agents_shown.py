"""Agents, money and people on the screen: picture, show, what may be typed, and --json."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.sharing.usage import Denial
from orchestrate.core.views.attempts import attempts_at
from orchestrate.ui.cli.attempt_text import attempt_lines
from orchestrate.ui.cli.data import run_data, task_data, task_detail
from orchestrate.ui.cli.legal import typed_commands
from orchestrate.ui.cli.lines import line_of
from orchestrate.ui.cli.picture import Screen, picture
from orchestrate.ui.cli.task_line import Moment
from tests.unit.core.running.drive import (
    CLAUDE,
    CODEX,
    Run,
    agent_task,
    group,
    task,
    used,
    workflow,
)

DOLLAR = Budget(cost_usd=1.0)


def shown(run: Run, width: int = 120) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    console.print(picture(run.state, Moment(run.now, Path("/nowhere")), Screen(width, 30)))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def _handed(**more: Any) -> Run:
    spec = agent_task("a", hand_over=HandOver(deadline_s=600.0), **more)
    run = Run(workflow(spec, task("b", "a"))).start()
    run.fail("a", "refusal", usage=used(0.25))
    return run


def _exhausted(budget: Budget = DOLLAR) -> Run:
    tasks = (agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR))
    run = Run(workflow(*tasks, budget=budget)).start()
    run.succeed("a", usage=used(0.95))
    return run


# -- the picture -------------------------------------------------------------------------------


def test_a_task_that_waits_for_a_person_stands_out_with_what_to_type() -> None:
    lines = shown(_handed())
    assert "1 PERSON" in lines[0]
    (row,) = [line for line in lines if line.startswith("  PERSON")]
    assert "a person" in row
    assert "in the hands of a person, after agents failed (refusal: boom)" in row
    assert lines[-1] == "$ orchestrate task show r a"


def test_what_agents_cost_is_in_the_first_line() -> None:
    assert shown(_handed())[0].endswith("  0.2500 USD")
    run = _exhausted(Budget(cost_usd=5.0, tokens=700))
    assert shown(run)[0].endswith("  0.9500 of 5 USD, 100 of 700 tokens")
    run.lose("b")
    assert "at least" not in shown(run)[0]
    unpriced = Run(workflow(agent_task("a", allowance=DOLLAR))).start()
    unpriced.succeed("a", usage=used(None))
    assert shown(unpriced)[0].endswith("  at least 1.0000 USD")


def test_a_run_that_ran_out_says_what_was_spent_and_how_to_go_on() -> None:
    lines = shown(_exhausted())
    assert lines[-2:] == [
        "paused: the run's budget has 0.0500 USD left (0.9500 of 1 USD consumed)",
        "$ orchestrate resume r --budget-usd USD",
    ]


def test_who_performs_a_task_is_the_one_whose_turn_it_is() -> None:
    run = Run(workflow(agent_task("a", staff=(CLAUDE, CODEX)), task("b"))).start()
    assert any("builder (claude)" in line for line in shown(run))
    run.fail("a", "refusal")
    run.begin("a")
    (row,) = [line for line in shown(run) if line.startswith("  running")]
    assert "builder (codex)" in row
    assert "attempt 2, by builder (codex)" in row


# -- what may be typed, and lines of events ------------------------------------------------------


def test_what_may_be_typed_includes_what_people_have_and_more_money() -> None:
    assert "orchestrate task show r a" in typed_commands(_handed().state)
    typed = typed_commands(_exhausted().state)
    assert "orchestrate resume r --budget-usd USD" in typed
    assert "orchestrate resume r" not in typed
    phases = (PhaseSpec("main", budget=DOLLAR),)
    tasks = (agent_task("a", allowance=DOLLAR), agent_task("b", allowance=DOLLAR))
    run = Run(workflow(*tasks, phases=phases)).start()
    run.succeed("a", usage=used(1.0))
    resuming = [each for each in typed_commands(run.state) if "resume" in each]
    assert resuming == ["orchestrate resume r --budget-of phase:main --budget-usd USD"]


def _said(run: Run, since: int) -> list[str]:
    return [line_of(event, run.state)[9:] for event in run.events[since:]]


def test_lines_tell_who_handed_in_what_was_denied_and_what_was_spent() -> None:
    run = Run(
        workflow(
            agent_task("a", allowance=DOLLAR, hand_over=HandOver()),
            agent_task("b", allowance=DOLLAR),
            budget=DOLLAR,
        )
    ).start()
    since = len(run.events)
    denials = (Denial("Bash", "rm"), Denial("Bash", "cp"), Denial("Web\x1b"))
    run.fail("a", "denied", usage=used(0.95), denials=denials)
    run.hand_in("a", summary="by hand")
    assert _said(run, since)[1:] == [
        "a failed (denied): boom (100 tokens, 0.9500 USD), not allowed: Bash, Web\\x1b;"
        " it goes to a person",
        "a waits for a person (boom): orchestrate task show r a",
        "run paused by engine: the run's budget has 0.0500 USD left (0.9500 of 1 USD consumed)",
        "a handed in by ada: by hand",
    ]


def test_lines_tell_who_takes_over_from_the_lost_and_what_advice_cost() -> None:
    run = Run(workflow(agent_task("a", staff=(CLAUDE, CODEX), advisor=CLAUDE))).start()
    for _ in range(10):
        run.lose("a")
    assert _said(run, -1) == ["a was cut off: ; somebody else takes over"]
    run.fail("a", "refusal")
    run.succeed("a", summary="look twice", usage=used(0.01))
    assert _said(run, -1) == [
        "a: advice on how to go on (100 tokens, 0.0100 USD): look twice",
    ]


# -- one task ------------------------------------------------------------------------------------


def test_attempts_are_listed_with_performer_cause_usage_and_denials() -> None:
    run = _handed(staff=(CLAUDE, CODEX))
    run.begin("a")
    run.give(
        cmd.FailAttempt(
            task="a",
            number=2,
            cause="denied",
            message="no\x1b",
            usage=used(0.5),
            denials=(Denial("Bash", "rm\n-rf"),),
            duration_s=7.0,
        )
    )
    run.hand_in("a", summary="done by hand")
    run.now += 5.0
    lines = [line for each in attempts_at(run.events, "a") for line in attempt_lines(each)]
    assert lines == [
        "attempt 1   builder (claude), failed (refusal) after 0.0 s, 100 tokens, 0.2500 USD: boom",
        "attempt 2   builder (codex), failed (denied) after 7.0 s, 100 tokens, 0.5000 USD: no\\x1b",
        "           not allowed: Bash: rm\\n-rf",
        "attempt 3   ada, succeeded after 0.0 s: done by hand",
    ]


def test_attempts_that_have_not_ended_say_what_they_may_consume_and_who_has_them() -> None:
    run = Run(workflow(agent_task("a", hand_over=HandOver()), budget=DOLLAR)).start()
    run.fail("a", "rate_limit", retry_after_s=1.0)
    run.now += 1.0
    run.begin("a")
    lines = [line for each in attempts_at(run.events, "a") for line in attempt_lines(each)]
    assert lines == [
        "attempt 1   builder (claude), failed (rate_limit, held against nobody) after 0.0 s: boom",
        "attempt 2   builder (claude), is at work, at most 1 USD",
    ]
    run.fail("a", "refusal")
    lines = [line for each in attempts_at(run.events, "a") for line in attempt_lines(each)]
    assert lines[-1] == "attempt 3   a person, waits for them: boom"


# -- json ----------------------------------------------------------------------------------------


def test_a_run_says_what_it_spent_of_what_and_whether_that_is_all() -> None:
    data = run_data(_exhausted().state)
    assert (data.spent.cost_usd, data.spent.tokens, data.spent.turns) == (0.95, 100, 1)
    assert (data.budget.cost_usd, data.budget.tokens) == (1.0, None)
    assert data.exhausted
    assert data.cost_complete
    run = Run(workflow(agent_task("a", allowance=DOLLAR))).start()
    run.succeed("a", usage=used(None))
    assert not run_data(run.state).cost_complete


def test_a_task_says_who_performs_it_on_which_rung_and_what_it_cost() -> None:
    run = _handed(staff=(CLAUDE, CODEX))
    data = task_data(run.state, run.state.index.position["a"])
    assert (data.agent, data.backend, data.rung) == ("builder", "codex", "alternative")
    assert (data.tokens, data.cost_usd, data.deadline_at) == (100, 0.25, None)
    run.fail("a", "refusal")
    data = task_data(run.state, run.state.index.position["a"])
    assert (data.backend, data.rung, data.deadline_at) == ("human", "human", run.now + 600.0)
    plain = task_data(run.state, run.state.index.position["b"])
    assert (plain.agent, plain.backend, plain.model, plain.rung) == ("", "shell", "", "")


def test_members_of_a_group_are_counted_with_the_group() -> None:
    spec = agent_task("x", allowance=DOLLAR)
    fix = group("fix", agent="builder", backend="claude", run=None, staff=spec.staff)
    run = Run(workflow(task("list"), fix)).start()
    run.succeed("list")
    run.expand("fix", "one")
    run.succeed("fix.one", usage=used(0.5))
    position = run.state.index.position
    assert task_data(run.state, position["fix"]).cost_usd == 0.5
    member = task_data(run.state, position["fix.one"])
    assert (member.cost_usd, member.tokens) == (None, None)


def test_a_task_in_full_has_its_attempts_and_who_comes_next() -> None:
    run = Run(workflow(agent_task("a", staff=(CLAUDE, CODEX), hand_over=HandOver()))).start()
    run.begin("a")
    data = task_detail(run.state, "a", run.events)
    assert data.after_failure == "next is codex, then a person"
    assert [each.number for each in data.attempt_records] == [1]
    run.succeed("a")
    assert task_detail(run.state, "a", run.events).after_failure == ""


def test_a_persons_task_is_done_by_a_person_from_the_start() -> None:
    run = Run(workflow(TaskSpec("a", "main", agent="signer", backend="human"))).start()
    data = task_data(run.state, 0)
    assert (data.agent, data.backend, data.rung) == ("signer", "human", "")
