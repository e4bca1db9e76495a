"""The names that expressions and prompt templates can see, read lazily from the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from orchestrate.core.planning.definition import InputValue
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus

_NO_ITEM: Mapping[str, InputValue] = MappingProxyType({})


class _Tasks(Mapping[str, Mapping[str, Any]]):
    def __init__(self, state: RunState) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        number = self._state.index.position[name]
        return task_scope(self._state.tasks[number])

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.index.position)

    def __len__(self) -> int:
        return len(self._state.index.position)


class _Phases(Mapping[str, Mapping[str, Any]]):
    def __init__(self, state: RunState) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return {"status": phase_status(self._state, self._state.index.phase_number[name])}

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.index.phase_number)

    def __len__(self) -> int:
        return len(self._state.index.phase_number)


def task_scope(task: TaskState) -> dict[str, Any]:
    """What `tasks.<id>` offers: status, ok, attempts, summary, metrics, outputs.<name>.path."""
    return {
        "status": task.status.value,
        "ok": task.status is TaskStatus.SUCCEEDED,
        "attempts": task.attempts,
        "summary": task.summary,
        "metrics": task.metrics,
        "outputs": {
            artifact.name: {"path": artifact.path, "digest": artifact.digest}
            for artifact in task.artifacts
        },
    }


def phase_status(state: RunState, number: int) -> str:
    """Derived status of a phase: blocked, active, gated, done, failed or skipped."""
    phase = state.phases[number]
    if not phase.opened:
        return "blocked"
    if phase.done:
        if phase.troubled:
            return "failed"
        return "done" if phase.ran or not state.index.phase_tasks[number] else "skipped"
    if phase.remaining:
        return "active"
    return "failed" if phase.troubled else "gated"


def scope(state: RunState, item: Mapping[str, InputValue] = _NO_ITEM) -> Mapping[str, Any]:
    """Names visible to expressions and templates of this run.

    `item` holds the values of the list item that a member of a group stands for.
    """
    return {
        "inputs": state.inputs,
        "tasks": _Tasks(state),
        "phases": _Phases(state),
        "run": {"id": state.run, "request": state.request},
        "item": item,
    }
