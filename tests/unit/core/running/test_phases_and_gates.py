"""Phases follow one another, stop at trouble or go round it, and wait at their gates."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import (
    EVIDENCE_GATES,
    GateKind,
    GateSpec,
    PhaseSpec,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.effects import AskPerson, EvaluateGate, WakeAt
from orchestrate.core.running.events import GateDecided, GateReminded
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import IllegalCommandError, RequestError
from tests.unit.core.running.drive import Run, gate, task, workflow


def two_phases(*gates: GateSpec, **more: object) -> Run:
    phases = (PhaseSpec("one", gates=gates), PhaseSpec("two", depends_on=("one",)))
    tasks = (task("a", phase="one"), task("b", phase="two"))
    return Run(workflow(*tasks, phases=phases, **more)).start()  # type: ignore[arg-type]


def test_later_phase_waits_for_the_earlier_one() -> None:
    run = two_phases()
    assert run.statuses == {"a": "ready", "b": "blocked"}
    run.succeed("a")
    assert run.statuses == {"a": "succeeded", "b": "ready"}


def test_phases_without_dependency_run_side_by_side() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two"))
    run = Run(workflow(task("a", phase="one"), task("b", phase="two"), phases=phases)).start()
    assert run.eligible == ["a", "b"]


def test_phase_with_two_before_it_waits_for_both() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two"), PhaseSpec("last", depends_on=("one", "two")))
    tasks = (task("a", phase="one"), task("b", phase="two"), task("c", phase="last"))
    run = Run(workflow(*tasks, phases=phases)).start()
    run.succeed("a")
    assert run.statuses["c"] == "blocked"
    run.succeed("b")
    assert run.statuses["c"] == "ready"


def test_failure_stops_the_run_once_what_runs_has_ended() -> None:
    run = Run(workflow(task("a"), task("b"), task("c"), max_parallel=2)).start()
    run.begin("a", "b")
    run.fail("a")
    assert run.status == "executing"
    assert run.state.stopping == "task a failed"
    assert run.eligible == []
    with pytest.raises(IllegalCommandError, match="stopping"):
        run.begin("c")
    run.succeed("b")
    assert run.status == "failed"
    assert run.state.failed_task == "a"
    assert run.statuses == {"a": "failed", "b": "succeeded", "c": "ready"}


def test_run_that_continues_after_failure_does_all_it_can_and_then_fails() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))
    tasks = (
        task("a", phase="one"),
        task("b", phase="one"),
        task("c", phase="two"),
        task("d", phase="two", trigger="all_done"),
    )
    run = Run(workflow(*tasks, phases=phases, on_failure="continue")).start()
    run.fail("a")
    run.succeed("b")
    assert run.statuses == {"a": "failed", "b": "succeeded", "c": "skipped", "d": "ready"}
    assert run.state.task("c").skipped_by == "phase"
    run.succeed("d")
    assert run.status == "failed"
    assert run.state.failed_task == "a"


# -- gates -------------------------------------------------------------------------------------


def test_gates_open_when_the_phase_has_worked_and_hold_the_next() -> None:
    run = two_phases(gate("person"), gate("tests", "command", command="true"))
    assert run.pending == []
    run.succeed("a")
    assert {type(effect) for effect in run.pending} == {AskPerson, EvaluateGate}
    assert run.statuses["b"] == "blocked"
    assert phase_status(run.state, 0) == "gated"
    run.decide("one/person")
    assert run.statuses["b"] == "blocked"
    run.decide("one/tests")
    assert run.statuses["b"] == "ready"
    assert phase_status(run.state, 0) == "done"


@pytest.mark.parametrize("verdict", ["failed", "unknown"])
def test_gate_that_is_not_passed_fails_the_run(verdict: str) -> None:
    run = two_phases(gate("person"))
    run.succeed("a")
    run.decide("one/person", verdict)
    assert run.status == "failed"
    assert run.state.failed_gate == "one/person"
    assert run.statuses == {"a": "succeeded", "b": "blocked"}


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("tasks.a.ok", RunStatus.EXECUTING),
        ("not tasks.a.ok", RunStatus.FAILED),
        ("tasks.a.metrics.absent == 0", RunStatus.FAILED),
    ],
)
def test_condition_gate_is_decided_by_the_engine(condition: str, status: RunStatus) -> None:
    run = two_phases(gate("sane", "condition", condition=condition))
    run.succeed("a")
    assert run.state.status is status
    decided = next(event for event in run.events if isinstance(event, GateDecided))
    expected = "passed" if status is RunStatus.EXECUTING else "failed"
    assert decided.verdict == ("unknown" if "absent" in condition else expected)
    assert decided.evidence == {"condition": condition}


def test_gate_without_an_answer_by_its_deadline_is_unknown() -> None:
    run = two_phases(gate("person", deadline_s=60.0))
    run.succeed("a")
    assert WakeAt(run.now + 60.0) in run.pending
    run.now += 59.0
    assert run.give(cmd.PassTime()) == []
    run.now += 1.0
    run.give(cmd.PassTime())
    decided = next(event for event in run.events if isinstance(event, GateDecided))
    assert (decided.verdict, decided.by) == ("unknown", "deadline")
    assert run.status == "failed"


def test_deadline_is_for_people_not_for_commands() -> None:
    run = two_phases(gate("tests", "command", command="true", deadline_s=60.0))
    run.succeed("a")
    run.now += 600.0
    assert run.give(cmd.PassTime()) == []


def test_person_is_reminded_again_and_again_until_the_deadline() -> None:
    run = two_phases(gate("person", remind_s=20.0, deadline_s=50.0))
    run.succeed("a")
    assert WakeAt(run.now + 20.0) in run.pending
    for _ in range(2):
        run.now += 19.0
        assert run.give(cmd.PassTime()) == []
        run.now += 1.0
        assert [type(event) for event in run.give(cmd.PassTime())] == [GateReminded]
        assert run.give(cmd.PassTime()) == []
    run.now += 20.0
    run.give(cmd.PassTime())
    assert run.last(GateDecided).by == "deadline"
    assert sum(isinstance(event, GateReminded) for event in run.events) == 2


def test_gate_that_is_asked_anew_is_reminded_of_from_then_on() -> None:
    run = two_phases(gate("person", remind_s=20.0))
    run.succeed("a")
    run.now += 20.0
    run.give(cmd.PassTime())
    run.decide("one/person", "failed")
    run.now += 100.0
    run.give(cmd.ResumeRun())
    assert run.state.gates["one/person"].reminded_at == 0.0
    assert WakeAt(run.now + 20.0) in run.pending
    assert run.give(cmd.PassTime()) == []


def test_nobody_is_reminded_while_the_run_is_paused() -> None:
    run = two_phases(gate("person", remind_s=20.0))
    run.succeed("a")
    run.give(cmd.PauseRun())
    run.now += 60.0
    assert run.give(cmd.PassTime()) == []


@pytest.mark.parametrize("kind", sorted(EVIDENCE_GATES))
def test_evidence_decides_what_the_engine_can_look_at(kind: GateKind) -> None:
    run = two_phases(gate("look", kind))
    run.succeed("a")
    assert EvaluateGate("one/look", run.now) in run.pending
    with pytest.raises(RequestError, match="decided by evidence, not by a person"):
        run.give(cmd.DecideGate(gate="one/look", verdict="passed", by="ada", human=True))
    run.decide("one/look")
    assert run.statuses["b"] == "ready"


def test_gate_that_only_looks_at_merges_is_not_asked_at_the_end() -> None:
    run = two_phases(gate("each", "tests", each_merge=True, at_end=False))
    run.succeed("a")
    assert run.statuses["b"] == "ready"
    assert dict(run.state.gates) == {}
    assert [name for name, _ in run.state.index.merge_gates[0]] == ["one/each"]


def test_resuming_asks_the_gate_anew_and_keeps_the_work() -> None:
    run = two_phases(gate("person"))
    run.succeed("a")
    run.decide("one/person", "failed")
    run.give(cmd.ResumeRun())
    assert run.statuses == {"a": "succeeded", "b": "blocked"}
    assert [type(effect) for effect in run.pending] == [AskPerson]
    run.decide("one/person")
    assert run.statuses["b"] == "ready"


def test_phase_of_gates_alone_is_asked() -> None:
    phases = (
        PhaseSpec("work"),
        PhaseSpec("approval", depends_on=("work",), gates=(gate("person"),)),
        PhaseSpec("ship", depends_on=("approval",)),
    )
    run = Run(workflow(task("a", phase="work"), task("b", phase="ship"), phases=phases)).start()
    run.succeed("a")
    assert run.statuses["b"] == "blocked"
    assert run.state.gates["approval/person"].status.value == "open"


def test_phase_left_without_work_by_a_tolerated_failure_is_still_asked() -> None:
    phases = (
        PhaseSpec("work"),
        PhaseSpec("review", depends_on=("work",), gates=(gate("person"),)),
        PhaseSpec("ship", depends_on=("review",)),
    )
    run = Run(
        workflow(
            task("a", phase="work"),
            task("note", "a", phase="work", trigger="all_done"),
            task("look", "a", phase="review"),
            task("publish", phase="ship"),
            phases=phases,
        )
    ).start()
    run.fail("a")
    run.succeed("note")
    assert run.statuses["look"] == "skipped"
    assert run.statuses["publish"] == "blocked"
    assert run.state.gates["review/person"].status.value == "open"


def test_phase_that_was_not_wanted_is_not_asked() -> None:
    phases = (PhaseSpec("main", when="inputs.wanted", gates=(gate("person"),)),)
    run = Run(workflow(task("a"), phases=phases), {"wanted": False}).start()
    assert run.status == "completed"


# -- who may decide ----------------------------------------------------------------------------


def test_only_named_people_decide() -> None:
    run = two_phases(gate("person", approvers=("ada",)))
    run.succeed("a")
    with pytest.raises(RequestError, match="eve may not decide") as refused:
        run.decide("one/person", by="eve")
    assert refused.value.remedy == "one of: ada"
    run.decide("one/person", by="ada")
    assert run.state.gates["one/person"].by == "ada"


def test_people_do_not_decide_by_evidence_nor_the_engine_for_people() -> None:
    run = two_phases(gate("person"), gate("tests", "command", command="true"))
    run.succeed("a")
    for name, human in (("one/person", False), ("one/tests", True)):
        with pytest.raises(RequestError, match="is decided by"):
            run.give(cmd.DecideGate(gate=name, verdict="passed", by="x", human=human))


def test_gate_that_is_not_open_is_refused_to_people_and_stale_for_the_engine() -> None:
    run = two_phases(gate("person"), gate("tests", "command", command="true"))
    with pytest.raises(IllegalCommandError, match="is closed"):
        run.decide("one/person")
    with pytest.raises(StaleAttemptError):
        run.decide("one/tests")
    with pytest.raises(RequestError, match="no gate one/other") as refused:
        run.give(cmd.DecideGate(gate="one/other", verdict="passed", by="x"))
    assert refused.value.remedy == "its gates: one/person, one/tests"


def test_verdict_on_an_earlier_opening_does_not_decide_the_present_one() -> None:
    run = two_phases(gate("tests", "command", command="true"))
    run.succeed("a")
    late = cmd.DecideGate(gate="one/tests", verdict="failed", by="engine", opened_at=run.now)
    run.give(late)
    run.now += 10.0
    run.give(cmd.ResumeRun())
    with pytest.raises(StaleAttemptError, match="asked anew"):
        run.give(late)
    assert run.state.gates["one/tests"].status.value == "open"


@pytest.mark.parametrize("ended", [RunStatus.CANCELLED, RunStatus.FAILED])
def test_gates_of_a_run_that_ended_are_not_decided(ended: RunStatus) -> None:
    run = two_phases(gate("person"), timeout_s=5.0)
    run.succeed("a")
    if ended is RunStatus.CANCELLED:
        run.give(cmd.CancelRun())
    else:
        run.now += 5.0
        run.give(cmd.PassTime())
    assert run.state.status is ended
    with pytest.raises(IllegalCommandError) as refused:
        run.decide("one/person")
    assert "DecideGate" not in refused.value.legal


def test_gate_can_be_decided_while_the_run_is_paused() -> None:
    run = two_phases(gate("person"))
    run.succeed("a")
    run.give(cmd.PauseRun())
    run.decide("one/person")
    run.give(cmd.ResumeRun())
    assert run.statuses["b"] == "ready"


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ("tasks.a.metrics.blocking > 0", False),
        ("tasks.a.metrics.blocking == 0", True),
        ("tasks.a.metrics.absent > 0", True),
    ],
)
def test_a_gate_with_a_condition_is_asked_only_where_that_holds_or_cannot_be_told(
    when: str, asked: bool
) -> None:
    phases = (PhaseSpec("main", gates=(gate("ok", when=when),)),)
    run = Run(workflow(task("a"), phases=phases)).start()
    run.succeed("a", metrics={"blocking": 0.0})
    if asked:
        assert run.state.gates["main/ok"].status.value == "open"
        return
    assert run.status == "completed"
    decided = run.last(ev.GateDecided)
    assert (decided.verdict, decided.by) == ("passed", "engine")
    assert "not asked" in decided.reason
