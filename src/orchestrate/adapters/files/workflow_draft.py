"""What a workflow file says, with every shorthand written out, as far as it can be understood.

The draft is built from a file that may be wrong: values of the wrong type are left out here because
the structure check has reported them, so that the remaining checks see everything else. A file
without mistakes gives the finished `Workflow`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orchestrate.adapters.files.workflow_fields import (
    boolean,
    condition,
    duration,
    integer,
    mapping,
    one_of,
    scalar,
    sequence,
    text,
    texts,
)
from orchestrate.adapters.files.workflow_gates import draft_gate
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_staffing import draft_budget
from orchestrate.adapters.files.workflow_tasks import TaskDrafter
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    DEFAULT_MAX_PARALLEL,
    InputSpec,
    Limits,
    PhaseSpec,
    TaskSpec,
    Workflow,
)

DEFAULT_CHECKPOINT_EVERY_S = Workflow(name="").checkpoint_every_s
#: What a task without a prompt is asked, where the workflow has an input of this name.
REQUEST = "request"
REQUEST_PROMPT = "{{ inputs.request }}"


@dataclass(slots=True)
class Draft:
    """The workflow so far, and where its parts stand in the file.

    Attributes:
        root: the whole file.
        input_nodes: the node of each input's key. The other lists run parallel to the phases and
            tasks of `workflow`; a task from the `agents:` shorthand has the node of its name.
        gate_nodes: per phase, the node of each gate.
        implied: ids of tasks that wait for another only because their phase is sequential.
    """

    workflow: Workflow
    root: Node
    input_nodes: dict[str, Node] = field(default_factory=dict)
    phase_nodes: list[Node] = field(default_factory=list)
    task_nodes: list[Node] = field(default_factory=list)
    gate_nodes: list[list[Node]] = field(default_factory=list)
    implied: dict[str, str] = field(default_factory=dict)


def draft(root: Node, report: Report) -> Draft:
    """Understand what can be understood of `root`; bad durations are reported on the way."""
    return _Drafter(root, report).draft()


class _Drafter:
    def __init__(self, root: Node, report: Report) -> None:
        self._root = root
        self._report = report
        self._draft = Draft(Workflow(name=text(root, "name")), root)
        self._phases: list[PhaseSpec] = []
        self._tasks: list[TaskSpec] = []

    def draft(self) -> Draft:
        inputs = tuple(self._inputs())
        phases = [node for node in sequence(self._root, "phases") if node.kind == "mapping"]
        prompt = REQUEST_PROMPT if any(spec.name == REQUEST for spec in inputs) else ""
        defaults = mapping(self._root, "defaults")
        tasks = TaskDrafter(defaults, prompt, _wanted_ids(phases), self._report)
        for node in phases:
            self._phase(node, tasks)
        limits = mapping(self._root, "limits")
        self._draft.workflow = Workflow(
            name=text(self._root, "name"),
            description=text(self._root, "description"),
            inputs=inputs,
            phases=tuple(self._phases),
            tasks=tuple(self._tasks),
            limits=Limits(
                max_parallel=integer(limits, "max_parallel", DEFAULT_MAX_PARALLEL),
                timeout_s=duration(limits, "timeout", None, self._report, positive=True),
                budget=draft_budget(mapping(limits, "budget"), self._report),
                backends=_backends(mapping(limits, "backends"), self._report),
            ),
            on_failure="continue" if text(self._root, "on_failure") == "continue" else "stop",
            resolver=self._resolver(tasks),
            checkpoint_every_s=duration(
                self._root,
                "checkpoint_every",
                DEFAULT_CHECKPOINT_EVERY_S,
                self._report,
                positive=True,
            ),
            merge_batch=integer(self._root, "merge_batch", Workflow(name="").merge_batch),
            rollback="never" if text(self._root, "rollback") == "never" else "failure",
        )
        return self._draft

    def _resolver(self, tasks: TaskDrafter) -> TaskSpec | None:
        node = self._root.entries.get("resolver")
        return tasks.resolver(node) if node is not None and node.kind == "mapping" else None

    def _inputs(self) -> Iterator[InputSpec]:
        declared = mapping(self._root, "inputs")
        for name, node in declared.entries.items():
            self._draft.input_nodes[name] = declared.keys[name]
            if node.kind == "scalar":
                value = node.value
                kind: Any = {bool: "boolean", int: "integer", float: "number"}.get(
                    type(value), "string"
                )
                yield InputSpec(name=name, type=kind, default=value)
                continue
            yield InputSpec(
                name=name,
                type=one_of(text(node, "type"), ("integer", "number", "boolean", "path"), "string"),
                required=boolean(node, "required", False),
                default=scalar(node.entries.get("default")),
                choices=tuple(
                    value
                    for item in sequence(node, "choices")
                    if (value := scalar(item)) is not None
                ),
                description=text(node, "description"),
            )

    def _phase(self, node: Node, tasks: TaskDrafter) -> None:
        name = text(node, "name")
        if "depends_on" in node.entries:
            depends_on = texts(node, "depends_on")
        else:
            depends_on = (self._phases[-1].name,) if self._phases else ()
        gates = [gate for gate in sequence(node, "gates") if gate.kind == "mapping"]
        phase = PhaseSpec(
            name=name,
            depends_on=depends_on,
            parallel=boolean(node, "parallel", True),
            max_concurrent=integer(node, "max_concurrent", 0) or _alone(node),
            gates=tuple(draft_gate(gate, self._report) for gate in gates),
            when=condition(node, "when"),
            budget=draft_budget(mapping(node, "budget"), self._report),
        )
        self._phases.append(phase)
        self._draft.phase_nodes.append(node)
        self._draft.gate_nodes.append(gates)
        previous = ""
        for task_node in _task_nodes(node):
            task = tasks.task(task_node, name)
            if not phase.parallel and previous and previous not in task.needs:
                task = msgspec.structs.replace(task, needs=(*task.needs, previous))
                self._draft.implied[task.id] = previous
            self._tasks.append(task)
            self._draft.task_nodes.append(task_node)
            previous = task.id


def _alone(phase: Node) -> int | None:
    """One at a time in a sequential phase with a group: its members do not need each other."""
    grouped = any("each" in task.entries for task in sequence(phase, "tasks"))
    return 1 if grouped and not boolean(phase, "parallel", True) else None


def _backends(node: Node, report: Report) -> dict[str, Budget]:
    """What each backend may consume, by its name."""
    return {
        name: draft_budget(entry, report)
        for name, entry in node.entries.items()
        if entry.kind == "mapping"
    }


def _wanted_ids(phases: list[Node]) -> dict[tuple[str, str], str]:
    """(phase, agent) of the `agents:` shorthand -> task id, made unique by the phase if needed."""
    short = [(text(node, "name"), agent) for node in phases for agent in texts(node, "agents")]
    taken = Counter(agent for _, agent in short)
    taken.update(text(task, "id") for node in phases for task in sequence(node, "tasks"))
    return {
        (phase, agent): agent if taken[agent] == 1 else f"{phase}-{agent}" for phase, agent in short
    }


def _task_nodes(phase: Node) -> Iterator[Node]:
    """Nodes of the phase's tasks in file order: mappings, and names of agents."""
    for key, node in phase.entries.items():
        if key == "agents":
            yield from (item for item in node.items if isinstance(item.value, str))
        elif key == "tasks":
            yield from (item for item in node.items if item.kind == "mapping")
