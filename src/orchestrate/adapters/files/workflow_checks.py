"""Checks of a drafted workflow that a schema cannot make, but for conditions and prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_fields import sequence
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_staffing import MODEL_KEYS
from orchestrate.adapters.files.workflow_wording import did_you_mean, name_fix
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.ids import is_name
from orchestrate.core.planning.binding import convert, show
from orchestrate.core.planning.definition import (
    InputSpec,
    InputValue,
    OutputSpec,
    TaskSpec,
)

_AGENT_KEYS = ("action", "prompt", *MODEL_KEYS)
_SHELL = "shell"


def check_inputs(draft: Draft, report: Report) -> None:
    """Defaults and choices fit the type; nothing is required and has a default."""
    for spec in draft.workflow.inputs:
        place = draft.input_nodes[spec.name]
        for choice in spec.choices:
            if not _fits(choice, spec):
                message = f"choice {show(choice)} of input {spec.name} is not of type {spec.type}"
                report.add("bad-choice", place, message, _type_fix(spec))
        if spec.default is None:
            continue
        if spec.required:
            message = f"input {spec.name} is required and has a default"
            report.add("contradiction", place, message, "remove `required` or `default`")
        if not _fits(spec.default, spec):
            message = f"the default of input {spec.name} is not of type {spec.type}"
            report.add("bad-default", place, message, _type_fix(spec))
        elif spec.choices and spec.default not in spec.choices:
            message = f"the default of input {spec.name} is not among its choices"
            allowed = ", ".join(show(choice) for choice in spec.choices)
            report.add("bad-default", place, message, f"use one of: {allowed}")


def _fits(value: InputValue, spec: InputSpec) -> bool:
    if isinstance(value, str) != (spec.type in ("string", "path")):
        return False
    return convert(value, spec.type) is not None


def _type_fix(spec: InputSpec) -> str:
    if spec.type in ("string", "path"):
        return "put it in quotes"
    return f"correct it, or set `type:` to something else than {spec.type}"


def check_ids(draft: Draft, report: Report) -> None:
    """Phases, tasks, gates and outputs are told apart by their names."""
    workflow = draft.workflow
    phases = [phase.name for phase in workflow.phases]
    _distinct("phase", phases, draft.phase_nodes, report)
    _distinct("task", [task.id for task in workflow.tasks], draft.task_nodes, report)
    for phase, nodes in zip(workflow.phases, draft.gate_nodes, strict=True):
        _distinct("gate", [gate.name for gate in phase.gates], nodes, report)
    for task, node in zip(workflow.tasks, draft.task_nodes, strict=True):
        outputs = sequence(node, "outputs")
        _distinct("output", [each.name for each in task.outputs], outputs, report)
        _distinct("output path", [each.path for each in task.outputs], outputs, report)
        for output, place in zip(task.outputs, outputs, strict=True):
            _check_output(output, place, report)
    _check_members(draft, report)


def _distinct(what: str, names: list[str], nodes: list[Node], report: Report) -> None:
    first: dict[str, Node] = {}
    for name, node in zip(names, nodes, strict=True):
        if name and name in first:
            place = node.entries.get("id") or node.entries.get("name") or node
            message = f"{what} {name} stands in line {first[name].line} already"
            report.add("duplicate-id", place, message, "rename one of them")
        first.setdefault(name, node)


def _check_members(draft: Draft, report: Report) -> None:
    """Ids that begin with that of a group and a dot are left to its members."""
    groups = {task.id for task in draft.workflow.tasks if task.each is not None and task.id}
    for task, node in zip(draft.workflow.tasks, draft.task_nodes, strict=True):
        parts = task.id.split(".")
        heads = (".".join(parts[:end]) for end in range(1, len(parts)))
        group = next((head for head in heads if head in groups), None)
        if group is not None:
            message = f"task {task.id} may be called like one of the tasks made from {group}"
            place = node.entries.get("id", node)
            report.add("duplicate-id", place, message, f"do not begin it with `{group}.`")


def _check_output(output: OutputSpec, node: Node, report: Report) -> None:
    path = output.path
    parts = path.split("/")
    if not path:
        return
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\\" in path
        or path.startswith("~")
        or not path.isprintable()
        or len(path) > 255
    ):
        fix = "name a file below the task's outputs folder, such as report.json"
        place = node.entries.get("path", node)
        report.add("bad-output-path", place, f"{path!r} is not a path inside the folder", fix)
    elif node.kind == "scalar" and not is_name(output.name):
        fix = "write {name: NAME, path: " + str(PurePosixPath(path)) + "}"
        report.add("bad-name", node, f"an output cannot be called {output.name!r}", fix)


def check_agents(draft: Draft, report: Report, known: frozenset[str] | None) -> None:
    """Every agent exists; None for `known` means that nobody can tell."""
    if known is None:
        return
    for _, task, node in _performed(draft):
        if task.agent is not None and task.agent not in known:
            place = node.entries.get("agent", node)
            see = "see: orchestrate agent list"
            fix = "" if report.full else did_you_mean(task.agent, known, see)
            report.add("unknown-agent", place, f"there is no agent {task.agent}", fix)


def check_tasks(draft: Draft, report: Report) -> None:
    """Keys of tasks and phases that contradict each other or do nothing."""
    for phase, node in zip(draft.workflow.phases, draft.phase_nodes, strict=True):
        if not phase.parallel and "max_concurrent" in node.keys:
            message = f"phase {phase.name} runs one task at a time"
            report.warn("no-effect", node.keys["max_concurrent"], message, "remove the key")
    for what, task, node in _performed(draft):
        for problem in (*_contradictions(what, task, node), *_retry_problems(task, node)):
            report.add(*problem)
        if task.trigger != "all_success" and not task.needs:
            message = f"`{task.trigger}` looks at needed tasks, and {task.id} needs none"
            report.add("bad-trigger", node.entries["trigger"], message, "add `needs:`")
        if task.agent and not (task.prompt or task.action or task.run):
            message = f"agent {task.agent} is given nothing to do"
            report.warn("no-prompt", node, message, "add `prompt:`")
        if node.kind == "scalar" and not is_name(task.id):
            report.add("bad-name", node, f"{task.id!r} is not a name", name_fix("Name"))


def _performed(draft: Draft) -> Iterator[tuple[str, TaskSpec, Node]]:
    """The tasks, and the resolver as one of them, with what messages call them."""
    for task, node in zip(draft.workflow.tasks, draft.task_nodes, strict=True):
        yield f"task {task.id}", task, node
    if draft.workflow.resolver is not None:
        yield "the resolver", draft.workflow.resolver, draft.root.entries["resolver"]


_Problem = tuple[str, Node, str, str]


def _contradictions(what: str, task: TaskSpec, node: Node) -> Iterator[_Problem]:
    if task.run is None or task.agent is not None:
        return
    for key in _AGENT_KEYS:
        if key in node.keys:
            message = f"`{key}` is for agents, and {what} runs a command"
            yield "contradiction", node.keys[key], message, "remove it"
    if task.backend not in (None, _SHELL):
        message = f"{what} runs a command, which backend {task.backend} does not"
        yield "contradiction", node.keys["backend"], message, "remove it"


def _retry_problems(task: TaskSpec, node: Node) -> Iterator[_Problem]:
    written = node.entries.get("retry")
    if written is None or written.kind != "mapping":
        return
    if written.entries and task.retry.max_attempts == 1:
        message = f"task {task.id} is tried once, whatever `retry` says"
        yield "contradiction", node.keys["retry"], message, "add `max_attempts: 2`"
    if task.retry.backoff_s > task.retry.max_backoff_s:
        message = "the first wait is longer than the longest"
        yield "contradiction", written, message, "raise `max_backoff`"
