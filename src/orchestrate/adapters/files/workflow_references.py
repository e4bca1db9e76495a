"""Checks of conditions and prompts: they can be read, and what they name will be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_fields import mapping, sequence
from orchestrate.adapters.files.workflow_names import NameChecks, Place, always
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_tasks import list_node
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import EachSpec, GateSpec, TaskSpec
from orchestrate.core.planning.expression import Expression, ExpressionError, nodes, parse
from orchestrate.core.planning.inference import misfits, settled
from orchestrate.core.planning.reference import ROOTS, Reference, reference
from orchestrate.core.planning.syntax import Comparison, Literal, Name
from orchestrate.core.planning.template import TemplateError, references
from orchestrate.core.planning.upstream import Upstream
from orchestrate.core.running.status import TaskStatus

PHASE_STATUSES = ("blocked", "active", "gated", "done", "failed", "skipped")
_STATUSES = {"tasks": tuple(TaskStatus), "phases": PHASE_STATUSES}
_BRACES = re.compile(rf"\{{\{{\s*(?:{'|'.join(ROOTS)})\.")
_COMMANDS = (
    "commands are not filled in, so that no value can become a command",
    "use $ORCHESTRATE_INPUT_<NAME>, $ORCHESTRATE_ITEM_<NAME>, $ORCHESTRATE_ARTIFACT_<TASK>_<NAME>",
)
_VARIABLES = (
    "variables are not filled in",
    "commands find inputs, items and outputs in their environment anyway; name it in a prompt",
)
_PATTERNS = ("patterns are not filled in", "let each item of the list name what it `writes`")
#: Media types a list may have; the last is that of a file whose ending says nothing.
_MAYBE_JSON = ("/json", "+json", "/octet-stream")


class ReferenceChecks:
    """Checks every condition and prompt of a draft.

    Args:
        upstream: what comes before what; None skips the questions of order.
    """

    def __init__(self, draft: Draft, report: Report, upstream: Upstream | None) -> None:
        self._draft = draft
        self._report = report
        self._upstream = upstream
        workflow = draft.workflow
        self._inputs = {spec.name: spec for spec in workflow.inputs}
        self._names = NameChecks(workflow, report)

    def check(self) -> None:
        """Report everything wrong with them."""
        workflow = self._draft.workflow
        for phase, node, gates in zip(
            workflow.phases, self._draft.phase_nodes, self._draft.gate_nodes, strict=True
        ):
            if "when" in node.entries:
                self._condition(phase.when, self._at_phase(node.entries["when"], phase.name))
            for gate, gate_node in zip(phase.gates, gates, strict=True):
                if gate.condition:
                    place = self._at_gate(gate_node.entries["condition"], phase.name)
                    self._condition(gate.condition, place)
                if "when" in gate_node.entries:
                    place = self._before_gate(gate, gate_node.entries["when"], phase.name)
                    self._condition(gate.when, place)
                self._command(gate_node.entries.get("command"), _COMMANDS)
        for task, node in zip(workflow.tasks, self._draft.task_nodes, strict=True):
            if "when" in node.entries:
                self._condition(task.when, self._at_task(node.entries["when"], task))
            if "prompt" in node.entries:
                place = self._at_task(node.entries["prompt"], task)
                self._prompt(task.prompt, place._replace(item=task.each is not None))
            for key, over in (("each", task.each), ("split", task.split)):
                if over is not None:
                    self._list(task, key, over, node)
            self._not_filled_in(node)
        if workflow.resolver is not None:
            self._resolver(workflow.resolver, self._draft.root.entries["resolver"])

    # -- where ---------------------------------------------------------------------------------

    def _at_task(self, node: Node, task: TaskSpec) -> Place:
        known = self._upstream
        if known is None or not task.id:
            return Place(node, always, always, task)
        return Place(
            node,
            lambda name: known.before_task(name, task.id),
            lambda name: known.phase_before_task(name, task.id),
            task,
        )

    def _at_phase(self, node: Node, phase: str) -> Place:
        known = self._upstream
        if known is None:
            return Place(node, always, always)
        return Place(
            node,
            lambda name: known.before_phase(name, phase),
            lambda name: known.phase_before(name, phase),
        )

    def _at_gate(self, node: Node, phase: str) -> Place:
        known = self._upstream
        if known is None:
            return Place(node, always, always)
        return Place(
            node,
            lambda name: known.before_gates(name, phase),
            lambda name: known.phase_before(name, phase),
        )

    def _before_gate(self, gate: GateSpec, node: Node, phase: str) -> Place:
        """Where it is decided whether `gate` is asked: for work, before its phase has ended."""
        return self._at_phase(node, phase) if gate.each_merge else self._at_gate(node, phase)

    # -- conditions ----------------------------------------------------------------------------

    def _condition(self, text: str | None, place: Place) -> None:
        if not text:
            return
        try:
            expression = parse(text)
        except ExpressionError as error:
            where = place.node.place(error.offset)
            self._report.add("bad-expression", where, error.message, error.remedy)
            return
        for name in expression.names:
            self._names.check(name, place)
        for misfit in misfits(expression, self._inputs):
            where = place.node.place(misfit.offset)
            self._report.add("bad-expression", where, misfit.message, misfit.fix)
        for offset, word, known in _strange_statuses(expression):
            where = place.node.place(offset)
            fix = did_you_mean(word, known)
            self._report.warn("unknown-status", where, f"{word!r} is no status there is", fix)
        self._constancy(expression, place)

    def _constancy(self, expression: Expression, place: Place) -> None:
        constant = settled(expression, lambda _: None)
        if constant is not None:
            word = str(constant).lower()
            message = f"this condition is always {word}"
            self._report.warn(
                "constant-condition", place.node, message, "remove it, or name a value"
            )
            return
        task = place.task
        if task is None or task.trigger != "all_success":
            return
        outcome = settled(expression, lambda name: _after_success(name, task))
        if outcome is False:
            self._report.add(
                "unreachable",
                place.node,
                f"task {task.id} starts only when all it needs succeeded, and then this is false",
                "set `trigger: all_done`",
            )
        elif outcome is True:
            message = "this holds whenever everything the task needs succeeded, which it waits for"
            self._report.warn("constant-condition", place.node, message, "remove it")

    # -- prompts and commands ------------------------------------------------------------------

    def _prompt(self, text: str, place: Place) -> None:
        try:
            found = references(text)
        except TemplateError as error:
            where = place.node.place(error.offset)
            self._report.add("bad-template", where, error.message, error.remedy)
            return
        for name in found:
            self._names.check(name, place)
            if name.path[0] == "tasks" and name.path[2:3] == ("outputs",):
                self._names.output_there(name, place)

    def _resolver(self, resolver: TaskSpec, node: Node) -> None:
        """It may be wanted as soon as anything was merged, for any task that writes."""
        if "prompt" in node.entries:
            writing = [task for task in self._draft.workflow.tasks if task.writes]
            item = bool(writing) and all(task.each is not None for task in writing)
            place = Place(node.entries["prompt"], always, always, item=item)
            self._prompt(resolver.prompt, place)
        self._not_filled_in(node)

    def _not_filled_in(self, node: Node) -> None:
        """What is written beside the prompt of a task and taken as it is."""
        self._command(node.entries.get("run"), _COMMANDS)
        for value in mapping(node, "env").entries.values():
            self._command(value, _VARIABLES)
        writes = node.entries.get("writes")
        for pattern in (writes, *sequence(node, "writes")):
            self._command(pattern, _PATTERNS)

    def _command(self, node: Node | None, what: tuple[str, str]) -> None:
        found = _BRACES.search(node.text) if node is not None else None
        if found is not None and node is not None:
            self._report.warn("not-a-template", node.place(found.start()), *what)

    # -- lists ---------------------------------------------------------------------------------

    def _list(self, task: TaskSpec, key: str, each: EachSpec, node: Node) -> None:
        """The list a group is over is a JSON output that will be there."""
        written = list_node(node, key)
        if written is None or not isinstance(written.value, str) or not written.value:
            return
        if not each.task or each.task == task.id:
            message = f"{written.text!r} names no output of another task"
            fix = "write tasks.<id>.outputs.<name>; a name with a dot goes into brackets"
            self._report.add("bad-each", written, message, fix)
            return
        name, place = reference(written.value), self._at_task(written, task)
        self._names.task(name, written.place(0), place)
        self._names.output_there(name, place, "there is then no list")
        media_type = self._names.media_type(each.task, each.output)
        if media_type and not media_type.endswith(_MAYBE_JSON):
            message = f"output {each.output} of {each.task} is {media_type}, and a list is JSON"
            fix = "name an output whose path ends in .json, or set its `media_type`"
            self._report.add("bad-each", written, message, fix)


def _after_success(name: Reference, task: TaskSpec) -> tuple[Any] | None:
    """What is known of `name` once everything `task` needs has succeeded."""
    if name.path[0] == "tasks" and name.path[1:2] and name.path[1] in task.needs:
        if name.path[2:] == ("ok",):
            return (True,)
        if name.path[2:] == ("status",):
            return (TaskStatus.SUCCEEDED.value,)
    return None


def _strange_statuses(expression: Expression) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Texts that a status is compared with and that are none: offset, text, what there is."""
    for node in nodes(expression.root):
        if not isinstance(node, Comparison):
            continue
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if not isinstance(side, Name) or not isinstance(other, Literal):
                continue
            path = side.reference.path
            known = _STATUSES.get(path[0], ()) if path[2:] == ("status",) else ()
            words = other.value if isinstance(other.value, tuple) else (other.value,)
            for word in words:
                if known and isinstance(word, str) and word not in known:
                    yield other.offset, word, known
