"""Checks of who performs a task and what it has to answer: names that exist, keys that count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_fields import mapping, sequence, text
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.agents.answer import RESERVED
from orchestrate.core.planning.definition import TaskSpec

#: The backend that has no model.
_LOCAL = "local"
_ABOUT_ANSWERS = ("model", "returns", "generate", "budget")
_ALTERNATIVE = re.compile(r"([a-z0-9][a-z0-9_.-]*)?(?:@(\S+))?")
#: Nested more deeply, an answer is no longer taken by every backend (five levels of objects).
_MAX_DEPTH = 5
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_BELONGS = {"items": "array", "properties": "object"}

Problem = tuple[str, Node, str, str]


def check_staff(draft: Draft, report: Report, known: frozenset[str] | None) -> None:
    """Report what is wrong with the staff and the answers of tasks.

    Args:
        known: names of all agents; None leaves them unchecked.
    """
    for task, node in zip(draft.workflow.tasks, draft.task_nodes, strict=True):
        for problem in (*_alternatives(node, known), *_escalation(node, known)):
            report.add(*problem)
        for problem in (*_contradictions(task, node), *_answers(node)):
            report.add(*problem)
        if task.backend == _LOCAL:
            for key in _ABOUT_ANSWERS:
                if key in node.keys:
                    message = f"no model performs task {task.id}, so this does nothing"
                    report.warn("no-effect", node.keys[key], message, "remove it")


def _alternatives(node: Node, known: frozenset[str] | None) -> Iterator[Problem]:
    for item in sequence(node, "alternatives"):
        if not isinstance(item.value, str) or not item.value:
            continue
        found = _ALTERNATIVE.fullmatch(item.value)
        if found is None or not any(found.groups()):
            message = f"{item.text!r} names neither an agent nor a backend"
            yield "bad-alternative", item, message, "write AGENT, AGENT@BACKEND or @BACKEND"
        elif known is not None and found[1] and found[1] not in known:
            yield _unknown_agent(item, found[1], known)


def _escalation(node: Node, known: frozenset[str] | None) -> Iterator[Problem]:
    name = text(node, "escalate")
    if name and known is not None and name not in known:
        yield _unknown_agent(node.entries["escalate"], name, known)


def _unknown_agent(place: Node, name: str, known: frozenset[str]) -> Problem:
    fix = did_you_mean(name, known, "see: orchestrate agent list")
    return "unknown-agent", place, f"there is no agent {name}", fix


def _contradictions(task: TaskSpec, node: Node) -> Iterator[Problem]:
    if task.must_change and not task.writes:
        message = f"task {task.id} has to change something, and writes nothing"
        fix = "say what the task `writes:`, or remove it"
        yield "contradiction", node.keys["must_change"], message, fix
    if task.split is not None and task.each is not None:
        message = f"task {task.id} is made for each item of a list already"
        yield "contradiction", node.keys["split"], message, "remove `each` or `split`"


# -- answers -----------------------------------------------------------------------------------


def _answers(task: Node) -> Iterator[Problem]:
    declared = mapping(task, "returns")
    for name, place in declared.keys.items():
        if name in RESERVED:
            message = f"every answer has a field {name} of its own"
            yield "bad-returns", place, message, "rename it, or remove it"
    for entry in declared.entries.values():
        if entry.kind == "mapping":
            yield from _schema(entry, 1)


def _schema(node: Node, depth: int) -> Iterator[Problem]:
    kind = text(node, "type")
    if depth > _MAX_DEPTH:
        message = f"an answer is at most {_MAX_DEPTH} levels deep"
        yield "bad-returns", node, message, "make it flatter"
        return
    for key, wanted in _BELONGS.items():
        if kind == wanted and key not in node.entries:
            message = f"of an {wanted} it has to be known what is in it"
            yield "bad-returns", node.entries["type"], message, f"add `{key}:`"
        elif kind and kind != wanted and key in node.keys:
            message = f"`{key}` is for type {wanted}, and this is of type {kind}"
            yield "bad-returns", node.keys[key], message, "remove it, or correct the type"
    yield from _choices(node, kind)
    inner = [mapping(node, "items"), *mapping(node, "properties").entries.values()]
    for entry in inner:
        if entry.kind == "mapping" and entry.entries:
            yield from _schema(entry, depth + 1)


def _choices(node: Node, kind: str) -> Iterator[Problem]:
    if "enum" not in node.keys or kind not in (*_TYPES, *_BELONGS.values()):
        return
    wanted = _TYPES.get(kind)
    if wanted is None or kind == "boolean":
        message = f"`enum` is for texts and numbers, and this is of type {kind}"
        yield "bad-returns", node.keys["enum"], message, "remove it"
        return
    for item in sequence(node, "enum"):
        if isinstance(item.value, bool) or not isinstance(item.value, wanted):
            message = f"{item.text!r} is not of type {kind}"
            yield "bad-returns", item, message, "correct it, or the type"
