"""Checks of gates about tests that show a bug: whose tests they are, and when they are there."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec
from orchestrate.core.planning.upstream import Upstream


def check_reproductions(draft: Draft, report: Report, upstream: Upstream | None) -> None:
    """The task of such a gate is there, writes, and its work is there when the gate is asked."""
    tasks = {task.id: task for task in draft.workflow.tasks if task.id}
    for phase, gate, node in _gates(draft):
        place = node.entries["task"]
        task = tasks.get(gate.task)
        name = f"gate {phase.name}/{gate.name}"
        if task is None:
            fix = "" if report.full else did_you_mean(gate.task, tasks)
            report.add("unknown-task", place, f"there is no task {gate.task}", fix)
        elif not task.writes or task.is_group:
            message = f"{name} is about the work of {task.id}, which delivers none of its own"
            report.add("contradiction", place, message, "name a task that `writes:` tests")
        elif task.split is not None:
            message = f"{name} is about the work of {task.id}, which may be split into several"
            report.add("contradiction", place, message, "take its `split:` away")
        elif gate.kind == "reproduces":
            _check_own_phase(name, phase, gate, task, place, report)
        elif upstream is not None and not upstream.phase_before(task.phase, phase.name):
            message = f"{name} is asked before the work of {task.id} is certain to be there"
            fix = f"depend on phase {task.phase}"
            report.add("not-upstream", place, message, fix)


def _check_own_phase(
    name: str, phase: PhaseSpec, gate: GateSpec, task: TaskSpec, place: Node, report: Report
) -> None:
    if gate.each_merge and task.phase != phase.name:
        message = f"{name} is asked of work of its phase, and {task.id} is of phase {task.phase}"
        report.add("contradiction", place, message, f"move the gate to phase {task.phase}")


def _gates(draft: Draft) -> Iterator[tuple[PhaseSpec, GateSpec, Node]]:
    for phase, nodes in zip(draft.workflow.phases, draft.gate_nodes, strict=True):
        for gate, node in zip(phase.gates, nodes, strict=True):
            if gate.kind in ("reproduces", "fixed") and gate.task:
                yield phase, gate, node
