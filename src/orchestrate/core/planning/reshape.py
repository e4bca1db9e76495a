"""A workflow as the command line reshapes it.

Gates that were asked for are added (A19), phases that were declined are left out. Which phases and
agents take part is in `reshape_parts`, what runs beside what in `reshape_order`.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.definition import GateSpec, Workflow
from orchestrate.errors import RequestError

_replace = msgspec.structs.replace

#: Names of the gates that options add.
TESTS_GATE = "tests-pass"
APPROVAL_GATE = "security-approval"


def with_tests_gate(workflow: Workflow) -> Workflow:
    """Every phase that writes ends only if the tests pass, and so does the last phase.

    Not a phase that is there to bring tests which fail.
    """
    red = {
        phase.name
        for phase in workflow.phases
        if any(gate.kind == "reproduces" for gate in phase.gates)
    }
    writing = {task.phase for task in workflow.tasks if task.writes} - red
    gate = GateSpec(name=TESTS_GATE, kind="tests")
    return _with_gate(workflow, gate, writing | {_last(workflow)})


def with_approval(workflow: Workflow) -> Workflow:
    """A person has to agree before the run ends, and with it before anything is published."""
    gate = GateSpec(
        name=APPROVAL_GATE,
        kind="human",
        message="security approval: look at the findings and at what was changed",
    )
    return _with_gate(workflow, gate, {_last(workflow)})


def _last(workflow: Workflow) -> str:
    """The phase that nothing comes after.

    Raises:
        RequestError: there are several, so "at the end" would mean several gates.
    """
    needed = {name for phase in workflow.phases for name in phase.depends_on}
    ends = [phase.name for phase in workflow.phases if phase.name not in needed]
    if len(ends) != 1:
        raise RequestError(
            f"workflow {workflow.name} ends in several phases ({', '.join(ends)}), so a gate at its"
            " end cannot be added",
            remedy="write the gates into the workflow file",
        )
    return ends[0]


def _with_gate(workflow: Workflow, gate: GateSpec, phases: set[str]) -> Workflow:
    return _replace(
        workflow,
        phases=tuple(
            _replace(phase, gates=(*phase.gates, gate))
            if phase.name in phases and all(other.name != gate.name for other in phase.gates)
            else phase
            for phase in workflow.phases
        ),
    )


def without_phase(workflow: Workflow, name: str) -> Workflow:
    """`workflow` without a phase and its tasks; what came after it comes after what was before.

    Nothing is changed where there is no such phase. Prompts and conditions of what stays must not
    refer to what goes.
    """
    gone = next((phase for phase in workflow.phases if phase.name == name), None)
    if gone is None:
        return workflow
    tasks = {task.id for task in workflow.tasks if task.phase == name}
    return _replace(
        workflow,
        phases=tuple(
            _replace(phase, depends_on=_bridged(phase.depends_on, name, gone.depends_on))
            for phase in workflow.phases
            if phase.name != name
        ),
        tasks=tuple(
            _replace(task, needs=tuple(need for need in task.needs if need not in tasks))
            for task in workflow.tasks
            if task.phase != name
        ),
    )


def _bridged(names: tuple[str, ...], gone: str, before: tuple[str, ...]) -> tuple[str, ...]:
    parts = [each for name in names for each in (before if name == gone else (name,))]
    return tuple(dict.fromkeys(parts))


def with_unverified(workflow: Workflow) -> Workflow:
    """Work is merged although a check could not tell, and marked unverified."""
    return _replace(
        workflow,
        phases=tuple(
            _replace(phase, gates=tuple(_excusing(gate) for gate in phase.gates))
            for phase in workflow.phases
        ),
    )


def _excusing(gate: GateSpec) -> GateSpec:
    return _replace(gate, allow_unknown=True) if gate.each_merge else gate
