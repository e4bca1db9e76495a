"""Checks of what a workflow says about writing: predicted paths, and keys that need a writer."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_fields import sequence
from orchestrate.adapters.files.workflow_gates import MERGE_KEYS
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.yaml_nodes import Node

#: Keys of the workflow that are about what its tasks write, and about the line that goes onto.
_ABOUT_WRITING = ("resolver", "merge_batch")
_ABOUT_LINE = ("checkpoint_every", "rollback")


def check_writing(draft: Draft, report: Report) -> None:
    """Patterns stay in the repository, and what is about writing has something to be about."""
    for task, node in zip(draft.workflow.tasks, draft.task_nodes, strict=True):
        for pattern in _patterns(node):
            wrong = _wrong_with(pattern.text)
            if wrong:
                message = f"{pattern.text!r} {wrong}"
                fix = "write paths relative to the repository, such as src/** or tests/"
                report.add("bad-pattern", pattern, message, fix)
        for folder in sequence(node, "sparse"):
            wrong = _wrong_with(folder.text) or ("is a pattern" if "*" in folder.text else "")
            if wrong:
                message = f"{folder.text!r} {wrong}"
                fix = "name folders of the repository, such as src/server"
                report.add("bad-pattern", folder, message, fix)
        if "max_returns" in node.keys and not task.writes:
            message = f"task {task.id} writes nothing that could be sent back"
            fix = "remove it, or say what the task `writes:`"
            report.warn("no-effect", node.keys["max_returns"], message, fix)
    if not any(task.writes for task in draft.workflow.tasks):
        for place in _about_writing(draft):
            _warn(place, "no task of this workflow writes", report)
    for phase, place in _about_merges(draft):
        _warn(place, f"no task of phase {phase} writes", report)


def _warn(place: Node, why: str, report: Report) -> None:
    fix = "remove it, or say which task `writes:`"
    report.warn("no-effect", place, f"{why}, so this does nothing", fix)


def _patterns(task: Node) -> Iterator[Node]:
    written = task.entries.get("writes")
    for node in (*([written] if written is not None else []), *sequence(task, "writes")):
        if isinstance(node.value, str) and node.value:
            yield node


def _wrong_with(pattern: str) -> str:
    """Why `pattern` cannot name paths of a repository; empty when it can."""
    parts = pattern.split("/")
    if pattern.startswith(("/", "~")):
        return "is not relative to the repository"
    if ".." in parts:
        return "leads out of the repository"
    if parts[0] == ".git":
        return "is git's own"
    if "\\" in pattern or not pattern.isprintable() or len(pattern) > 255:
        return "is not a path"
    return ""


def _about_writing(draft: Draft) -> Iterator[Node]:
    """What means nothing in a workflow that writes nothing."""
    about = _ABOUT_WRITING if draft.workflow.needs_line else _ABOUT_WRITING + _ABOUT_LINE
    yield from (draft.root.keys[key] for key in about if key in draft.root.keys)
    for phase, nodes in zip(draft.workflow.phases, draft.gate_nodes, strict=True):
        for gate, node in zip(phase.gates, nodes, strict=True):
            if gate.kind == "diff":
                yield node.entries.get("kind", node)


def _about_merges(draft: Draft) -> Iterator[tuple[str, Node]]:
    """What gates say about merges in phases without any: the phase, and the key."""
    writing = {task.phase for task in draft.workflow.tasks if task.writes}
    for phase, nodes in zip(draft.workflow.phases, draft.gate_nodes, strict=True):
        for gate, node in zip(phase.gates, nodes, strict=True):
            if gate.each_merge and phase.name not in writing:
                yield from ((phase.name, node.keys[key]) for key in MERGE_KEYS if key in node.keys)
