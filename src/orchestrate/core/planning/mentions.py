"""Where a workflow names its own tasks and phases, besides order: the way data goes.

What a task needs is order alone; its result is used where a prompt, a condition, a list or a gate
names it, or where a task without a model finds the outputs of what it needs by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.expression import parse
from orchestrate.core.planning.reference import Reference
from orchestrate.core.planning.template import references

_ROOTS: dict[str, Literal["task", "phase"]] = {"tasks": "task", "phases": "phase"}


class Mention(msgspec.Struct, frozen=True):
    """`by` (task, gate or phase, in words) of phase `phase` names a task or phase, as `text`.

    `task` is the id of the task that names it, empty for gates and phases.
    """

    by: str
    phase: str
    kind: Literal["task", "phase"]
    name: str
    text: str
    task: str = ""


def mentions(workflow: Workflow) -> Iterator[Mention]:
    """Everything that is named, in the order of the workflow."""
    by_id = {task.id: task for task in workflow.tasks}
    for phase in workflow.phases:
        yield from _of_condition(f"phase {phase.name}", phase.name, phase.when)
        for gate in phase.gates:
            yield from _of_gate(phase, gate)
    for task in workflow.tasks:
        yield from _of_task(task, by_id)
    if workflow.resolver is not None:
        yield from _of_prompt("the resolver", "", workflow.resolver.prompt)


def _of_task(task: TaskSpec, by_id: dict[str, TaskSpec]) -> Iterator[Mention]:
    by = f"task {task.id}"
    for found in (
        *_of_prompt(by, task.phase, task.prompt),
        *_of_condition(by, task.phase, task.when),
    ):
        yield msgspec.structs.replace(found, task=task.id)
    for over in (task.each, task.split):
        if over is not None:
            text = f"tasks.{over.task}.outputs.{over.output}"
            yield Mention(by, task.phase, "task", over.task, text, task.id)
    for need in task.needs:
        source = by_id.get(need)
        text = _found_by_itself(task, source) if source is not None else ""
        if text:
            yield Mention(by, task.phase, "task", need, text, task.id)


def _found_by_itself(task: TaskSpec, source: TaskSpec) -> str:
    """How a task without a model uses the outputs of `source`; empty if it does not."""
    if task.action is not None and source.outputs:
        return f"the outputs of {source.id}"
    variable = f"ORCHESTRATE_ARTIFACT_{_variable(source.id)}_"
    return f"${variable}…" if task.run is not None and variable in task.run else ""


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _of_gate(phase: PhaseSpec, gate: GateSpec) -> Iterator[Mention]:
    by = f"gate {phase.name}/{gate.name}"
    yield from _of_condition(by, phase.name, gate.condition)
    yield from _of_condition(by, phase.name, gate.when)
    if gate.task:
        yield Mention(by, phase.name, "task", gate.task, f"task: {gate.task}")


def _of_prompt(by: str, phase: str, prompt: str) -> Iterator[Mention]:
    return _named(by, phase, references(prompt) if prompt else ())


def _of_condition(by: str, phase: str, text: str | None) -> Iterator[Mention]:
    return _named(by, phase, parse(text).names if text else ())


def _named(by: str, phase: str, found: tuple[Reference, ...]) -> Iterator[Mention]:
    for name in found:
        kind = _ROOTS.get(name.path[0])
        if kind is not None and len(name.path) > 1:
            yield Mention(by, phase, kind, name.path[1], str(name))
