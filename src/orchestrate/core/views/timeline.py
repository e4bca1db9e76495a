"""When each task of a run worked, from its state."""

from __future__ import annotations

from orchestrate.core.running.recovery import performing
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.findings import TimelineEntry


def timeline(state: RunState) -> tuple[TimelineEntry, ...]:
    """The latest attempt of every task that ever started, by start time.

    `finished_at` is None while an attempt runs.
    """
    if state.plan is None:
        return ()
    entries = [
        TimelineEntry(
            task=spec.id,
            phase=spec.phase,
            agent=_agent(state, number),
            number=task.attempts,
            started_at=task.started_at,
            finished_at=task.finished_at or None,
            outcome=task.status.value,
        )
        for number, spec in enumerate(state.plan.order)
        if (task := state.tasks[number]).attempts
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.started_at, entry.task)))


def _agent(state: RunState, number: int) -> str:
    """Who performed the latest attempt, which may have been an alternative or the advisor."""
    who = performing(state.index, number, state.tasks[number])
    return who.agent if who is not None else state.index.order[number].agent or ""
