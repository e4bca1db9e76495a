"""Checks of conditions and prompts: they can be read, and what they name will be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from orchestrate.adapters.files.workflow_draft import Draft
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.expression import Expression, ExpressionError, nodes, parse
from orchestrate.core.planning.inference import misfits, settled
from orchestrate.core.planning.reference import ROOTS, Reference, misspelling
from orchestrate.core.planning.syntax import Comparison, Literal, Name
from orchestrate.core.planning.template import TemplateError, references
from orchestrate.core.planning.upstream import Upstream
from orchestrate.core.running.status import TaskStatus

PHASE_STATUSES = ("blocked", "active", "gated", "done", "failed", "skipped")
_STATUSES = {"tasks": tuple(TaskStatus), "phases": PHASE_STATUSES}
_BRACES = re.compile(r"\{\{\s*(?:inputs|tasks|phases|run)\.")
_BRACKETS = "; a name with a dot goes into brackets: tasks['a.b']"


class _Place(NamedTuple):
    """A condition or prompt in the file, and what has ended for sure when it is looked at."""

    node: Node
    task_ended: Callable[[str], bool]
    phase_done: Callable[[str], bool]
    task: TaskSpec | None = None


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
        self._tasks = {task.id: task for task in workflow.tasks if task.id}
        self._phases = {phase.name: phase for phase in workflow.phases}

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
                self._command(gate.command, gate_node.entries.get("command"))
        for task, node in zip(workflow.tasks, self._draft.task_nodes, strict=True):
            if "when" in node.entries:
                self._condition(task.when, self._at_task(node.entries["when"], task))
            if "prompt" in node.entries:
                self._prompt(task.prompt, self._at_task(node.entries["prompt"], task))
            self._command(task.run or "", node.entries.get("run"))

    # -- where ---------------------------------------------------------------------------------

    def _at_task(self, node: Node, task: TaskSpec) -> _Place:
        known = self._upstream
        if known is None or not task.id:
            return _Place(node, _always, _always, task)
        return _Place(
            node,
            lambda name: known.before_task(name, task.id),
            lambda name: known.phase_before_task(name, task.id),
            task,
        )

    def _at_phase(self, node: Node, phase: str) -> _Place:
        known = self._upstream
        if known is None:
            return _Place(node, _always, _always)
        return _Place(
            node,
            lambda name: known.before_phase(name, phase),
            lambda name: known.phase_before(name, phase),
        )

    def _at_gate(self, node: Node, phase: str) -> _Place:
        known = self._upstream
        if known is None:
            return _Place(node, _always, _always)
        return _Place(
            node,
            lambda name: known.before_gates(name, phase),
            lambda name: known.phase_before(name, phase),
        )

    # -- conditions ----------------------------------------------------------------------------

    def _condition(self, text: str | None, place: _Place) -> None:
        if not text:
            return
        try:
            expression = parse(text)
        except ExpressionError as error:
            where = place.node.place(error.offset)
            self._report.add("bad-expression", where, error.message, error.remedy)
            return
        for name in expression.names:
            self._name(name, place)
        for misfit in misfits(expression, self._inputs):
            where = place.node.place(misfit.offset)
            self._report.add("bad-expression", where, misfit.message, misfit.fix)
        for offset, word, known in _strange_statuses(expression):
            where = place.node.place(offset)
            fix = did_you_mean(word, known)
            self._report.warn("unknown-status", where, f"{word!r} is no status there is", fix)
        self._constancy(expression, place)

    def _constancy(self, expression: Expression, place: _Place) -> None:
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

    def _prompt(self, text: str, place: _Place) -> None:
        try:
            found = references(text)
        except TemplateError as error:
            where = place.node.place(error.offset)
            self._report.add("bad-template", where, error.message, error.remedy)
            return
        for name in found:
            self._name(name, place)
            if name.path[0] == "tasks" and name.path[2:3] == ("outputs",):
                self._output_there(name, place)

    def _output_there(self, name: Reference, place: _Place) -> None:
        """Warn when the output may be absent although the task that uses it starts."""
        source, task = self._tasks.get(name.path[1]), place.task
        if source is None or task is None:
            return
        output = next((each for each in source.outputs if name.path[3:4] == (each.name,)), None)
        why = ""
        if output is not None and not output.required:
            why = f"output {output.name} of {source.id} is not required"
        elif task.trigger != "all_success":
            why = f"{task.id} also starts when {source.id} failed"
        elif source.id not in task.needs and source.when is not None:
            why = f"{source.id} may be skipped"
        if why:
            where = place.node.place(name.offset)
            message = f"{name} may not be there: {why}; the prompt then cannot be written"
            self._report.warn("maybe-missing", where, message, "use .summary, or require it")

    def _command(self, text: str, node: Node | None) -> None:
        found = _BRACES.search(text)
        if found is not None and node is not None:
            self._report.warn(
                "not-a-template",
                node.place(found.start()),
                "commands are not filled in, so that no value can become a command",
                "use $ORCHESTRATE_INPUT_<NAME> or $ORCHESTRATE_ARTIFACT_<TASK>_<NAME>",
            )

    # -- names ---------------------------------------------------------------------------------

    def _name(self, name: Reference, place: _Place) -> None:
        where = place.node.place(name.offset)
        shape = misspelling(name.path)
        if shape:
            fix = f"{shape}{_BRACKETS}" if len(name.path) > 3 else shape
            if name.path[0] not in ROOTS:
                fix = did_you_mean(name.path[0], ROOTS, shape)
            self._report.add("unknown-name", where, f"{name} cannot have a value", fix)
        elif name.path[0] == "inputs":
            self._input(name, where)
        elif name.path[0] == "tasks":
            self._task(name, where, place)
        elif name.path[0] == "phases":
            self._phase(name, where, place)

    def _input(self, name: Reference, where: tuple[int, int]) -> None:
        if len(name.path) == 1:
            return
        spec = self._inputs.get(name.path[1])
        if spec is None:
            fix = did_you_mean(name.path[1], self._inputs, "declare it under `inputs:`")
            message = f"there is no input {name.path[1]}"
            self._report.add("missing-input", where, message, fix)
        elif not spec.required and spec.default is None:
            message = f"input {spec.name} has no value when none is given"
            self._report.warn("maybe-missing", where, message, "give it a default, or require it")

    def _task(self, name: Reference, where: tuple[int, int], place: _Place) -> None:
        source = self._tasks.get(name.path[1])
        if source is None:
            fix = "" if self._report.full else did_you_mean(name.path[1], self._tasks)
            self._report.add("unknown-name", where, f"there is no task {name.path[1]}", fix)
            return
        if not place.task_ended(source.id):
            message = f"{name} is used before task {source.id} is certain to have ended"
            self._report.add("not-upstream", where, message, f"add {source.id} to `needs:`")
        if name.path[2] == "outputs" and len(name.path) > 3:
            outputs = [output.name for output in source.outputs]
            if name.path[3] not in outputs:
                message = f"task {source.id} declares no output {name.path[3]}"
                fix = did_you_mean(name.path[3], outputs, "declare it under its `outputs:`")
                self._report.add("unknown-name", where, message, fix)

    def _phase(self, name: Reference, where: tuple[int, int], place: _Place) -> None:
        phase = name.path[1]
        if phase not in self._phases:
            fix = did_you_mean(phase, self._phases)
            self._report.add("unknown-name", where, f"there is no phase {phase}", fix)
        elif not place.phase_done(phase):
            message = f"{name} is used before phase {phase} is certain to be done"
            self._report.add("not-upstream", where, message, f"depend on phase {phase}")


def _always(_: str) -> bool:
    return True


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
