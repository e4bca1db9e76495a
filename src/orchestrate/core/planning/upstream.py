"""What is certain to have ended before something else begins."""

from __future__ import annotations

from orchestrate.core.planning.definition import Workflow
from orchestrate.core.planning.graph import Graph


class Upstream:
    """Answers about one workflow without cycles; all names it is asked about must exist.

    The first question computes, for every node of the graph, the set of those before it, as a bit
    set: 10 000 tasks take about 25 MB while this object lives.
    """

    def __init__(self, workflow: Workflow) -> None:
        self._graph = Graph(workflow)
        size = self._graph.size
        self._task = {task.id: number for number, task in enumerate(workflow.tasks)}
        self._opens = {phase.name: size + 2 * at for at, phase in enumerate(workflow.phases)}
        self._sets: list[int] = []

    def before_task(self, earlier: str, task: str) -> bool:
        """Whether task `earlier` has ended when `task` starts, in every run."""
        return self._precedes(self._task[earlier], self._task[task])

    def before_phase(self, earlier: str, phase: str) -> bool:
        """Whether task `earlier` has ended when `phase` opens."""
        return self._precedes(self._task[earlier], self._opens[phase])

    def before_gates(self, earlier: str, phase: str) -> bool:
        """Whether task `earlier` has ended when the gates of `phase` are decided."""
        return self._precedes(self._task[earlier], self._opens[phase] + 1)

    def phase_before(self, earlier: str, phase: str) -> bool:
        """Whether phase `earlier` is done when `phase` opens."""
        return self._precedes(self._opens[earlier] + 1, self._opens[phase])

    def phase_before_task(self, earlier: str, task: str) -> bool:
        """Whether phase `earlier` is done when `task` starts."""
        return self._precedes(self._opens[earlier] + 1, self._task[task])

    def _precedes(self, first: int, then: int) -> bool:
        if not self._sets:
            self._sets = self._ancestors()
        return bool(self._sets[then] >> first & 1)

    def _ancestors(self) -> list[int]:
        found = [0] * len(self._graph.after)
        for node in self._graph.order():
            mine = found[node] | 1 << node
            for other in self._graph.after[node]:
                found[other] |= mine
        return found
