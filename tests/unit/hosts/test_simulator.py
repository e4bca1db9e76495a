"""The simulated world: time, faults one by one, and that its watch over promises really watches."""

from __future__ import annotations

from random import Random

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import GateSpec, PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.errors import VersionConflictError
from orchestrate.hosts.simulator.behaviour import Conduct, Judgement, Sampled, Scripted
from orchestrate.hosts.simulator.disk import Disk
from orchestrate.hosts.simulator.faults import (
    NO_FAULTS,
    ClockStep,
    Closure,
    Faults,
    Intervention,
    Mishap,
    Repeat,
)
from orchestrate.hosts.simulator.simulate import History, simulate
from orchestrate.hosts.simulator.world import START_AT, BrokenPromiseError, Crash, World
from tests.unit.core.running.drive import agent_task, gate, task, workflow

TASK = TaskSpec("a", "main", run="true", expected_s=10.0)
ONE = workflow(TASK)


def world(faults: Faults = NO_FAULTS, behaviour: Scripted | None = None) -> World:
    made = World(0, behaviour or Scripted(), faults, Disk())
    made.begin_life()
    return made


def names(history: History) -> list[str]:
    return [type(event).__name__ for event in history.events]


# -- the watch ---------------------------------------------------------------------------------


def test_work_that_was_finished_must_not_be_asked_for_again() -> None:
    seen = world()
    seen.perform(AttemptKey("r", "a", 1), TASK)
    assert seen.wait(None)
    with pytest.raises(BrokenPromiseError, match="r:a:2 is asked for after r:a:1"):
        seen.perform(AttemptKey("r", "a", 2), TASK)


def test_one_task_must_not_be_worked_on_twice_at_once() -> None:
    seen = world()
    seen.perform(AttemptKey("r", "a", 1), TASK)
    with pytest.raises(BrokenPromiseError, match="beside r:a:1"):
        seen.perform(AttemptKey("r", "a", 2), TASK)


def test_failed_work_may_be_asked_for_again() -> None:
    seen = world(behaviour=Scripted({("a", 1): Conduct(1.0, "exit")}))
    seen.perform(AttemptKey("r", "a", 1), TASK)
    assert seen.wait(None)
    seen.perform(AttemptKey("r", "a", 2), TASK)
    assert [each.ended for each in seen.performed] == ["exit", ""]


def test_recovery_stops_what_works_and_finds_what_was_recorded() -> None:
    seen = world()
    key = AttemptKey("r", "a", 1)
    seen.perform(key, TASK)
    assert seen.recover(key) is None
    assert seen.performed[0].ended == "stopped"
    second = AttemptKey("r", "a", 2)
    seen.perform(second, TASK)
    seen.end_life()
    seen.pass_by(60.0)
    assert seen.recover(second) == Conduct(10.0)
    assert seen.mailbox == []


def test_disk_refuses_an_append_at_another_version() -> None:
    disk = Disk()
    event = ev.RunStarted(at=1.0)
    disk.append(0, [event], {})
    with pytest.raises(VersionConflictError):
        disk.append(0, [event], {})
    assert disk.events() == (event,)


def test_host_dies_at_the_points_of_the_schedule() -> None:
    seen = world(Faults(crashes=frozenset({2})))
    seen.point()
    with pytest.raises(Crash):
        seen.point()


# -- time --------------------------------------------------------------------------------------


def test_time_is_virtual_and_the_makespan_is_the_critical_path() -> None:
    plan = workflow(
        TaskSpec("a", "main", run="true", expected_s=3_600.0),
        TaskSpec("b", "main", run="true", expected_s=60.0),
        TaskSpec("c", "main", run="true", expected_s=600.0, needs=("a", "b")),
    )
    history = simulate(plan, behaviour=Scripted())
    # The task's own time-out of half an hour cuts the first one short.
    assert history.statuses["a"] == "failed"
    assert history.makespan_s == 1_800.0


def test_task_runs_into_its_time_out() -> None:
    plan = workflow(TaskSpec("a", "main", run="true", timeout_s=5.0))
    history = simulate(plan, behaviour=Scripted({("a", 1): Conduct(99.0)}))
    assert history.state.task("a").cause == "timeout"
    assert history.makespan_s == 5.0


def test_backoff_passes_in_virtual_time() -> None:
    policy = RetryPolicy(max_attempts=2, backoff_s=30.0)
    plan = workflow(TaskSpec("a", "main", run="true", retry=policy, expected_s=1.0))
    history = simulate(plan, behaviour=Scripted({("a", 1): Conduct(1.0, "exit")}))
    assert [each.started_s for each in history.performed] == [0.0, 31.0]


@pytest.mark.parametrize("by_s", [-1_000.0, 1_000.0])
def test_clock_step_changes_times_and_nothing_else(by_s: float) -> None:
    calm = simulate(ONE, behaviour=Scripted())
    history = simulate(
        ONE, behaviour=Scripted(), faults=Faults(clock_steps=(ClockStep(5.0, by_s),))
    )
    assert names(history) == names(calm)
    assert history.events[-1].at == START_AT + 10.0 + by_s


# -- faults, one by one ------------------------------------------------------------------------


def test_mishap_fails_the_attempt_it_names() -> None:
    history = simulate(ONE, faults=Faults(mishaps=(Mishap(1, "output_limit"),)))
    assert history.state.task("a").cause == "output_limit"


def test_crash_costs_a_life_and_is_adopted_by_the_next() -> None:
    calm = simulate(ONE)
    history = simulate(ONE, faults=Faults(crashes=frozenset({calm.points // 2})))
    assert history.lives == 2
    assert names(history).count("RunAdopted") == 2


def test_damaged_snapshot_is_passed_over() -> None:
    faults = Faults(crashes=frozenset({16}), snapshot_every=1, damaged_snapshots=True)
    history = simulate(ONE, faults=faults)
    assert history.lives == 2
    assert history.statuses == {"a": "succeeded"}


def test_report_that_arrives_twice_counts_once() -> None:
    calm = simulate(ONE)
    assert simulate(ONE, faults=Faults(repeats=(Repeat(1, 0.0),))).events == calm.events


def test_commands_from_outside_are_obeyed_or_answered_with_the_reason() -> None:
    commands: tuple[cmd.AnyCommand, ...] = (
        cmd.PauseRun(by="ada"),
        cmd.PauseRun(by="ada"),
        cmd.ResumeRun(by="ada"),
    )
    faults = Faults(interventions=tuple(Intervention(1.0 + n, c) for n, c in enumerate(commands)))
    history = simulate(ONE, behaviour=Scripted(), faults=faults)
    assert [bool(answer) for answer in history.answers] == [False, True, False]
    assert "PauseRun is not possible while the run is paused" in history.answers[1]
    assert names(history)[-1] == "RunCompleted"


# -- people ------------------------------------------------------------------------------------


def test_run_whose_gate_nobody_answers_waits_there() -> None:
    phases = (PhaseSpec("main", gates=(gate("ok"),)),)
    history = simulate(workflow(task("a"), phases=phases), behaviour=Scripted(gates={"ok": ()}))
    assert not history.ended
    assert history.state.gates["main/ok"].status.value == "open"


def test_gate_is_asked_anew_after_a_resume() -> None:
    phases = (PhaseSpec("main", gates=(GateSpec("ok", "human", approvers=("ada",)),)),)
    answers = (Judgement(5.0, "failed", by="ada"), Judgement(5.0, by="ada"))
    history = simulate(
        workflow(task("a"), phases=phases),
        behaviour=Scripted(gates={"ok": answers}, resumes=1),
    )
    assert names(history).count("GateOpened") == 2
    assert history.state.status.value == "completed"
    assert len(history.performed) == 1


# -- behaviour ---------------------------------------------------------------------------------


def test_sampled_durations_surround_the_expected_one() -> None:
    behaviour = Sampled(spread=0.3)
    drawn = [behaviour.attempt(TASK, 1, Random(seed)).duration_s for seed in range(500)]
    assert min(drawn) < 10.0 < max(drawn)
    assert sorted(drawn)[250] == pytest.approx(10.0, rel=0.1)
    exact = Sampled(spread=0.0).attempt(TASK, 1, Random(0))
    assert exact == Conduct(10.0)


def test_sampled_failures_come_at_their_rate() -> None:
    behaviour = Sampled(failure_rate=0.25, causes=("exit", "crash"))
    causes = [behaviour.attempt(TASK, 1, Random(seed)).cause for seed in range(1_000)]
    assert 200 < sum(cause is not None for cause in causes) < 300
    assert {"exit", "crash"} <= set(causes)


def test_what_an_attempt_does_depends_on_the_seed_and_itself_alone() -> None:
    plan = workflow(task("a"), task("b"))
    first, again, other = (simulate(plan, seed=seed) for seed in (1, 1, 2))
    assert first == again
    spans = [{p.key.task: p.ended_s for p in history.performed} for history in (first, other)]
    assert spans[0] != spans[1]
    alone = simulate(workflow(task("a")), seed=1)
    assert alone.performed[0].ended_s == spans[0]["a"]


def test_a_task_must_not_be_worked_on_while_a_person_has_it() -> None:
    made = world()
    made.note([ev.TaskHanded(at=0.0, task="a", number=1)])
    with pytest.raises(BrokenPromiseError, match="a person has the task"):
        made.perform(AttemptKey("r", "a", 2), TASK)
    made.note([ev.AttemptFailed(at=0.0, task="a", number=1, cause="refusal")])
    made.perform(AttemptKey("r", "a", 2), TASK)


def test_a_rate_gate_is_closed_for_as_long_as_the_schedule_says() -> None:
    made = world(Faults(closures=(Closure("anthropic", 10.0, 5.0),)))
    seen = {}
    for at in (0.0, 10.0, 14.0, 15.0):
        made.pass_by(at - made.now_s)
        seen[at] = [(name, view.free, view.until) for name, view in made.providers().items()]
    closed = [("anthropic", 0, START_AT + 15.0)]
    assert seen == {0.0: [], 10.0: closed, 14.0: closed, 15.0: []}


def test_agents_wait_in_virtual_time_until_their_provider_opens() -> None:
    faults = Faults(closures=(Closure("anthropic", 0.0, 50.0),))
    history = simulate(workflow(agent_task("a"), task("b")), behaviour=Scripted(), faults=faults)
    began = {performed.key.task: performed.started_s for performed in history.performed}
    assert began == {"a": 50.0, "b": 0.0}


def test_a_provider_that_says_how_long_is_waited_for_so_long() -> None:
    behaviour = Scripted({("a", 1): Conduct(1.0, "rate_limit", retry_after_s=90.0)})
    history = simulate(workflow(agent_task("a")), behaviour=behaviour)
    assert [performed.started_s for performed in history.performed] == [0.0, 91.0]


def test_a_task_nobody_hands_in_is_waited_for() -> None:
    human = TaskSpec("a", "main", agent="x", backend="human")
    behaviour = Scripted(handings={("a", 1): None})
    history = simulate(workflow(human, task("b")), behaviour=behaviour)
    assert not history.ended
    assert history.statuses == {"a": "handed", "b": "succeeded"}
