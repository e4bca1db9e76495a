"""Workflows reduced to some phases or agents: what stays has to be able to go on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    PhaseSpec,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.graph import levels
from orchestrate.core.planning.reshape import with_tests_gate
from orchestrate.core.planning.reshape_parts import with_agents, with_phases
from orchestrate.errors import RequestError

FLOW = Workflow(
    name="feature",
    phases=(
        PhaseSpec("planning"),
        PhaseSpec("design", depends_on=("planning",)),
        PhaseSpec("implementation", depends_on=("design",)),
        PhaseSpec("documentation", depends_on=("implementation",)),
    ),
    tasks=(
        TaskSpec("goals", "planning", agent="architect"),
        TaskSpec("plan", "design", agent="architect", needs=("goals",)),
        TaskSpec(
            "build",
            "implementation",
            agent="builder",
            generate="builder",
            alternatives=("fixer@codex", "@claude"),
            escalate="architect",
            needs=("plan",),
            writes=("**",),
        ),
        TaskSpec("count", "implementation", run="wc -l *.py"),
        TaskSpec("write", "documentation", agent="doc-scribe", needs=("build",)),
    ),
)


def ids(workflow: Workflow) -> list[str]:
    return [task.id for task in workflow.tasks]


def test_phases_keep_their_order_and_follow_what_is_left_before_them() -> None:
    left = with_phases(FLOW, ["documentation", "planning"])
    assert [phase.name for phase in left.phases] == ["planning", "documentation"]
    assert left.phases[1].depends_on == ("planning",)
    assert ids(left) == ["goals", "write"]
    assert left.tasks[1].needs == ("goals",)
    assert levels(left) == (("goals",), ("write",))


def test_the_beginning_of_a_name_is_enough_if_it_is_of_one_alone() -> None:
    left = with_phases(FLOW, ["implement", "doc", "design"])
    assert [phase.name for phase in left.phases] == ["design", "implementation", "documentation"]
    with pytest.raises(RequestError, match=r"begins more than one .*: planning, plans"):
        with_phases(replace(FLOW, phases=(*FLOW.phases, PhaseSpec("plans"))), ["plan"])
    with pytest.raises(RequestError, match="no phase of feature testing") as caught:
        with_phases(FLOW, ["testing"])
    assert "planning, design, implementation" in caught.value.remedy
    with pytest.raises(RequestError, match="names nothing"):
        with_phases(FLOW, [""])


def changed(name: str, **changes: object) -> Workflow:
    """`FLOW` with other fields of one task."""
    tasks = (replace(task, **changes) if task.id == name else task for task in FLOW.tasks)
    return replace(FLOW, tasks=tuple(tasks))


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        (changed("build", prompt="see {{ tasks.plan.summary }}"), "task build uses tasks.plan.su"),
        (changed("build", when="phases.design.status == 'done'"), "uses phases.design.status"),
        (changed("build", each=EachSpec("plan", "parts")), "uses tasks.plan.outputs.parts"),
        (changed("build", split=EachSpec("plan", "parts")), "uses tasks.plan.outputs.parts"),
        (changed("count", run="cat $ORCHESTRATE_ARTIFACT_PLAN_X", needs=("plan",)), "task count"),
        (
            replace(
                FLOW,
                phases=tuple(
                    replace(phase, gates=(GateSpec("g", "fixed", task="plan"),))
                    if phase.name == "implementation"
                    else phase
                    for phase in FLOW.phases
                ),
            ),
            "gate implementation/g uses task: plan",
        ),
        (
            replace(
                FLOW, resolver=TaskSpec("resolver", "", agent="a", prompt="{{ tasks.plan.ok }}")
            ),
            "the resolver uses tasks.plan.ok",
        ),
    ],
)
def test_what_stays_must_not_name_what_goes(flow: Workflow, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        with_phases(flow, ["implementation"])
    assert says in caught.value.message
    assert "design" in caught.value.remedy
    assert ids(with_phases(flow, ["design", "implementation"]))


def test_only_the_agents_named_take_part_and_commands_stay() -> None:
    left = with_agents(FLOW, ["architect", "builder"])
    assert ids(left) == ["goals", "plan", "build", "count"]
    assert [phase.name for phase in left.phases] == ["planning", "design", "implementation"]
    build = left.tasks[2]
    assert (build.alternatives, build.escalate) == (("@claude",), "architect")
    alone = with_agents(FLOW, ["builder"])
    assert ids(alone) == ["build", "count"]
    assert (alone.tasks[0].needs, alone.tasks[0].escalate) == ((), "")


def test_an_alternative_that_is_named_takes_the_place_of_an_agent_that_is_not() -> None:
    build = with_agents(FLOW, ["fixer"]).tasks[0]
    assert (build.agent, build.backend, build.generate) == ("fixer", "codex", "")
    assert build.alternatives == ("@claude",)


def test_a_narrower_builder_takes_the_place_of_the_one_to_generate() -> None:
    build = with_agents(FLOW, ["builder-typescript"]).tasks[0]
    assert (build.agent, build.generate) == ("builder-typescript", "")


def test_agents_without_a_part_are_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="agent api-designer has no part") as caught:
        with_agents(FLOW, ["architect", "api-designer"])
    assert caught.value.remedy == "its agents: architect, builder, doc-scribe, fixer"
    with pytest.raises(RequestError, match="task write uses"):
        with_agents(changed("write", prompt="{{ tasks.build.summary }}"), ["doc-scribe"])


def test_a_rule_about_needed_tasks_goes_with_the_last_of_them() -> None:
    flow = changed("write", trigger="one_success")
    assert with_agents(flow, ["doc-scribe"]).tasks[-1].trigger == "all_success"


def test_tests_are_not_asked_to_pass_where_they_are_to_fail() -> None:
    red = GateSpec("red", "reproduces", task="build")
    flow = replace(
        FLOW, phases=(*FLOW.phases[:2], replace(FLOW.phases[2], gates=(red,)), FLOW.phases[3])
    )
    gated = [
        phase.name for phase in with_tests_gate(flow).phases if phase.gates[-1:] not in ((), (red,))
    ]
    assert gated == ["documentation"]
