"""Agents at work in a run: some may do only so many tasks of it at once (E1)."""

from __future__ import annotations

from collections import Counter

from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.state import RunState


class Crew:
    """How many attempts each agent is at, by its name; whoever starts is added by `take`."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._at_work: Counter[str] = Counter()
        for number in bits(state.live):
            self.take(number)

    def full(self, number: int) -> str:
        """Why the agent of task `number` takes on no more; empty if it does."""
        who = performing(self._state.index, number, self._state.tasks[number])
        if who is None or who.max_parallel is None or self._at_work[who.agent] < who.max_parallel:
            return ""
        return f"agent {who.agent} does at most {who.max_parallel} at once"

    def take(self, number: int) -> None:
        """Task `number` is at work."""
        who = performing(self._state.index, number, self._state.tasks[number])
        if who is not None:
            self._at_work[who.agent] += 1
