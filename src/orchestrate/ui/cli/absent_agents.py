"""Agents that a run still needs, and that cannot be used here any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrate import wiring
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.evolve import reopened
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.errors import ConfigurationError
from orchestrate.ports.performer import Backend

#: Tasks that are to be performed, or perhaps again.
_UNDONE = frozenset({TaskStatus.BLOCKED, TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.RETRYING})


def require_performers(state: RunState, known: Mapping[str, Backend]) -> None:
    """Refuse to go on with a run that needs an agent which cannot be used here (any more).

    Raises:
        ConfigurationError: nobody of a task's staff can be used, or the prices cannot be read.
        DefinitionError: the table of prices has mistakes.
    """
    agents = wiring.agent_backends(known)
    wanted = list(_still_wanted(state))
    if not wanted:
        return
    wiring.prices()
    names = {who.backend for staff in wanted for who in staff}
    statuses = {name: agents[name].status() for name in sorted(names & agents.keys())}
    usable = {name for name, status in statuses.items() if status.usable}
    for staff in wanted:
        missing = staff[0].backend
        if usable.isdisjoint(who.backend for who in staff):
            remedy = statuses[missing].remedy if missing in statuses else ""
            raise ConfigurationError(
                f"run {state.run} needs {missing}, which cannot be used here",
                remedy=remedy or "see what is missing: orchestrate doctor",
            )


def _still_wanted(state: RunState) -> Iterator[tuple[Assignee, ...]]:
    """For each task that agents may yet perform in a run that is resumed, those who may."""
    again = reopened(state) if state.status is RunStatus.FAILED else 0
    for number, task in state.tasks.items():
        spec = state.index.order[number]
        opens = bool(again >> number & 1)
        if not spec.staff or task.rung == "human" or (task.status not in _UNDONE and not opens):
            continue
        yield spec.staff if opens else spec.staff[min(task.performer, len(spec.staff) - 1) :]
