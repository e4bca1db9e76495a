"""How a run came to its status, told from its events by the transition table."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import PhaseSpec, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.events import RunRolledBack
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.state import INITIAL
from orchestrate.core.running.status import RUN, RunStatus
from orchestrate.core.views.lifecycle import Transition, reachable, transitions
from tests.unit.core.running.drive import Run, gate, task, workflow, writer

GATED = PhaseSpec("main", gates=(gate("look"),))


def told(run: Run) -> tuple[Transition, ...]:
    return transitions(enumerate(run.events, 1))


def changes(run: Run) -> list[tuple[str | None, str]]:
    return [(item.before and item.before.value, item.after.value) for item in told(run)]


def test_every_change_is_told_with_reason_and_name() -> None:
    run = Run(workflow(task("a"))).start()
    run.give(cmd.PauseRun(reason="lunch", by="ada"))
    run.give(cmd.ResumeRun(reason="back", by="bob"))
    run.succeed("a")
    assert changes(run) == [
        (None, "idle"),
        ("idle", "planning"),
        ("planning", "executing"),
        ("executing", "paused"),
        ("paused", "executing"),
        ("executing", "completed"),
    ]
    paused, resumed, completed = told(run)[-3:]
    assert (paused.reason, paused.by, paused.trigger) == ("lunch", "ada", "run_paused")
    assert (resumed.reason, resumed.by) == ("back", "bob")
    assert completed.by == "engine"


def test_a_new_driver_is_no_transition() -> None:
    run = Run(workflow(task("a"))).start()
    before = changes(run)
    run.give(cmd.AdoptRun(owner="somebody"))
    assert changes(run) == before


def test_a_rollback_is_told_even_where_the_status_stays() -> None:
    run = Run(workflow(task("a"))).start()
    run.give(cmd.AskCheckpoint())
    run.give(cmd.PauseRun())
    run.roll_back("c1")
    last = told(run)[-1]
    assert (last.before, last.after) == (RunStatus.PAUSED, RunStatus.PAUSED)
    assert (last.trigger, last.by) == ("run_rolled_back", "ada")


def walked(plan: Workflow) -> Run:
    run = Run(plan).start()
    run.hold()
    run.deliver("a")
    run.merge("a")
    run.hold()
    return run


def test_a_rollback_that_a_failure_caused_is_the_engines() -> None:
    run = walked(workflow(writer("a"), phases=(GATED,)))
    run.decide("main/look", "failed")
    assert [event.automatic for event in run.events if isinstance(event, RunRolledBack)] == [True]
    rolled = [item for item in told(run) if item.trigger == "run_rolled_back_by_failure"]
    assert [(item.after, item.by) for item in rolled] == [(RunStatus.FAILED, "engine")]


def test_what_is_told_is_what_folding_gives() -> None:
    run = walked(workflow(writer("a"), phases=(GATED,)))
    run.decide("main/look", "failed")
    run.give(cmd.ResumeRun())
    run.give(cmd.CancelRun(by="ada"))
    status_at = {}
    state = INITIAL
    for version, event in enumerate(run.events, 1):
        state = evolve(state, event)
        status_at[version] = state.status
    found = told(run)
    assert {item.version: item.after for item in found} == {
        item.version: status_at[item.version] for item in found
    }
    assert found[-1].after is state.status is RunStatus.CANCELLED


@pytest.mark.parametrize("status", RunStatus)
def test_what_can_be_asked_for_is_a_row_of_the_table(status: RunStatus) -> None:
    for target, trigger in reachable(status).items():
        assert RUN[status][trigger] is target
        assert target in (RunStatus.PAUSED, RunStatus.EXECUTING, RunStatus.CANCELLED)
