"""What would make a run fail later, said before it begins (B7)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.write_set import UNKNOWN
from orchestrate.errors import ConfigurationError
from orchestrate.ports.performer import Backend

#: Backend of a task that is a shell command.
SHELL = "shell"
#: Name of the backend of deterministic specialists.
LOCAL = "local"


def backend_of(task: TaskSpec) -> str:
    """Name of the backend that performs `task`; empty when the workflow leaves it open."""
    return task.backend or (SHELL if task.run is not None else "")


def refusals(workflow: Workflow, backends: Mapping[str, Backend]) -> tuple[str, ...]:
    """Why tasks of `workflow` could not be performed, one sentence each, in file order.

    The resolver comes last. It has to write, whatever its task says.
    """
    performed = [(f"task {task.id}", task) for task in workflow.tasks]
    if workflow.resolver is not None:
        resolver = msgspec.structs.replace(workflow.resolver, writes=(UNKNOWN,))
        performed.append(("the resolver", resolver))
    return tuple(
        f"{name}: {reason}" for name, task in performed if (reason := _refusal(task, backends))
    )


def check(workflow: Workflow, backends: Mapping[str, Backend]) -> None:
    """Refuse a workflow that cannot be performed here.

    Raises:
        ConfigurationError: lists every task nobody could perform.
    """
    found = refusals(workflow, backends)
    if found:
        raise ConfigurationError(
            f"workflow {workflow.name} cannot be run here: {'; '.join(found)}",
            remedy=f"backends that are available: {', '.join(sorted(backends))}",
        )


def _refusal(task: TaskSpec, backends: Mapping[str, Backend]) -> str:
    name = backend_of(task)
    if not name:
        return f"it names agent {task.agent} and no backend to perform it"
    backend = backends.get(name)
    if backend is None:
        return f"there is no backend {name!r}"
    return backend.refusal(task)
