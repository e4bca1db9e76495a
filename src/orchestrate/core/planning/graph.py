"""The graph of a workflow: cycles, waves, critical path, and the order of dispatch.

Theory of operation
-------------------
A task waits for its `needs` and for every task of every phase its own phase depends on. Writing the
second kind out would take |A|·|B| edges for two phases in a row, so each phase gets two nodes of no
duration instead: `open` comes before all its tasks, `done` after them, and `done` of one phase
before `open` of those that depend on it. The graph then has as many nodes and edges as the file has
words, and every function here visits each once, without recursion.

Nodes are numbers: tasks in file order first, then `open` and `done` of each phase in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orchestrate.core.planning.definition import Workflow
from orchestrate.errors import DefinitionError

#: Seconds a task is taken to last when nobody said anything. Only ratios matter.
DEFAULT_EXPECTED_S = 1.0
#: Cycles that are looked for. They are independent mistakes; nobody has twenty.
MAX_CYCLES = 20


class CycleError(DefinitionError):
    """The tasks cannot be put into an order. `cycle` is the path, its first name repeated last."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__(
            f"dependency cycle: {' -> '.join(cycle)}", remedy="remove one of these dependencies"
        )
        self.cycle = cycle


class CriticalPath(msgspec.Struct, frozen=True):
    """The longest chain of tasks, in order, and how long it takes in all."""

    tasks: tuple[str, ...]
    length_s: float


class Graph:
    """Both directions of every edge, by node number.

    Attributes:
        size: number of tasks; node `size + 2 * p` opens phase `p`, the one after it closes it.
        after, before: successors and predecessors of each node.
    """

    __slots__ = ("after", "before", "size", "workflow")

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.size = len(workflow.tasks)
        nodes = self.size + 2 * len(workflow.phases)
        self.after: list[list[int]] = [[] for _ in range(nodes)]
        self.before: list[list[int]] = [[] for _ in range(nodes)]
        number = {task.id: position for position, task in enumerate(workflow.tasks)}
        opens = {phase.name: self.size + 2 * at for at, phase in enumerate(workflow.phases)}
        for phase in workflow.phases:
            self._join(opens[phase.name], opens[phase.name] + 1)
            for earlier in phase.depends_on:
                self._join(_known(opens, earlier, "phase") + 1, opens[phase.name])
        for position, task in enumerate(workflow.tasks):
            opened = _known(opens, task.phase, "phase")
            self._join(opened, position)
            self._join(position, opened + 1)
            for needed in task.needs:
                self._join(_known(number, needed, "task"), position)

    def _join(self, first: int, then: int) -> None:
        self.after[first].append(then)
        self.before[then].append(first)

    def name(self, node: int) -> str:
        """What a person calls a node: a task by its id, a phase as `phase <name>`."""
        if node < self.size:
            return self.workflow.tasks[node].id
        return f"phase {self.workflow.phases[(node - self.size) // 2].name}"

    def order(self) -> list[int]:
        """All nodes, each after its predecessors. Raises CycleError when there is no such order."""
        sorting = _Sorting(self)
        sorting.release(node for node, before in enumerate(self.before) if not before)
        if len(sorting.sorted) < len(self.after):
            raise CycleError(self._path(sorting.cycle()))
        return sorting.sorted

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Paths of cycles that share no node, at most `MAX_CYCLES`."""
        sorting = _Sorting(self)
        sorting.release(node for node, before in enumerate(self.before) if not before)
        found: list[tuple[str, ...]] = []
        while len(sorting.sorted) < len(self.after) and len(found) < MAX_CYCLES:
            cycle = sorting.cycle()
            found.append(self._path(cycle))
            sorting.release(cycle)
        return tuple(found)

    def _path(self, cycle: Sequence[int]) -> tuple[str, ...]:
        """Names along `cycle`, starting at its earliest task; a phase's two nodes count as one."""
        start = cycle.index(min(cycle))
        names = [self.name(node) for node in (*cycle[start:], *cycle[:start])]
        path = [name for at, name in enumerate(names) if at == 0 or name != names[at - 1]]
        return (*path, path[0])


class _Sorting:
    """Kahn's algorithm, which can be told to go on past a cycle."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._waiting = [len(before) for before in graph.before]
        self._done = [False] * len(self._waiting)
        self._scan = 0
        self.sorted: list[int] = []

    def release(self, nodes: Iterable[int]) -> None:
        """Treat `nodes` as done, and all that waited for nothing else."""
        for node in nodes:
            self._finish(node)
        while self._scan < len(self.sorted):
            node = self.sorted[self._scan]
            self._scan += 1
            for other in self._graph.after[node]:
                self._waiting[other] -= 1
                if not self._waiting[other]:
                    self._finish(other)

    def _finish(self, node: int) -> None:
        if not self._done[node]:
            self._done[node] = True
            self.sorted.append(node)

    def cycle(self) -> list[int]:
        """A cycle among what is left: whatever waits there waits for something else that does."""
        node = self._done.index(False)
        seen: dict[int, int] = {}
        path: list[int] = []
        while node not in seen:
            seen[node] = len(path)
            path.append(node)
            node = next(other for other in self._graph.before[node] if not self._done[other])
        return path[seen[node] :][::-1]


def _known(numbers: Mapping[str, int], name: str, what: str) -> int:
    try:
        return numbers[name]
    except KeyError:
        raise DefinitionError(f"there is no {what} {name!r}") from None


def find_cycle(workflow: Workflow) -> tuple[str, ...] | None:
    """A cycle as a path in the order of execution, its first name repeated last, or None."""
    found = Graph(workflow).cycles()
    return found[0] if found else None


def effective_needs(workflow: Workflow, task: str) -> tuple[str, ...]:
    """Everything `task` directly waits for, in file order: its needs and the phases before its own.

    For showing one task; the size of the answer is that of the phases.
    """
    spec = next(each for each in workflow.tasks if each.id == task)
    phase = next(each for each in workflow.phases if each.name == spec.phase)
    return tuple(
        each.id
        for each in workflow.tasks
        if each.id in spec.needs or each.phase in phase.depends_on
    )


def levels(workflow: Workflow) -> tuple[tuple[str, ...], ...]:
    """Waves: tasks with equal longest dependency depth, each wave in file order.

    Raises:
        CycleError: there is no order.
    """
    graph = Graph(workflow)
    depth = [0] * len(graph.after)
    for node in graph.order():
        below = depth[node] + (node < graph.size)
        for other in graph.after[node]:
            depth[other] = max(depth[other], below)
    waves: dict[int, list[str]] = {}
    for number, task in enumerate(workflow.tasks):
        waves.setdefault(depth[number], []).append(task.id)
    return tuple(tuple(waves[level]) for level in sorted(waves))


def _durations(workflow: Workflow, expected: Mapping[str, float] | None) -> list[float]:
    """Seconds per task: what `expected` says, else the definition, else the default."""
    known = expected or {}
    return [
        known.get(task.id, DEFAULT_EXPECTED_S if task.expected_s is None else task.expected_s)
        for task in workflow.tasks
    ]


def _ranks(graph: Graph, durations: Sequence[float]) -> list[float]:
    """Longest expected time from the start of each node to the end of the run."""
    rank = [0.0] * len(graph.after)
    for node in reversed(graph.order()):
        rest = max((rank[other] for other in graph.after[node]), default=0.0)
        rank[node] = rest + (durations[node] if node < graph.size else 0.0)
    return rank


def upward_ranks(
    workflow: Workflow, expected: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Task -> longest expected time, in seconds, from its start to the end of the run.

    The priority of list scheduling by HEFT (Topcuoglu, Hariri and Wu, 2002), with communication
    costs of nought. `expected` maps task ids to seconds and overrides what the definition says.

    Raises:
        CycleError: there is no order.
    """
    graph = Graph(workflow)
    rank = _ranks(graph, _durations(workflow, expected))
    return {task.id: rank[number] for number, task in enumerate(workflow.tasks)}


def critical_path(workflow: Workflow, expected: Mapping[str, float] | None = None) -> CriticalPath:
    """The chain that bounds the duration of the run from below; ties go to the earlier task.

    Raises:
        CycleError: there is no order.
    """
    graph = Graph(workflow)
    rank = _ranks(graph, _durations(workflow, expected))
    starts: Iterable[int] = [node for node, before in enumerate(graph.before) if not before]
    path: list[str] = []
    length = 0.0
    while starts := list(starts):
        node = min(starts, key=lambda other: (-rank[other], other))
        if not path:
            length = max(length, rank[node])
        if node < graph.size:
            path.append(workflow.tasks[node].id)
        starts = graph.after[node]
    return CriticalPath(tuple(path), length)


def plan_order(workflow: Workflow) -> tuple[str, ...]:
    """Task ids in the order they are offered slots: by priority, then upward rank, then position.

    Higher priorities and ranks come first. It is an order of preference among tasks that are ready,
    so a task may stand before one it waits for.

    Raises:
        CycleError: there is no order.
        DefinitionError: a dependency does not exist.
    """
    graph = Graph(workflow)
    rank = _ranks(graph, _durations(workflow, None))
    tasks = workflow.tasks
    numbers = sorted(
        range(graph.size), key=lambda number: (-tasks[number].priority, -rank[number], number)
    )
    return tuple(tasks[number].id for number in numbers)
