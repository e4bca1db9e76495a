"""What going to a checkpoint would change, and that nothing is named that stays."""

from __future__ import annotations

from orchestrate.app.checkpoints import facts_digest, state_digest
from orchestrate.app.rollback_preview import StateChanges, state_changes
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.status import GateStatus
from tests.unit.core.running.drive import Run, agent_task, gate, group, task, workflow, writer


def fates(changes: StateChanges) -> dict[str, str]:
    return {change.task: change.fate for change in changes.tasks}


def held(run: Run) -> str:
    """Take a checkpoint and return its name."""
    run.give(cmd.AskCheckpoint())
    run.hold()
    return f"c{run.state.checkpoints}"


def test_here_and_now_nothing_changes() -> None:
    run = Run(workflow(task("a"), task("b"))).start()
    run.succeed("a")
    name = held(run)
    assert state_changes(run.state, run.kept[name]) == StateChanges()


def test_what_was_done_since_is_done_again_and_what_was_done_then_is_back() -> None:
    run = Run(workflow(task("a"), task("b", "a"))).start()
    start = held(run)
    run.succeed("a")
    later = held(run)
    changes = state_changes(run.state, run.kept[start])
    assert fates(changes) == {"a": "again", "b": "changed"}
    run.give(cmd.PauseRun())
    run.roll_back(start)
    assert fates(state_changes(run.state, run.kept[later]))["a"] == "back"


def test_what_was_at_work_goes_on_from_its_files() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.hold()
    run.begin("a")
    name = held(run)
    assert run.kept[name].snapshots == {"a": "files of a.1"}
    run.interrupt("a")
    [change] = state_changes(run.state, run.kept[name]).tasks
    assert (change.task, change.fate) == ("a", "goes-on")
    assert "from the files it had" in change.why
    run.give(cmd.PauseRun())
    run.roll_back(name)
    assert state_changes(run.state, run.kept[name]) == StateChanges()
    assert state_digest(run.state) == facts_digest(run.kept[name])


def test_work_that_waited_to_be_merged_waits_again() -> None:
    run = Run(workflow(writer("a"))).start()
    run.hold()
    run.deliver("a")
    run.hold()
    name = f"c{run.state.checkpoints}"
    run.merge("a")
    [change] = state_changes(run.state, run.kept[name]).tasks
    assert (change.fate, change.then) == ("changed", "merging")
    assert "merged again" in change.why


def test_members_of_a_list_leave_and_join_with_its_expansion() -> None:
    run = Run(workflow(task("list"), group("each"))).start()
    run.succeed("list")
    before = held(run)
    run.expand("each", "x", "y")
    after = held(run)
    gone = fates(state_changes(run.state, run.kept[before]))
    assert [name for name, fate in gone.items() if fate == "leaves"] == ["each.x", "each.y"]
    run.give(cmd.PauseRun())
    run.roll_back(before)
    come = fates(state_changes(run.state, run.kept[after]))
    assert [name for name, fate in come.items() if fate == "joins"] == ["each.x", "each.y"]


def test_a_gate_that_was_decided_since_is_closed_again() -> None:
    run = Run(workflow(task("a"), phases=(PhaseSpec("main", gates=(gate("look"),)),))).start()
    run.succeed("a")
    name = held(run)
    run.decide("main/look")
    [change] = state_changes(run.state, run.kept[name]).gates
    assert (change.gate, change.now, change.then) == (
        "main/look",
        GateStatus.PASSED,
        GateStatus.CLOSED,
    )


def _with_person() -> Run:
    return Run(workflow(TaskSpec("a", "main", agent="x", backend="human"), task("b"))).start()


def test_a_task_that_a_person_has_is_taken_from_them_and_handed_out_anew() -> None:
    run = _with_person()
    name = held(run)
    (change,) = state_changes(run.state, run.kept[name]).tasks
    assert (change.task, change.fate) == ("a", "changed")
    assert change.why == "a person has attempt 1, which is not used; it is handed out anew"


def test_the_state_after_going_back_is_the_one_that_was_held_though_a_person_had_a_task() -> None:
    run = _with_person()
    name = held(run)
    before = facts_digest(run.kept[name])
    run.hand_in("a")
    run.give(cmd.PauseRun())
    assert fates(state_changes(run.state, run.kept[name])) == {"a": "again"}
    run.roll_back(name)
    assert state_digest(run.state) == before


def test_what_agents_did_before_a_person_got_it_is_ready_again() -> None:
    run = Run(workflow(agent_task("a", hand_over=HandOver()))).start()
    name = held(run)
    run.fail("a", "refusal")
    (change,) = state_changes(run.state, run.kept[name]).tasks
    assert change.why == "a person has attempt 2, which is not used; it is ready again"
