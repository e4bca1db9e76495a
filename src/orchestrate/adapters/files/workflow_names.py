"""Checks of the names in conditions and prompts: what they name will be there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_wording import did_you_mean
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.reference import ITEM, ROOTS, Reference, misspelling

_BRACKETS = "; a name with a dot goes into brackets: tasks['a.b']"


class Place(NamedTuple):
    """A condition or prompt in the file, and what has ended for sure when it is looked at.

    `item`: whether there is an item whose values it may name.
    """

    node: Node
    task_ended: Callable[[str], bool]
    phase_done: Callable[[str], bool]
    task: TaskSpec | None = None
    item: bool = False


def always(_: str) -> bool:
    """What is said of order where nothing is known about it."""
    return True


class NameChecks:
    """Looks up the names of one workflow."""

    def __init__(self, workflow: Workflow, report: Report) -> None:
        self._report = report
        self._inputs = {spec.name: spec for spec in workflow.inputs}
        self._tasks = {task.id: task for task in workflow.tasks if task.id}
        self._phases = {phase.name for phase in workflow.phases}

    def check(self, name: Reference, place: Place) -> None:
        """Report when `name` cannot have a value at `place`."""
        where = place.node.place(name.offset)
        shape = misspelling(name.path)
        if shape:
            fix = f"{shape}{_BRACKETS}" if len(name.path) > 3 else shape
            if name.path[0] not in ROOTS:
                fix = did_you_mean(name.path[0], ROOTS, shape)
            self._report.add("unknown-name", where, f"{name} cannot have a value", fix)
        elif name.path[0] == "inputs":
            self._input(name, where)
        elif name.path[0] == ITEM and not place.item:
            message = f"{name} has a value in the prompt of a task with `each`, and nowhere else"
            self._report.add("unknown-name", where, message, "move it there, or remove it")
        elif name.path[0] == "tasks":
            self.task(name, where, place)
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

    def task(self, name: Reference, where: tuple[int, int], place: Place) -> None:
        """Report when a name that begins with `tasks.<id>` has no value at `place`."""
        source = self._tasks.get(name.path[1])
        if source is None:
            fix = "" if self._report.full else did_you_mean(name.path[1], self._tasks)
            self._report.add("unknown-name", where, f"there is no task {name.path[1]}", fix)
            return
        if not place.task_ended(source.id):
            message = f"{name} is used before task {source.id} is certain to have ended"
            self._report.add("not-upstream", where, message, f"add {source.id} to `needs:`")
        if name.path[2] == "outputs" and source.each is not None:
            message = f"{source.id} leaves no outputs of its own: each of its items has some"
            fix = "have a task that needs it put them together in a command"
            self._report.add("unknown-name", where, message, fix)
        elif name.path[2] == "outputs" and len(name.path) > 3:
            outputs = [output.name for output in source.outputs]
            if name.path[3] not in outputs:
                message = f"task {source.id} declares no output {name.path[3]}"
                fix = did_you_mean(name.path[3], outputs, "declare it under its `outputs:`")
                self._report.add("unknown-name", where, message, fix)

    def media_type(self, task: str, output: str) -> str:
        """Of an output; empty if there is none."""
        outputs = self._tasks[task].outputs if task in self._tasks else ()
        return next((each.media_type for each in outputs if each.name == output), "")

    def _phase(self, name: Reference, where: tuple[int, int], place: Place) -> None:
        phase = name.path[1]
        if phase not in self._phases:
            fix = did_you_mean(phase, self._phases)
            self._report.add("unknown-name", where, f"there is no phase {phase}", fix)
        elif not place.phase_done(phase):
            message = f"{name} is used before phase {phase} is certain to be done"
            self._report.add("not-upstream", where, message, f"depend on phase {phase}")

    def output_there(
        self, name: Reference, place: Place, otherwise: str = "the prompt then cannot be written"
    ) -> None:
        """Warn when the output may be absent although the task that uses it starts."""
        source, task = self._tasks.get(name.path[1]), place.task
        if source is None or source.each is not None:
            return
        output = next((each for each in source.outputs if name.path[3:4] == (each.name,)), None)
        why = ""
        if task is None:
            why = f"work may conflict before {source.id} has ended"
        elif source.split is not None:
            why = f"{source.id} may be split, and then each of its parts has its own"
        elif output is not None and not output.required:
            why = f"output {output.name} of {source.id} is not required"
        elif task.trigger != "all_success":
            why = f"{task.id} also starts when {source.id} failed"
        elif source.id not in task.needs and source.when is not None:
            why = f"{source.id} may be skipped"
        if why:
            where = place.node.place(name.offset)
            message = f"{name} may not be there: {why}; {otherwise}"
            self._report.warn("maybe-missing", where, message, "use .summary, or require it")
