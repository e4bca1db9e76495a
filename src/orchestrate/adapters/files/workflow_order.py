"""Checks of what waits for what: names that must exist, order, cycles."""

from __future__ import annotations

import msgspec

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_fields import sequence
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import Graph
from orchestrate.core.planning.upstream import Upstream


def check_order(draft: Draft, report: Report) -> Upstream | None:
    """Report faulty dependencies.

    Returns:
        What comes before what, with faulty dependencies left out; None when there are cycles.
    """
    phases = _sound_phases(draft, report)
    sound = msgspec.structs.replace(draft.workflow, phases=phases, tasks=())
    if _report_cycles(sound, draft, report):
        _sound_tasks(draft, None, report)
        return None
    tasks = _sound_tasks(draft, Upstream(sound), report)
    sound = msgspec.structs.replace(sound, tasks=tasks)
    return None if _report_cycles(sound, draft, report) else Upstream(sound)


def _sound_phases(draft: Draft, report: Report) -> tuple[PhaseSpec, ...]:
    """The first phase of each name, without dependencies that cannot be met."""
    known = {phase.name for phase in draft.workflow.phases}
    found: dict[str, PhaseSpec] = {}
    for phase, node in zip(draft.workflow.phases, draft.phase_nodes, strict=True):
        for item in sequence(node, "depends_on"):
            if isinstance(item.value, str) and item.value not in known:
                fix = "" if report.full else did_you_mean(item.value, known)
                report.add("unknown-phase", item, f"there is no phase {item.value}", fix)
            elif item.value == phase.name:
                message = f"cycle: {phase.name} -> {phase.name}"
                report.add("cycle", item, message, "remove this dependency")
        depends_on = tuple(
            name for name in phase.depends_on if name in known and name != phase.name
        )
        found.setdefault(phase.name, msgspec.structs.replace(phase, depends_on=depends_on))
    return tuple(found.values())


def _sound_tasks(draft: Draft, phases: Upstream | None, report: Report) -> tuple[TaskSpec, ...]:
    """The first task of each id, without needs that cannot be met."""
    homes = {task.id: task.phase for task in draft.workflow.tasks if task.id}
    found: dict[str, TaskSpec] = {}
    for task, node in zip(draft.workflow.tasks, draft.task_nodes, strict=True):
        later = {
            name
            for name in task.needs
            if phases is not None and phases.phase_before(task.phase, homes.get(name, task.phase))
        }
        for item in sequence(node, "needs"):
            name = item.value
            if not isinstance(name, str):
                continue
            if name not in homes:
                fix = "" if report.full else did_you_mean(name, homes)
                report.add("unknown-task", item, f"there is no task {name}", fix)
            elif name in later:
                message = (
                    f"task {task.id} of phase {task.phase} needs {name} of phase {homes[name]},"
                    " which comes later"
                )
                fix = f"move one of them, or change what phase {homes[name]} depends on"
                report.add("later-phase", item, message, fix)
        needs = tuple(name for name in task.needs if name in homes and name not in later)
        if task.id:
            found.setdefault(task.id, msgspec.structs.replace(task, needs=needs))
    return tuple(found.values())


def _report_cycles(sound: Workflow, draft: Draft, report: Report) -> bool:
    cycles = Graph(sound).cycles()
    for path in cycles:
        shown = " -> ".join(path)
        fix = "remove one of these dependencies"
        implied = next((name for name in path if name in draft.implied), None)
        if implied is not None:
            fix += f"; {implied} follows {draft.implied[implied]} because its phase is sequential"
        report.add("cycle", _closing(path, draft), f"cycle: {shown}", fix)
    return bool(cycles)


def _closing(path: tuple[str, ...], draft: Draft) -> Node | tuple[int, int]:
    """The written dependency that closes the cycle, going from the first name of the path back."""
    listed = {
        task.id: sequence(node, "needs")
        for task, node in zip(
            reversed(draft.workflow.tasks), reversed(draft.task_nodes), strict=True
        )
    }
    listed |= {
        f"phase {phase.name}": sequence(node, "depends_on")
        for phase, node in zip(draft.workflow.phases, draft.phase_nodes, strict=True)
    }
    for before, after in zip(reversed(path[:-1]), reversed(path[1:]), strict=True):
        for item in listed.get(after, []):
            if item.text == before.removeprefix("phase "):
                return item
    return (1, 1)
