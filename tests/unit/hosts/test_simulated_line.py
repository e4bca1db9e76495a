"""The simulated world round the integration line: trains, lists, snapshots, people, promises."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import TaskState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.hosts.simulator.behaviour import (
    Conduct,
    Joining,
    Listing,
    Resolution,
    Sampled,
    Scripted,
    numbered,
)
from orchestrate.hosts.simulator.disk import Disk
from orchestrate.hosts.simulator.errand import Errands
from orchestrate.hosts.simulator.faults import NO_FAULTS, Faults, GoBack, Intervention
from orchestrate.hosts.simulator.simulate import History, simulate
from orchestrate.hosts.simulator.world import BrokenPromiseError, World
from tests.unit.core.running.drive import gate, group, task, workflow, writer

A = TaskSpec("a", "main", run="true", writes=("**",), expected_s=10.0)
KEY = AttemptKey("r", "a", 1)


def world(behaviour: Scripted | None = None) -> World:
    made = World(0, behaviour or Scripted(), NO_FAULTS, Disk())
    made.begin_life()
    return made


def finished(seen: World) -> None:
    seen.perform(KEY, A)
    assert seen.wait(None)


def of_kind(history: History, kind: type[ev.Event]) -> list[Any]:
    return [event for event in history.events if isinstance(event, kind)]


# -- the promise -------------------------------------------------------------------------------


def test_work_that_was_sent_back_may_be_asked_for_again() -> None:
    seen = world()
    finished(seen)
    seen.note([ev.WorkReturned(at=1.0, task="a", number=1, cause="checks_failed")])
    seen.perform(AttemptKey("r", "a", 2), A)


def test_work_in_conflict_may_be_asked_for_again_only_by_a_resolver() -> None:
    again = AttemptKey("r", "a", 2)
    seen = world()
    finished(seen)
    seen.note([ev.WorkConflicted(at=1.0, task="a", number=1, line="base")])
    with pytest.raises(BrokenPromiseError, match="r:a:2 is asked for after r:a:1"):
        seen.perform(again, A)
    seen.note([ev.WorkConflicted(at=1.0, task="a", number=1, line="base", resolver=True)])
    seen.perform(again, A)


def rolled_back(status: TaskStatus, workflow: Workflow | None = None) -> ev.RunRolledBack:
    records = {"a": TaskState(status=status, attempts=1)}
    return ev.RunRolledBack(at=1.0, checkpoint="c1", tasks=records, workflow=workflow)


def test_going_back_gives_up_what_was_finished_since_and_going_forward_finishes_it() -> None:
    seen = world()
    finished(seen)
    seen.note([rolled_back(TaskStatus.READY)])
    seen.note([rolled_back(TaskStatus.MERGING)])
    with pytest.raises(BrokenPromiseError):
        seen.perform(AttemptKey("r", "a", 2), A)
    seen.note([rolled_back(TaskStatus.BLOCKED)])
    seen.perform(AttemptKey("r", "a", 3), A)


def test_going_back_does_not_give_up_what_it_does_not_name() -> None:
    seen = world()
    finished(seen)
    seen.note([ev.RunRolledBack(at=1.0, checkpoint="c1")])
    with pytest.raises(BrokenPromiseError):
        seen.perform(AttemptKey("r", "a", 2), A)
    gone = workflow(task("b"))
    seen.note([ev.RunRolledBack(at=1.0, checkpoint="c1", workflow=gone)])
    seen.perform(AttemptKey("r", "a", 2), A)


# -- errands -----------------------------------------------------------------------------------


def wagon(name: str) -> tuple[AttemptKey, TaskSpec, Work]:
    return AttemptKey("r", name, 1), A, Work(commit=f"{name}.1", base="", tree="")


def test_train_merges_one_work_after_another_into_what_the_one_before_made() -> None:
    seen = world()
    errands = Errands(seen)
    errands.merge("base", (wagon("a"), wagon("b")))
    while seen.wait(None):
        pass
    assert seen.now_s == 2.0
    reports = [command for command in seen.mailbox if isinstance(command, cmd.AcceptWork)]
    assert [(each.task, each.line, each.commit) for each in reports] == [
        ("a", "base", "base+a.1"),
        ("b", "base+a.1", "base+a.1+b.1"),
    ]


def test_only_one_train_is_under_way() -> None:
    seen = world()
    errands = Errands(seen)
    errands.merge("base", (wagon("a"),))
    errands.merge("base", (wagon("a"),))
    while seen.wait(None):
        pass
    assert len(seen.mailbox) == 1


def test_train_of_a_dead_host_reports_nothing() -> None:
    seen = world()
    Errands(seen).merge("base", (wagon("a"), wagon("b")))
    seen.wait(None)
    seen.end_life()
    seen.begin_life()
    while seen.wait(None):
        pass
    assert seen.mailbox == []


@pytest.mark.parametrize(
    ("ends", "report"),
    [
        ("unverified", cmd.AcceptWork),
        ("checks_failed", cmd.ReturnWork),
        ("checks_unknown", cmd.ReturnWork),
        ("conflict", cmd.ReportConflict),
    ],
)
def test_train_reports_what_came_of_the_work(ends: str, report: type[cmd.Command]) -> None:
    joining = Joining(1.0, ends)  # type: ignore[arg-type]
    seen = world(Scripted(joins={("a", 1): joining}))
    Errands(seen).merge("base", (wagon("a"),))
    seen.wait(None)
    (found,) = seen.mailbox
    assert isinstance(found, report)
    about: Any = found
    assert (about.line, about.work) == ("base", "a.1")
    if isinstance(found, cmd.AcceptWork):
        assert not found.verified
    if isinstance(found, cmd.ReportConflict):
        assert found.conflicts == (Conflict("src/simulated.py"),)


def test_work_made_from_this_very_line_does_not_conflict_with_it() -> None:
    seen = world(Scripted(joins={("a", 1): Joining(1.0, "conflict")}))
    Errands(seen).merge("base", ((KEY, A, Work(commit="joined", base="base", tree="")),))
    seen.wait(None)
    assert isinstance(seen.mailbox[0], cmd.AcceptWork)


# -- whole histories ---------------------------------------------------------------------------


def test_merging_takes_time_and_so_do_snapshots() -> None:
    plan = workflow(
        TaskSpec("a", "main", run="true", writes=("**",), expected_s=5.0),
        TaskSpec("b", "main", run="true", writes=("**",), expected_s=50.0),
    )
    history = simulate(plan, behaviour=Scripted(joins={("a", 1): Joining(20.0)}))
    merged = {event.task: event.at for event in of_kind(history, ev.WorkMerged)}
    # Five seconds of work, one for the snapshot of b, twenty for the merge.
    start = history.events[0].at
    assert merged["a"] - start == 26.0
    assert history.state.line == "base+a.1+b.1|main"
    assert history.state.published == "orchestrate/simulated"


def test_conflict_goes_to_a_person_who_joins_or_sends_back() -> None:
    clash = {("a", 1): Joining(1.0, "conflict")}
    joined = simulate(workflow(writer("a")), behaviour=Scripted(joins=clash))
    assert len(of_kind(joined, ev.WorkResolved)) == 1
    assert joined.statuses == {"a": "succeeded"}
    back = Scripted(joins=clash, resolutions={("a", 1): Resolution(2.0, sends_back=True)})
    returned = simulate(workflow(writer("a")), behaviour=back)
    assert len(of_kind(returned, ev.WorkReturned)) == 1
    assert returned.state.line == "base+a.2|main"


def test_conflict_that_nobody_looks_at_waits() -> None:
    behaviour = Scripted(joins={("a", 1): Joining(1.0, "conflict")}, resolutions={("a", 1): None})
    history = simulate(workflow(writer("a")), behaviour=behaviour)
    assert not history.ended
    assert history.statuses == {"a": "conflicted"}


def test_lists_become_tasks_or_say_why_not() -> None:
    plan = workflow(task("list"), group("fix"))
    history = simulate(plan, behaviour=Scripted(lists={"fix": numbered(3)}))
    assert set(history.statuses) == {"list", "fix", "fix.i0", "fix.i1", "fix.i2"}
    unread = Scripted(lists={"fix": Listing(problem="no list there")})
    assert simulate(plan, behaviour=unread).statuses["fix"] == "failed"


def test_attempt_that_changes_nothing_delivers_nothing() -> None:
    behaviour = Scripted({("a", 1): Conduct(1.0, delivers=False)})
    history = simulate(workflow(writer("a")), behaviour=behaviour)
    assert history.statuses == {"a": "succeeded"}
    assert history.state.line == "base"


def test_person_goes_back_when_nothing_is_at_work_any_more() -> None:
    plan = workflow(writer("a"), writer("b", "a"))
    calm = simulate(plan, behaviour=Scripted())
    history = simulate(plan, behaviour=Scripted(), faults=Faults(rollbacks=(GoBack(3.0, 0),)))
    names = [type(event).__name__ for event in history.events]
    assert names.count("RunRolledBack") == 1
    assert names.count("RunPaused") == names.count("RunResumed") == 1
    assert history.state.status.value == "completed"
    assert history.statuses == calm.statuses
    assert history.state.line == "base+a.2+b.2|main"


def test_checkpoint_asked_for_from_outside_holds_what_is_at_work() -> None:
    ask = Intervention(3.0, cmd.AskCheckpoint(note="now", by="ada"))
    plan = workflow(A)
    history = simulate(plan, behaviour=Scripted(), faults=Faults(interventions=(ask,)))
    (held,) = [
        event
        for event in history.events
        if isinstance(event, ev.CheckpointTaken) and event.kind == "manual"
    ]
    assert held.snapshots == {"a": f"{held.checkpoint}:a.1"}
    assert held.note == "now"


class CannotSnapshot(Scripted):
    def snapshot_s(self, random: Random) -> float | None:
        return None


def test_workspace_that_cannot_be_held_holds_nothing_up() -> None:
    ask = Intervention(3.0, cmd.AskCheckpoint())
    history = simulate(workflow(A), behaviour=CannotSnapshot(), faults=Faults(interventions=(ask,)))
    missing = [e.missing for e in history.events if isinstance(e, ev.CheckpointTaken)]
    assert {"a": "simulated: too large"} in missing
    assert history.statuses == {"a": "succeeded"}


def test_reminders_of_a_gate_that_nobody_answers_do_not_go_on_for_ever() -> None:
    phases = (PhaseSpec("main", gates=(gate("ok", remind_s=10.0),)),)
    history = simulate(workflow(task("a"), phases=phases), behaviour=Scripted(gates={"ok": ()}))
    assert len(of_kind(history, ev.GateReminded)) == 3
    assert not history.ended


def test_reminders_do_not_hide_a_deadline() -> None:
    phases = (PhaseSpec("main", gates=(gate("ok", remind_s=10.0, deadline_s=100.0),)),)
    history = simulate(workflow(task("a"), phases=phases), behaviour=Scripted(gates={"ok": ()}))
    assert history.state.status.value == "failed"
    assert history.state.gates["main/ok"].by == "deadline"


def test_sampled_merges_are_refused_at_their_rate() -> None:
    behaviour = Sampled(refusal_rate=0.4)
    ends = [behaviour.join(A, 1, Random(seed)).ends for seed in range(2_000)]
    assert 300 < ends.count("conflict") < 500
    assert 300 < ends.count("checks_failed") < 500
    assert set(ends) == {"merged", "conflict", "checks_failed"}
    assert len(behaviour.listing(group("fix"), Random(0)).items) == 3
