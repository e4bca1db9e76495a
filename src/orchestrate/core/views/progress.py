"""How far a run is: counted, not estimated."""

from __future__ import annotations

from collections import Counter

import msgspec

from orchestrate.core.running.plan import bits
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import TASK_SETTLED, RunStatus, TaskStatus


class PhaseProgress(msgspec.Struct, frozen=True):
    """One phase: its derived status, how many tasks it has, and how many ended or run."""

    name: str
    status: str
    tasks: int
    ended: int
    running: int


class RunningTask(msgspec.Struct, frozen=True):
    """A task at work: its attempt, since when (Unix seconds) and for how many seconds."""

    task: str
    phase: str
    number: int
    started_at: float
    elapsed_s: float


class Progress(msgspec.Struct, frozen=True):
    """How far a run is.

    Attributes:
        counts: status -> number of tasks, every status that occurs.
        ended, total: tasks that reached an end, and all of them.
        fraction: `ended / total`: of tasks, not of time. A run without tasks is done when it ended.
        elapsed_s: from its start to its end, or to now.
        running: oldest first.
    """

    run: str
    status: RunStatus
    counts: dict[str, int]
    ended: int
    total: int
    fraction: float
    elapsed_s: float
    phases: tuple[PhaseProgress, ...]
    running: tuple[RunningTask, ...]


def progress(state: RunState, now: float) -> Progress:
    """How far the run is at Unix time `now`."""
    counts = Counter(task.status for task in state.tasks.values())
    total = len(state.tasks)
    ended = sum(counts[status] for status in TASK_SETTLED)
    if total:
        fraction = ended / total
    else:
        fraction = float(state.status is RunStatus.COMPLETED)
    until = state.ended_at or now
    return Progress(
        run=state.run,
        status=state.status,
        counts={status.value: counts[status] for status in TaskStatus if counts[status]},
        ended=ended,
        total=total,
        fraction=fraction,
        elapsed_s=max(0.0, until - state.started_at) if state.started_at else 0.0,
        phases=_phases(state),
        running=_running(state, now),
    )


def _phases(state: RunState) -> tuple[PhaseProgress, ...]:
    if state.plan is None:
        return ()
    found = []
    for number, phase in enumerate(state.plan.workflow.phases):
        statuses = [state.tasks[task].status for task in state.plan.phase_tasks[number]]
        found.append(
            PhaseProgress(
                name=phase.name,
                # Before the start nothing has been derived yet.
                status=phase_status(state, number) if state.phases else "blocked",
                tasks=len(statuses),
                ended=sum(status in TASK_SETTLED for status in statuses),
                running=statuses.count(TaskStatus.RUNNING),
            )
        )
    return tuple(found)


def _running(state: RunState, now: float) -> tuple[RunningTask, ...]:
    found = [
        RunningTask(
            task=state.index.order[number].id,
            phase=state.index.order[number].phase,
            number=state.tasks[number].attempts,
            started_at=state.tasks[number].started_at,
            elapsed_s=max(0.0, now - state.tasks[number].started_at),
        )
        for number in bits(state.live)
    ]
    return tuple(sorted(found, key=lambda task: (task.started_at, task.task)))
