"""Checkpoints: when one is owed, what it holds, and when it takes the host to make it."""

from __future__ import annotations

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.effects import (
    MergeWorks,
    PerformAttempt,
    TakeCheckpoint,
    WakeAt,
)
from orchestrate.core.running.events import CheckpointDue, CheckpointTaken
from orchestrate.errors import IllegalCommandError
from tests.unit.core.running.drive import BASE, Run, gate, taken, task, workflow, writer

PHASES = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))


def phased(*more: TaskSpec) -> Run:
    """A run of two phases whose first task writes."""
    first = TaskSpec("a", "one", run="true", writes=("**",))
    second = TaskSpec("b", "two", run="true", writes=("**",))
    return Run(workflow(first, second, *more, phases=PHASES)).start()


def owed(run: Run) -> TakeCheckpoint | None:
    return next((each for each in run.pending if isinstance(each, TakeCheckpoint)), None)


def kinds(run: Run) -> list[str]:
    return [event.kind for event in run.events if isinstance(event, CheckpointTaken)]


# -- when --------------------------------------------------------------------------------------


def test_run_that_writes_begins_with_a_checkpoint() -> None:
    run = phased()
    first = run.last(CheckpointTaken)
    assert (first.checkpoint, first.kind, first.line, first.quiet) == ("c1", "start", BASE, True)
    assert run.state.stable is not None
    assert run.state.stable.checkpoint == "c1"


def test_run_that_writes_nothing_takes_none_by_itself() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))
    run = Run(workflow(task("a", phase="one"), task("b", phase="two"), phases=phases)).start()
    run.begin("a")
    run.now += 10_000.0
    run.give(cmd.PassTime())
    run.succeed("a")
    run.succeed("b")
    assert run.status == "completed"
    assert kinds(run) == []


def test_checkpoint_comes_before_delivered_work_is_merged() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.begin("b")
    run.deliver("a")
    effect = owed(run)
    assert effect == TakeCheckpoint(
        kind="merge",
        note="",
        by="",
        line=BASE,
        attempts=(AttemptKey("r", "b", 1),),
        checkpoint="c2",
    )
    assert not any(isinstance(each, MergeWorks) for each in run.pending)
    run.hold()
    held = run.last(CheckpointTaken)
    assert (held.snapshots, held.missing, held.quiet) == ({"b": "files of b.1"}, {}, False)
    assert any(isinstance(each, MergeWorks) for each in run.pending)


def test_checkpoint_before_a_merge_takes_no_host_when_nothing_is_at_work() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.begin("b")
    run.deliver("a")
    assert owed(run) is None
    assert kinds(run) == ["start", "merge"]
    # The task at work writes nothing: there is no workspace to hold, yet it was no quiet moment.
    assert not run.last(CheckpointTaken).quiet


def test_end_of_a_phase_in_which_the_line_moved_is_marked_on_it() -> None:
    run = phased()
    run.deliver("a")
    run.merge("a")
    effect = owed(run)
    assert effect is not None
    assert (effect.kind, effect.mark, effect.line) == ("phase", ("one",), "a")
    run.hold()
    assert run.state.line == "a|one"
    assert run.last(CheckpointTaken).quiet
    assert run.state.stable is not None
    assert (run.state.stable.checkpoint, run.state.stable.line) == ("c3", "a|one")


def test_end_of_a_phase_in_which_nothing_was_merged_takes_no_host() -> None:
    run = phased()
    run.succeed("a")
    assert kinds(run) == ["start", "phase"]
    assert run.state.line == BASE
    assert run.eligible == ["b"]


def test_nothing_starts_until_the_end_of_a_phase_was_held() -> None:
    run = phased()
    run.deliver("a")
    run.merge("a")
    assert run.statuses["b"] == "ready"
    assert run.grant() == ()
    with pytest.raises(IllegalCommandError, match="its checkpoint is taken first"):
        run.begin("b")
    run.hold()
    assert run.grant() == ("b",)
    assert run.state.task("b").base == "a|one"


def test_end_of_a_phase_does_not_wait_for_another_that_is_at_work() -> None:
    phases = (*PHASES, PhaseSpec("beside"))
    beside = TaskSpec("side", "beside", run="true", writes=("**",))
    more = TaskSpec("more", "beside", run="true")
    first = TaskSpec("a", "one", run="true", writes=("**",))
    run = Run(workflow(first, beside, more, phases=phases)).start()
    run.begin("side")
    run.deliver("a")
    run.merge("a")
    assert run.grant() == ("more",)
    run.hold()
    marked = run.last(CheckpointTaken)
    assert (marked.kind, marked.line, marked.quiet) == ("phase", "a|one,two", False)
    # A moment at which something was at work is none to fall back to.
    assert run.state.stable is not None
    assert run.state.stable.checkpoint == "c1"


def test_interval_passes_while_attempts_are_at_work() -> None:
    run = Run(workflow(writer("a"), task("b"), checkpoint_every_s=60.0)).start()
    assert not any(isinstance(each, WakeAt) for each in run.pending)
    run.begin("a")
    assert WakeAt(run.now + 60.0) in run.pending
    run.now += 59.0
    assert run.give(cmd.PassTime()) == []
    run.now += 1.0
    assert [type(event) for event in run.give(cmd.PassTime())] == [CheckpointDue]
    assert run.give(cmd.PassTime()) == []
    effect = owed(run)
    assert effect is not None
    assert (effect.kind, effect.attempts) == ("interval", (AttemptKey("r", "a", 1),))
    run.hold()
    assert kinds(run) == ["start", "interval"]
    assert WakeAt(run.now + 60.0) in run.pending


def test_interval_is_an_event_alone_while_nothing_that_writes_is_at_work() -> None:
    run = Run(workflow(writer("a"), task("b"), checkpoint_every_s=60.0)).start()
    run.begin("b")
    run.now += 60.0
    events = run.give(cmd.PassTime())
    assert [type(event) for event in events] == [CheckpointDue, CheckpointTaken]


# -- by hand -----------------------------------------------------------------------------------

ASK = cmd.AskCheckpoint(note="before the party", by="ada")


@pytest.mark.parametrize("paused", [False, True])
def test_by_hand_while_something_is_at_work(paused: bool) -> None:
    run = phased()
    run.begin("a")
    if paused:
        run.give(cmd.PauseRun())
    run.give(ASK)
    assert run.state.due is not None
    effect = owed(run)
    assert effect is not None
    assert (effect.kind, effect.note, effect.by) == ("manual", "before the party", "ada")
    run.hold()
    held = run.last(CheckpointTaken)
    assert (held.kind, held.note, held.by) == ("manual", "before the party", "ada")
    assert held.snapshots == {"a": "files of a.1"}
    assert run.state.due is None


def test_by_hand_while_nothing_is_at_work() -> None:
    run = phased()
    run.give(cmd.PauseRun())
    events = run.give(ASK)
    assert [type(event) for event in events] == [CheckpointTaken]
    assert run.last(CheckpointTaken).note == "before the party"


def test_by_hand_in_a_run_without_a_line() -> None:
    run = Run(workflow(task("a"))).start()
    run.begin("a")
    run.give(ASK)
    held = run.last(CheckpointTaken)
    assert (held.line, held.snapshots, held.missing, held.quiet) == ("", {}, {}, False)


def test_by_hand_after_a_failure_names_what_it_cannot_hold() -> None:
    run = Run(workflow(writer("a"), writer("b"), timeout_s=60.0)).start()
    run.begin("a", "b")
    run.now += 60.0
    run.give(cmd.PassTime())
    assert run.status == "failed"
    run.give(ASK)
    held = run.last(CheckpointTaken)
    assert held.missing == {"a": "it was being stopped", "b": "it was being stopped"}
    assert not held.quiet


def test_by_hand_after_the_run_is_completed() -> None:
    run = phased()
    run.succeed("a")
    run.succeed("b")
    assert run.status == "completed"
    run.give(ASK)
    assert kinds(run)[-1] == "manual"


@pytest.mark.parametrize("how", ["planning", "cancelled"])
def test_by_hand_is_refused_where_nobody_could_go_back(how: str) -> None:
    run = Run(workflow(writer("a")))
    if how == "cancelled":
        run.start()
        run.give(cmd.CancelRun())
    with pytest.raises(IllegalCommandError, match=f"{how} cannot be gone back to") as refused:
        run.give(ASK)
    assert "AskCheckpoint" not in refused.value.legal


def test_cancelling_gives_up_the_checkpoint_that_was_due() -> None:
    run = phased()
    run.begin("a")
    run.give(ASK)
    effect = owed(run)
    assert effect is not None
    run.give(cmd.CancelRun())
    run.interrupt("a")
    assert kinds(run) == ["start"]
    with pytest.raises(StaleAttemptError):
        run.give(taken(effect))


def test_checkpoint_due_when_the_run_fails_is_taken_when_all_has_stopped() -> None:
    run = Run(workflow(writer("a"), timeout_s=60.0)).start()
    run.begin("a")
    run.give(ASK)
    run.now += 60.0
    run.give(cmd.PassTime())
    assert run.pending[0] != owed(run)
    run.interrupt("a")
    assert kinds(run) == ["start", "manual"]
    assert run.last(CheckpointTaken).note == "before the party"


# -- what it holds -----------------------------------------------------------------------------


def test_only_what_is_still_at_work_is_held() -> None:
    run = Run(workflow(writer("a"), writer("b"), writer("c"))).start()
    run.begin("a", "b")
    run.give(ASK)
    effect = owed(run)
    assert effect is not None
    run.succeed("a")
    run.begin("c")
    run.give(taken(effect))
    held = run.last(CheckpointTaken)
    assert held.snapshots == {"b": "files of b.1"}
    assert held.missing == {"c": "it began while the others were snapshotted"}


def test_snapshot_of_an_earlier_attempt_is_not_taken_for_the_present_one() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.begin("a", "b")
    run.give(ASK)
    effect = owed(run)
    assert effect is not None
    run.interrupt("a")
    run.begin("a")
    run.give(taken(effect))
    assert run.last(CheckpointTaken).snapshots == {"b": "files of b.1"}


def test_workspace_that_could_not_be_held_is_named_with_the_reason() -> None:
    run = phased()
    run.begin("a")
    run.give(ASK)
    run.give(cmd.RecordCheckpoint(kind="manual", missing={"a.1": "3 GB, and 1 GB is allowed"}))
    held = run.last(CheckpointTaken)
    assert (held.snapshots, held.missing) == ({}, {"a": "3 GB, and 1 GB is allowed"})


def test_checkpoint_is_for_what_it_is_owed_for_when_it_is_recorded() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.begin("b")
    run.deliver("a")
    effect = owed(run)
    assert effect is not None
    run.give(ASK)
    run.give(taken(effect))
    held = run.last(CheckpointTaken)
    assert (held.kind, held.note, held.by) == ("manual", "before the party", "ada")


def test_repeated_report_of_a_checkpoint_is_stale() -> None:
    run = phased()
    run.begin("a")
    run.give(ASK)
    effect = owed(run)
    assert effect is not None
    run.give(taken(effect))
    with pytest.raises(StaleAttemptError, match="not awaited any more"):
        run.give(taken(effect))
    run.give(ASK)
    with pytest.raises(StaleAttemptError, match="not awaited any more"):
        run.give(taken(effect))
    assert kinds(run) == ["start", "manual"]


def test_mark_made_on_a_line_that_moved_since_is_not_used_and_still_owed() -> None:
    run = phased(TaskSpec("late", "two", run="true", writes=("**",)))
    run.deliver("a")
    run.merge("a")
    effect = owed(run)
    assert effect is not None
    report = taken(effect)
    run.give(
        cmd.RecordCheckpoint(
            kind=report.kind, checkpoint=report.checkpoint, line="elsewhere", mark=report.mark
        )
    )
    assert run.state.line == "a"
    again = owed(run)
    assert again is not None
    assert (again.kind, again.mark, again.checkpoint) == ("phase", ("one",), "c4")
    run.hold()
    assert run.state.line == "a|one"
    assert owed(run) is None


def test_checkpoint_asked_for_at_the_end_of_a_phase_marks_it_as_well() -> None:
    run = phased()
    run.deliver("a")
    run.merge("a")
    run.give(ASK)
    run.hold()
    assert run.last(CheckpointTaken).kind == "manual"
    assert run.state.line == "a|one"
    assert run.state.stable is not None
    assert run.state.stable.checkpoint == run.last(CheckpointTaken).checkpoint
    assert owed(run) is None


def test_paused_run_takes_the_checkpoint_of_a_phase_when_it_goes_on() -> None:
    run = phased()
    run.deliver("a")
    run.give(cmd.PauseRun())
    run.merge("a")
    assert owed(run) is None
    run.give(cmd.ResumeRun())
    assert owed(run) is not None


def test_attempts_are_performed_while_a_checkpoint_is_owed() -> None:
    run = phased()
    run.begin("a")
    run.give(ASK)
    assert {type(each) for each in run.pending} >= {PerformAttempt, TakeCheckpoint}


def test_phase_with_a_gate_is_held_when_the_gate_has_passed() -> None:
    phases = (PhaseSpec("one", gates=(gate("ok"),)), PhaseSpec("two", depends_on=("one",)))
    run = Run(workflow(TaskSpec("a", "one", run="x", writes=("**",)), phases=phases)).start()
    run.deliver("a")
    run.merge("a")
    assert owed(run) is None
    run.decide("one/ok")
    assert owed(run) is not None
