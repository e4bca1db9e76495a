"""Phases left out and gates relaxed on the command line."""

from __future__ import annotations

from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import levels
from orchestrate.core.planning.reshape import with_unverified, without_phase

WORKFLOW = Workflow(
    name="w",
    phases=(
        PhaseSpec("scan"),
        PhaseSpec("judge"),
        PhaseSpec(
            "fix",
            depends_on=("scan", "judge"),
            gates=(
                GateSpec("tests", "tests", each_merge=True, at_end=False),
                GateSpec("agreed", "human"),
            ),
        ),
        PhaseSpec("tell", depends_on=("fix", "judge")),
    ),
    tasks=(
        TaskSpec("look", "scan", run="true"),
        TaskSpec("weigh", "judge", run="true"),
        TaskSpec("mend", "fix", run="true", needs=("weigh",), writes=("**",)),
        TaskSpec("say", "tell", run="true", needs=("weigh", "mend")),
    ),
)


def test_a_phase_goes_with_its_tasks_and_what_came_after_follows_what_was_before() -> None:
    left = without_phase(WORKFLOW, "fix")

    assert [phase.name for phase in left.phases] == ["scan", "judge", "tell"]
    assert left.phases[-1].depends_on == ("scan", "judge")
    assert [task.id for task in left.tasks] == ["look", "weigh", "say"]
    assert left.tasks[-1].needs == ("weigh",)
    assert not left.needs_line
    assert levels(left) == (("look", "weigh"), ("say",))


def test_a_phase_that_is_not_there_changes_nothing() -> None:
    assert without_phase(WORKFLOW, "deploy") == WORKFLOW


def test_only_what_is_asked_at_each_merge_is_excused_for_not_knowing() -> None:
    gates = {gate.name: gate for phase in with_unverified(WORKFLOW).phases for gate in phase.gates}

    assert gates["tests"].allow_unknown
    assert not gates["agreed"].allow_unknown
