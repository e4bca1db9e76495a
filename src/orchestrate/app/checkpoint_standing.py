"""How far a run was at each of its checkpoints."""

from __future__ import annotations

import msgspec

from orchestrate.app.runs import history
from orchestrate.core.running.events import CheckpointTaken
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.state import INITIAL
from orchestrate.core.running.status import TaskStatus
from orchestrate.ports.store import EventStore


class Standing(msgspec.Struct, frozen=True):
    """Counts of tasks: all in the plan, those that had succeeded, attempts at work."""

    tasks: int
    done: int
    at_work: int


def standings(store: EventStore, run: str) -> dict[str, Standing]:
    """Checkpoint id -> how far `run` was there. Folds the log once."""
    found: dict[str, Standing] = {}
    state = INITIAL
    for _, event in history(store, run):
        state = evolve(state, event)
        if isinstance(event, CheckpointTaken):
            done = sum(task.status is TaskStatus.SUCCEEDED for task in state.tasks.values())
            found[event.checkpoint] = Standing(len(state.tasks), done, state.live.bit_count())
    return found
