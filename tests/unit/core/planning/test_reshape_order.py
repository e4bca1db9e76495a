"""What runs beside what: order goes, data stays."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrate.adapters.files.workflow_reader import check_workflow
from orchestrate.core.planning.definition import OutputSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import levels
from orchestrate.core.planning.reshape_order import in_parallel, sequential, side_by_side
from orchestrate.errors import RequestError

FLOW = Workflow(
    name="feature",
    phases=(
        PhaseSpec("planning"),
        PhaseSpec("design", depends_on=("planning",)),
        PhaseSpec("security", depends_on=("design",)),
        PhaseSpec("end", depends_on=("security",)),
    ),
    tasks=(
        TaskSpec("goals", "planning", agent="a"),
        TaskSpec("plan", "design", agent="a", needs=("goals",)),
        TaskSpec("scan", "security", agent="a", needs=("plan",)),
        TaskSpec("audit", "security", agent="a", needs=("scan",)),
        TaskSpec("tell", "end", agent="a", needs=("audit",)),
    ),
)


def changed(name: str, **changes: object) -> Workflow:
    """`FLOW` with other fields of one task."""
    tasks = (replace(task, **changes) if task.id == name else task for task in FLOW.tasks)
    return replace(FLOW, tasks=tuple(tasks))


def test_phases_side_by_side_come_after_what_was_before_the_first() -> None:
    free = side_by_side(FLOW, [["design", "secur"]])
    assert [phase.depends_on for phase in free.phases] == [
        (),
        ("planning",),
        ("planning",),
        ("security",),
    ]
    assert levels(free) == (("goals",), ("plan", "scan"), ("audit",), ("tell",))


def test_what_comes_after_one_of_them_still_does() -> None:
    after = replace(FLOW.phases[3], depends_on=("security", "design"))
    free = side_by_side(replace(FLOW, phases=(*FLOW.phases[:3], after)), [["security", "design"]])
    assert free.phases[3].depends_on == ("security", "design")


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        (changed("scan", prompt="{{ tasks.plan.summary }}"), "task scan uses tasks.plan.summary"),
        (changed("scan", when="phases.design.status == 'done'"), "uses phases.design.status"),
        (
            changed("audit", run="cat $ORCHESTRATE_ARTIFACT_PLAN_MD", agent=None, needs=("plan",)),
            "uses $ORCHESTRATE_ARTIFACT_PLAN_",
        ),
    ],
)
def test_phases_between_which_data_goes_are_refused_with_the_place(
    flow: Workflow, says: str
) -> None:
    with pytest.raises(RequestError, match="security cannot run beside design") as caught:
        side_by_side(flow, [["design", "security"]])
    assert says in caught.value.message


def test_a_specialist_finds_the_outputs_of_what_it_needs_by_itself() -> None:
    made = changed("plan", outputs=(OutputSpec("plan", "plan.json"),))
    flow = replace(
        made,
        tasks=tuple(
            replace(task, action="scan") if task.id == "scan" else task for task in made.tasks
        ),
    )
    with pytest.raises(RequestError, match="task scan uses the outputs of plan"):
        side_by_side(flow, [["design", "security"]])


def test_what_stands_between_is_named() -> None:
    with pytest.raises(RequestError, match=r"planning and security .*: design stands between"):
        side_by_side(FLOW, [["planning", "security"]])
    both = side_by_side(FLOW, [["planning", "design", "security"]])
    assert [phase.depends_on for phase in both.phases[:3]] == [(), (), ()]


def test_tasks_of_one_phase_may_be_named_as_well() -> None:
    free = side_by_side(FLOW, [["scan", "audit"]])
    assert {task.id: task.needs for task in free.tasks}["audit"] == ("plan",)
    with pytest.raises(RequestError, match="not tasks of one phase"):
        side_by_side(FLOW, [["goals", "plan"]])
    with pytest.raises(RequestError, match="not tasks of one phase"):
        side_by_side(FLOW, [["design", "scan"]])


@pytest.mark.parametrize("names", [["design"], ["design", "design"], ["design", ""]])
def test_one_name_is_no_group(names: list[str]) -> None:
    with pytest.raises(RequestError, match="nothing to run side by side"):
        side_by_side(FLOW, [names])


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="no phase or task of feature desing") as caught:
        side_by_side(FLOW, [["desing", "security"]])
    assert "design" in caught.value.remedy


LINE = """\
version: 1
name: line
phases:
  - name: work
    parallel: false
    tasks:
      - {id: a, agent: x, prompt: p}
      - {id: b, agent: x, prompt: p}
      - {id: c, agent: x, prompt: "{{ tasks.a.summary }}"}
      - {id: d, agent: x, prompt: "{{ tasks.c.summary }}"}
"""


def test_in_parallel_a_task_waits_only_for_what_it_uses() -> None:
    flow = check_workflow(LINE.encode(), "w.yaml", known_agents=None).workflow
    assert flow is not None
    assert levels(flow) == (("a",), ("b",), ("c",), ("d",))
    free = in_parallel(flow)
    assert free.phases[0].parallel
    assert {task.id: task.needs for task in free.tasks} == {
        "a": (),
        "b": (),
        "c": ("a",),
        "d": ("c",),
    }


def test_in_parallel_what_was_parallel_stays_as_it_is() -> None:
    assert in_parallel(FLOW) == FLOW


def test_sequential_is_one_attempt_at_a_time() -> None:
    assert sequential(FLOW).limits.max_parallel == 1
    assert sequential(FLOW).tasks == FLOW.tasks
