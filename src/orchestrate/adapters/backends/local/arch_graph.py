"""Cycles and reachability in a graph of names. Pure; nodes and edges in, paths out.

A graph maps a node to its successors. Results depend on names only, never on the order of the
mapping, so that two runs agree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

Graph: TypeAlias = Mapping[str, Collection[str]]


def cyclic_components(graph: Graph) -> list[tuple[str, ...]]:
    """The groups of nodes that reach each other, each sorted, the groups sorted too.

    Tarjan, "Depth-first search and linear graph algorithms" (1972), with an explicit stack because
    import chains can be longer than Python's recursion limit. A node by itself is no group.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: dict[str, None] = {}
    found: list[tuple[str, ...]] = []
    for start in sorted(graph):
        if start in index:
            continue
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        open_nodes[start] = None
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    open_nodes[successor] = None
                    work.append((successor, iter(sorted(graph.get(successor, ())))))
                    break
                if successor in open_nodes:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_close(open_nodes, node))
    return sorted(component for component in found if len(component) > 1)


def _close(open_nodes: dict[str, None], root: str) -> tuple[str, ...]:
    component = []
    while True:
        node, _ = open_nodes.popitem()
        component.append(node)
        if node == root:
            return tuple(sorted(component))


def shortest_cycle(graph: Graph, component: Sequence[str]) -> tuple[str, ...]:
    """A shortest cycle through the first node of a component; the last node leads to the first."""
    inside = set(component)
    start = min(component)
    local = {node: [n for n in graph.get(node, ()) if n in inside] for node in component}
    paths = [path_between(local, [after], start) for after in sorted(local[start])]
    best = min((path for path in paths if path), key=lambda path: (len(path), path))
    return (start, *best[:-1])


def path_between(graph: Graph, starts: Iterable[str], goal: str) -> tuple[str, ...]:
    """A shortest path from any of `starts` to `goal`, both included; empty if there is none."""
    return next(iter(shortest_paths(graph, starts, {goal}).values()), ())


def shortest_paths(
    graph: Graph, starts: Iterable[str], goals: set[str]
) -> dict[str, tuple[str, ...]]:
    """For every goal that can be reached, a shortest path from any of `starts` to it."""
    before: dict[str, str | None] = dict.fromkeys(sorted(starts))
    queue = deque(before)
    while queue:
        node = queue.popleft()
        for successor in sorted(graph.get(node, ())):
            if successor not in before:
                before[successor] = node
                queue.append(successor)
    return {goal: _path(before, goal) for goal in sorted(goals) if goal in before}


def _path(before: Mapping[str, str | None], goal: str) -> tuple[str, ...]:
    path: list[str] = []
    node: str | None = goal
    while node is not None:
        path.append(node)
        node = before[node]
    return tuple(reversed(path))
