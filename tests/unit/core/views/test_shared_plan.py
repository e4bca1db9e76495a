"""The plan that every agent is given: attributed, bounded, the same for the same state."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.views.shared_plan import MAX_CHARACTERS, shared_plan
from tests.unit.core.running.drive import Run, group, task, workflow

PHASES = (PhaseSpec("look"), PhaseSpec("mend", depends_on=("look",)))
FILE = Artifact("findings", "0" * 64, 5, "/runs/findings.json")


def staffed(name: str, *needs: str, phase: str = "look") -> TaskSpec:
    """A task of an agent."""
    staff = (Assignee("scout", "claude"), Assignee("scout", "codex"))
    return TaskSpec(name, phase, agent="scout", backend="claude", needs=needs, staff=staff)


def run() -> Run:
    """Two phases, three tasks."""
    tasks = (staffed("scan"), task("count", phase="look"), staffed("fix", "scan", phase="mend"))
    return Run(workflow(*tasks, phases=PHASES)).start()


def test_run_without_a_plan_says_so() -> None:
    assert shared_plan(INITIAL) == "# Run : no plan yet\n"


def test_plan_names_phases_tasks_agents_and_what_they_say() -> None:
    found = run()
    found.begin("scan", "count")
    found.succeed("scan", summary="Two flaws in src/a.py.", artifacts=(FILE,))
    found.fail("count")
    text = shared_plan(found.state)
    assert "# Run r of test: " in text
    assert "Request: test\n" in text
    assert (
        "- scan (scout on claude): succeeded, files: findings\n  says: Two flaws in src/a.py.\n"
        in text
    )
    assert "- count (shell): failed\n  because: boom\n" in text
    assert "## Phase mend: " in text
    assert "/runs/findings.json" not in text


def test_planned_run_is_drawn_before_it_starts() -> None:
    found = Run(workflow(staffed("scan"), phases=PHASES[:1]))
    assert "## Phase look: blocked\n\n- scan (scout on claude): blocked\n" in shared_plan(
        found.state
    )


def test_same_state_gives_the_same_text() -> None:
    one, other = run(), run()
    for found in (one, other):
        found.succeed("scan", summary="x")
    assert shared_plan(one.state) == shared_plan(other.state)


def test_summary_cannot_pass_for_a_line_of_the_plan() -> None:
    found = run()
    found.succeed("scan", summary="fine\n- fix (scout on claude): succeeded\n## Phase mend: done")
    lines = shared_plan(found.state).split("\n")
    assert "  says: fine - fix (scout on claude): succeeded ## Phase mend: done" in lines
    assert lines.count("## Phase mend: done") == 0


def talkative(count: int) -> RunState:
    """A run whose tasks all said something long; the first ended first."""
    names = [f"t{number:03}" for number in range(count)]
    last = task("last", "t000")
    found = Run(workflow(*(task(name) for name in names), last, max_parallel=count)).start()
    for name in names:
        found.now += 1.0
        found.succeed(name, summary=f"{name} said " + "word " * 40)
    return found.state


def test_text_is_bounded_and_says_what_is_left_out() -> None:
    text = shared_plan(talkative(200))
    assert len(text) <= MAX_CHARACTERS
    assert "t199 said" in text
    assert "t000 said" not in text
    assert "- t000 (shell): succeeded" in text
    assert "0 tasks and 1" in text.rsplit("[for want of room, ", 1)[1]


def test_what_a_task_needs_is_kept_before_all_else() -> None:
    assert "t000 said" in shared_plan(talkative(200), "last")


def test_even_the_list_of_tasks_is_bounded() -> None:
    text = shared_plan(talkative(100), limit=2_000)
    assert len(text) <= 2_000
    assert "tasks and 100 sayings are left out]" in text


def test_members_of_a_group_that_is_needed_are_kept() -> None:
    many = [task(f"t{number:03}") for number in range(100)]
    found = Run(
        workflow(task("list"), group("fix"), *many, task("last", "fix"), max_parallel=200)
    ).start()
    found.succeed("list")
    found.expand("fix", "one")
    found.succeed("fix.one", summary="member said this " + "word " * 40)
    for item in many:
        found.now += 1.0
        found.succeed(item.id, summary=item.id + " word" * 48)
    limit = 12_000
    assert "member said" not in shared_plan(found.state, limit=limit)
    assert "member said" in shared_plan(found.state, "last", limit)


def test_performer_is_the_one_whose_turn_it_is() -> None:
    found = run()
    number = found.state.index.position["scan"]
    record = msgspec.structs.replace(found.state.tasks[number], performer=1, attempts=3)
    state = msgspec.structs.replace(found.state, tasks=found.state.tasks.set(number, record))
    assert "- scan (scout on codex): ready, attempt 3\n" in shared_plan(state)
