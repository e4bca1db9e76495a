"""Runs in which a script says what agents do, and no model is asked.

A rehearsal (`--backend scripted`) gives every agent of a workflow to the script, whichever backend
the workflow names: nobody rehearses in order to be billed for one task of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from orchestrate.core.agents.script import SCRIPTED, Script
from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.errors import DefinitionError

_replace = msgspec.structs.replace


def rehearsed(workflow: Workflow, is_agents: Callable[[str], bool]) -> Workflow:
    """`workflow`, before its staff is settled, with every agent performed by a script.

    Args:
        workflow: any.
        is_agents: whether a model stands behind the backend of that name.
    """

    def given(task: TaskSpec) -> TaskSpec:
        if task.agent is None or (task.backend is not None and not is_agents(task.backend)):
            return task
        alternatives = tuple(
            f"{written.partition('@')[0]}@{SCRIPTED}" for written in task.alternatives
        )
        return _replace(task, backend=SCRIPTED, alternatives=alternatives)

    return _each(workflow, given)


def is_scripted(workflow: Workflow) -> bool:
    """Whether `workflow` names the script as anybody's backend."""
    return any(
        task.backend == SCRIPTED or any(who.endswith(f"@{SCRIPTED}") for who in task.alternatives)
        for task in workflow.performed
    )


def with_script(workflow: Workflow, path: str, script: Script) -> Workflow:
    """`workflow`, after its staff is settled, with the script's place and price in it.

    Raises:
        DefinitionError: the script says nothing of a task it is to perform; names each.
    """

    def given(task: TaskSpec) -> TaskSpec:
        advisor = None if task.advisor is None else _scripted(task.advisor, path, script)
        staff = tuple(_scripted(who, path, script) for who in task.staff)
        return _replace(task, staff=staff, advisor=advisor)

    missing = [task.id for task in workflow.tasks if not _covers(script, task)]
    if missing:
        raise DefinitionError(
            f"{path} says nothing of {_listed(missing)}, and is to perform it",
            remedy="add each below `tasks:`, with a list of attempts; `- {}` does nothing and"
            " answers",
        )
    mistakes = list(_undeclared(workflow, path, script))
    if mistakes:
        raise DefinitionError("\n".join(mistakes), remedy="correct the script")
    return _each(workflow, given)


def _each(workflow: Workflow, change: Callable[[TaskSpec], TaskSpec]) -> Workflow:
    resolver = workflow.resolver
    return _replace(
        workflow,
        tasks=tuple(change(task) for task in workflow.tasks),
        resolver=None if resolver is None else change(resolver),
    )


def _scripted(who: Assignee, path: str, script: Script) -> Assignee:
    if who.backend != SCRIPTED:
        return who
    return _replace(who, script=path, model="", paid=script.bill, priced=True)


def _covers(script: Script, task: TaskSpec) -> bool:
    if not any(who.backend == SCRIPTED for who in task.staff):
        return True
    return script.covers_members(task.id) if task.is_group else bool(script.attempts(task.id))


def _undeclared(workflow: Workflow, path: str, script: Script) -> Iterator[str]:
    """Outputs that an attempt is to leave and its task does not declare."""
    for task in workflow.tasks:
        if task.is_group or not any(who.backend == SCRIPTED for who in task.staff):
            continue
        known = {output.name for output in task.outputs}
        for attempt in script.attempts(task.id):
            for name in sorted(attempt.outputs - known):
                yield (
                    f"{path}:{attempt.line}: task {task.id} declares no output {name!r}"
                    f" (declared: {', '.join(sorted(known)) or 'none'})"
                )


def _listed(names: list[str]) -> str:
    return f"task {names[0]}" if len(names) == 1 else f"the tasks {', '.join(names)}"
