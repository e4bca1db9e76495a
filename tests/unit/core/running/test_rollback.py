"""Going back to a checkpoint: what is put back, what is not, who may, and when it happens alone."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.codec import decode_state, encode_state
from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError, legal_commands
from orchestrate.core.running.effects import EvaluateGate, MergeWorks, ReadList, TakeCheckpoint
from orchestrate.core.running.events import CheckpointTaken, RunFailed, RunRolledBack
from orchestrate.core.running.evolve import rederive
from orchestrate.core.running.rollback import facts
from orchestrate.errors import IllegalCommandError
from tests.unit.core.running.drive import (
    BASE,
    Run,
    gate,
    group,
    task,
    work_of,
    workflow,
    writer,
)

TESTS = gate("tests", "tests")
REVIEWED = (
    PhaseSpec("one"),
    PhaseSpec("two", depends_on=("one",), gates=(TESTS,)),
    PhaseSpec("three", depends_on=("two",)),
)


def step(name: str, phase: str, *needs: str, **more: object) -> TaskSpec:
    spec = TaskSpec(name, phase, run="true", needs=needs, writes=("**",))
    return msgspec.structs.replace(spec, **more)


def reviewed(*gates: GateSpec, **more: object) -> Run:
    """Three phases, the second behind a gate that looks at what was merged."""
    one, two, three = REVIEWED
    two = PhaseSpec("two", depends_on=("one",), gates=gates or (TESTS,))
    tasks = (step("a", "one"), step("b", "two"), step("c", "two", "b"), step("d", "three"))
    run = Run(workflow(*tasks, phases=(one, two, three), **more)).start()  # type: ignore[arg-type]
    run.deliver("a")
    run.merge("a")
    run.hold()
    return run


def done_second(run: Run) -> None:
    for name in ("b", "c"):
        run.deliver(name)
        run.merge(name)


# -- by hand -----------------------------------------------------------------------------------


def test_rollback_puts_back_line_and_records_and_pauses_the_run() -> None:
    run = reviewed()
    before = dict(run.statuses)
    line = run.state.line
    done_second(run)
    assert run.state.line != line
    run.roll_back("c3")
    assert run.status == "paused"
    assert (
        run.statuses == before == {"a": "succeeded", "b": "ready", "c": "blocked", "d": "blocked"}
    )
    assert run.state.line == line
    event = run.last(RunRolledBack)
    assert (event.checkpoint, event.by, event.automatic) == ("c3", "ada", False)
    # Only what differs travels in the event.
    assert set(event.tasks) == {"b", "c"}
    assert run.state.gates["two/tests"].status.value == "closed"


def test_rollback_takes_a_checkpoint_first_so_that_one_can_go_forward_again() -> None:
    run = reviewed()
    done_second(run)
    there = facts(run.state, "x")
    run.roll_back("c1")
    kept = run.events[-2]
    assert isinstance(kept, CheckpointTaken)
    assert (kept.kind, kept.note) == ("rollback", "before going to c1")
    assert run.state.line == BASE
    run.roll_back(kept.checkpoint)
    again = facts(run.state, "x")
    assert (again.line, again.workflow) == (there.line, there.workflow)
    assert again.tasks == there.tasks
    # The question that was open is asked anew.
    assert run.state.gates["two/tests"].status.value == "closed"
    run.now += 9.0
    run.give(cmd.ResumeRun())
    assert EvaluateGate("two/tests", run.now) in run.pending


def test_numbers_of_attempts_are_not_given_twice() -> None:
    run = reviewed()
    done_second(run)
    run.roll_back("c1")
    assert run.state.task("a").attempts == 0
    assert run.state.task("a").next_number == 2
    run.give(cmd.ResumeRun())
    run.begin("a")
    assert run.state.task("a").attempts == 2
    run.interrupt("a")
    run.give(cmd.PauseRun())
    run.roll_back("c1")
    run.give(cmd.ResumeRun())
    run.begin("a")
    assert run.state.task("a").attempts == 3


def test_what_was_at_work_starts_again_from_the_files_it_had() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.begin("a")
    run.give(cmd.AskCheckpoint())
    run.hold()
    run.succeed("a")
    run.roll_back("c2")
    found = run.state.task("a")
    assert (found.status.value, found.attempt, found.snapshot) == ("ready", None, "files of a.1")
    run.give(cmd.ResumeRun())
    run.begin("a")
    assert (run.state.task("a").attempts, run.state.task("a").snapshot) == (2, "files of a.1")
    run.deliver("a")
    assert run.state.task("a").snapshot == ""


def test_work_that_waited_to_be_merged_waits_again() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.deliver("a")
    assert run.last(CheckpointTaken).kind == "merge"
    run.merge("a")
    run.roll_back("c2")
    assert run.state.task("a").work == work_of("a", 1)
    run.give(cmd.ResumeRun())
    assert run.statuses["a"] == "merging"
    assert run.last(CheckpointTaken).kind == "merge"
    assert any(isinstance(each, MergeWorks) for each in run.pending)
    run.merge("a")
    assert run.state.line == "a"


def test_conflict_is_there_again_after_going_back_to_it() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.deliver("a")
    run.clash("a")
    run.give(cmd.AskCheckpoint())
    run.resolve("a")
    run.merge("a")
    run.roll_back("c3")
    found = run.state.task("a")
    assert (found.status.value, len(found.conflicts)) == ("conflicted", 1)


def test_rollback_of_an_expansion_takes_the_members_away_and_forward_brings_them_back() -> None:
    run = Run(workflow(task("list"), group("fix", writes=("**",)))).start()
    run.succeed("list")
    run.give(cmd.AskCheckpoint())
    run.expand("fix", "one", "two")
    run.deliver("fix.one")
    run.merge("fix.one")
    before = facts(run.state, "x")
    run.roll_back("c2")
    assert run.statuses == {"list": "succeeded", "fix": "ready"}
    assert dict(run.state.retired) == {"fix.one": 1, "fix.two": 0}
    assert run.last(RunRolledBack).workflow is not None
    run.roll_back(run.last(CheckpointTaken).checkpoint)
    assert facts(run.state, "x").tasks == before.tasks
    assert facts(run.state, "x").workflow == before.workflow
    assert dict(run.state.retired) == {}


def test_expansion_after_going_back_may_be_another_and_numbers_go_on() -> None:
    run = Run(workflow(task("list"), group("fix"))).start()
    run.succeed("list")
    run.give(cmd.AskCheckpoint())
    run.expand("fix", "one", "two")
    run.begin("fix.one")
    run.succeed("fix.one")
    run.roll_back("c1")
    run.give(cmd.ResumeRun())
    assert run.pending == [ReadList("fix")]
    late = cmd.SucceedAttempt(task="fix.one", number=1)
    with pytest.raises(StaleAttemptError, match="went back to where it had no task"):
        run.give(late)
    run.expand("fix", "one", "three")
    assert set(run.statuses) == {"list", "fix", "fix.one", "fix.three"}
    run.begin("fix.one", "fix.three")
    assert run.state.task("fix.one").attempts == 2
    assert run.state.task("fix.three").attempts == 1


def test_rollback_is_refused_while_attempts_are_at_work() -> None:
    run = reviewed()
    run.begin("b")
    assert "RollBack" not in legal_commands(run.state)
    with pytest.raises(IllegalCommandError, match="while attempts are at work"):
        run.roll_back("c1")
    run.give(cmd.PauseRun())
    with pytest.raises(IllegalCommandError, match="while attempts are at work"):
        run.roll_back("c1")
    run.interrupt("b")
    run.roll_back("c1")
    assert run.status == "paused"


@pytest.mark.parametrize("how", ["planning", "cancelled"])
def test_rollback_is_refused_before_the_start_and_after_a_cancellation(how: str) -> None:
    other = reviewed()
    run = Run(workflow(writer("a")))
    if how == "cancelled":
        run.start()
        run.give(cmd.CancelRun())
    with pytest.raises(IllegalCommandError, match=f"while the run is {how}"):
        run.give(cmd.RollBack(checkpoint="c1", target=other.kept["c1"]))


@pytest.mark.parametrize("status", ["executing", "paused", "failed", "completed"])
def test_rollback_is_possible_from_wherever_a_run_stands_still(status: str) -> None:
    run = Run(workflow(writer("a"), task("b", "a"))).start()
    if status == "paused":
        run.give(cmd.PauseRun())
    elif status == "failed":
        run.fail("a")
    elif status == "completed":
        run.deliver("a")
        run.merge("a")
        run.succeed("b")
        run.hold()
        run.give(cmd.RecordPublication(branch="orchestrate/r", commit=run.state.line))
    assert run.status == status
    run.roll_back("c1")
    assert run.status == "paused"
    assert (run.state.published, run.state.failed_task, run.state.ended_at) == ("", "", 0.0)
    run.give(cmd.ResumeRun())
    assert run.statuses == {"a": "ready", "b": "blocked"}


def test_published_run_that_went_back_publishes_again() -> None:
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.merge("a")
    run.hold()
    publication = cmd.RecordPublication(branch="orchestrate/r", commit=run.state.line)
    run.give(publication)
    assert run.status == "completed"
    run.roll_back("c1")
    run.give(cmd.ResumeRun())
    run.deliver("a")
    run.merge("a")
    run.hold()
    run.give(publication)
    assert run.status == "completed"


def test_state_after_rollbacks_survives_being_stored() -> None:
    run = Run(workflow(task("list"), group("fix", writes=("**",)), writer("a"))).start()
    run.succeed("list")
    run.give(cmd.AskCheckpoint())
    run.expand("fix", "one")
    run.deliver("fix.one")
    run.merge("fix.one")
    run.roll_back("c2")
    run.give(cmd.ResumeRun())
    run.begin("a")
    run.give(cmd.AskCheckpoint(note="later"))
    state = run.state
    assert state.due is not None
    assert state.stable is not None
    assert state.retired
    assert decode_state(encode_state(state)) == state
    assert rederive(state) == state


def test_stable_checkpoint_of_another_plan_survives_being_stored() -> None:
    run = Run(workflow(task("list"), group("fix", writes=("**",)))).start()
    run.succeed("list")
    run.expand("fix", "one")
    state = run.state
    assert state.stable is not None
    assert state.stable.plan != state.plan
    assert decode_state(encode_state(state)) == state


# -- by itself ---------------------------------------------------------------------------------


def test_gate_that_fails_takes_the_run_back_to_before_its_phase() -> None:
    run = reviewed()
    line = run.state.line
    done_second(run)
    run.give(
        cmd.DecideGate(gate="two/tests", verdict="failed", by="engine", reason="2 tests failed")
    )
    assert run.status == "failed"
    assert run.state.line == line
    assert run.statuses == {"a": "succeeded", "b": "ready", "c": "blocked", "d": "blocked"}
    failed, kept, back = run.events[-3:]
    assert isinstance(failed, RunFailed)
    assert isinstance(kept, CheckpointTaken)
    assert isinstance(back, RunRolledBack)
    assert kept.kind == "failure"
    assert (back.automatic, back.checkpoint) == (True, "c3")
    assert back.reason == "gate two/tests failed: 2 tests failed"
    assert run.state.failed_gate == "two/tests"


def test_what_is_taken_back_is_done_anew_with_the_reason() -> None:
    run = reviewed()
    done_second(run)
    run.decide("two/tests", "failed")
    run.give(cmd.ResumeRun())
    assert run.grant() == ("b",)
    found = run.state.task("b")
    assert (found.attempts, found.cause) == (2, "checks_failed")
    assert found.message == "gate two/tests failed"
    run.deliver("b")
    run.merge("b")
    assert run.state.task("b").message == ""
    assert run.state.task("c").message == "gate two/tests failed"
    run.deliver("c")
    run.merge("c")
    run.decide("two/tests")
    assert run.state.gates["two/tests"].status.value == "passed"
    assert isinstance(run.pending[0], TakeCheckpoint)


def test_what_a_gate_took_back_can_be_looked_at_again() -> None:
    run = reviewed()
    done_second(run)
    line = run.state.line
    run.decide("two/tests", "failed")
    run.roll_back(run.last(CheckpointTaken).checkpoint)
    assert run.state.line == line
    assert run.statuses["c"] == "succeeded"
    run.give(cmd.ResumeRun())
    # The gate had failed there: the run stops again, and does not fall back a second time.
    assert run.status == "failed"
    assert run.state.line == line
    run.give(cmd.ResumeRun())
    assert run.state.gates["two/tests"].status.value == "open"


def test_verdict_that_is_unknown_takes_nothing_back() -> None:
    run = reviewed()
    done_second(run)
    line = run.state.line
    run.decide("two/tests", "unknown")
    assert run.status == "failed"
    assert run.state.line == line
    assert run.statuses["c"] == "succeeded"
    assert not any(isinstance(event, RunRolledBack) for event in run.events)


def test_workflow_may_say_that_nothing_is_taken_back() -> None:
    run = reviewed(rollback="never")
    done_second(run)
    line = run.state.line
    run.decide("two/tests", "failed")
    assert (run.status, run.state.line) == ("failed", line)
    run.give(cmd.ResumeRun())
    assert any(isinstance(each, EvaluateGate) for each in run.pending)


def test_person_who_refuses_takes_it_back_too() -> None:
    run = reviewed(gate("review"))
    done_second(run)
    run.decide("two/review", "failed")
    assert run.last(RunRolledBack).automatic


def test_gate_over_nothing_merged_takes_nothing_back() -> None:
    run = reviewed()
    run.succeed("b")
    run.succeed("c")
    run.decide("two/tests", "failed")
    assert run.status == "failed"
    assert run.statuses["c"] == "succeeded"
    assert not any(isinstance(event, RunRolledBack) for event in run.events)


def test_task_that_fails_takes_back_nothing_that_was_merged() -> None:
    run = reviewed()
    run.deliver("b")
    run.merge("b")
    line = run.state.line
    run.fail("c")
    assert (run.status, run.state.line) == ("failed", line)
    assert run.statuses["b"] == "succeeded"


def test_run_without_a_line_is_never_taken_back() -> None:
    phases = (PhaseSpec("one", gates=(gate("ok", "command", command="x"),)),)
    run = Run(workflow(task("a", phase="one"), phases=phases)).start()
    run.succeed("a")
    run.decide("one/ok", "failed")
    assert run.statuses == {"a": "succeeded"}
    assert not any(isinstance(event, RunRolledBack) for event in run.events)


def test_phase_that_ends_while_the_run_stops_is_no_place_to_fall_back_to() -> None:
    phases = (PhaseSpec("one", gates=(TESTS,)), PhaseSpec("beside"), PhaseSpec("third"))
    tasks = (step("a", "one"), step("side", "beside"), step("more", "third"))
    run = Run(workflow(*tasks, phases=phases)).start()
    run.begin("side", "more")
    run.deliver("a")
    run.merge("a")
    run.decide("one/tests", "failed")
    assert run.status == "executing"
    run.deliver("side", "more")
    run.merge("side")
    run.hold()
    ended = run.last(CheckpointTaken)
    assert (ended.kind, ended.quiet) == ("phase", True)
    run.merge("more")
    assert run.status == "failed"
    # All were merged since the beginning, and the gate has to see all of it again.
    assert run.last(RunRolledBack).checkpoint == "c1"
    assert run.state.line == BASE
    assert set(run.statuses.values()) == {"ready"}


def test_expansion_is_taken_back_with_the_phase_it_was_made_in() -> None:
    phases = (PhaseSpec("main", gates=(TESTS,)),)
    run = Run(workflow(task("list"), group("fix", writes=("**",)), phases=phases)).start()
    run.succeed("list")
    run.expand("fix", "one")
    run.deliver("fix.one")
    run.merge("fix.one")
    run.decide("main/tests", "failed")
    assert run.status == "failed"
    assert run.statuses == {"list": "ready", "fix": "blocked"}
    run.give(cmd.ResumeRun())
    run.succeed("list")
    run.expand("fix", "one")
    run.begin("fix.one")
    assert run.state.task("fix.one").attempts == 2


def test_files_that_are_put_back_stand_on_the_commit_they_were_made_from() -> None:
    run = Run(workflow(writer("a", writes=("a",)), writer("b", writes=("b",)))).start()
    run.hold()
    run.begin("a", "b")
    began_at = run.state.task("a").base
    run.deliver("b")
    run.merge("b")
    run.give(cmd.AskCheckpoint())
    run.hold()
    checkpoint = f"c{run.state.checkpoints}"
    run.interrupt("a")
    run.roll_back(checkpoint)
    run.give(cmd.ResumeRun())
    run.hold()
    run.begin("a")
    record = run.state.task("a")
    assert record.snapshot and run.state.line != began_at
    # On the line they would take back what was merged since they were made.
    assert record.base == began_at
