"""The graph functions on task graphs of real scientific workflows."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import critical_path, levels, plan_order, upward_ranks

pytestmark = pytest.mark.data


def load(path: Path) -> Workflow:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return Workflow(
        name=path.name.split(".")[0].lower(),
        phases=(PhaseSpec(name="all"),),
        tasks=tuple(
            TaskSpec(
                id=row["id"],
                phase="all",
                run="true",
                needs=tuple(row["parents"]),
                expected_s=row["runtime_s"],
            )
            for row in rows
        ),
    )


@pytest.fixture(scope="module")
def graphs(test_data: Path) -> list[Workflow]:
    found = [load(path) for path in sorted((test_data / "workflows").glob("*.jsonl.gz"))]
    assert len(found) >= 10
    return found


def test_every_task_is_one_wave_after_its_latest_need(graphs: list[Workflow]) -> None:
    for graph in graphs:
        depth = {task: number for number, wave in enumerate(levels(graph)) for task in wave}
        assert len(depth) == len(graph.tasks)
        for task in graph.tasks:
            assert depth[task.id] == max((depth[name] + 1 for name in task.needs), default=0)


def test_critical_path_is_a_chain_as_long_as_the_largest_rank(graphs: list[Workflow]) -> None:
    for graph in graphs:
        specs = {task.id: task for task in graph.tasks}
        found = critical_path(graph)
        for earlier, later in zip(found.tasks, found.tasks[1:], strict=False):
            assert earlier in specs[later].needs
        assert found.length_s == pytest.approx(
            sum(specs[name].expected_s or 0 for name in found.tasks)
        )
        assert found.length_s == pytest.approx(max(upward_ranks(graph).values()))


def test_equal_priorities_are_dispatched_by_rank(graphs: list[Workflow]) -> None:
    for graph in graphs:
        ranks = upward_ranks(graph)
        order = plan_order(graph)
        assert sorted(order) == sorted(ranks)
        assert [ranks[name] for name in order] == sorted(ranks.values(), reverse=True)


def test_ten_thousand_tasks_are_ordered_in_well_under_a_second(graphs: list[Workflow]) -> None:
    largest = max(graphs, key=lambda graph: len(graph.tasks))
    assert len(largest.tasks) > 9_000
    started = time.perf_counter()
    plan_order(largest)
    assert time.perf_counter() - started < 1.0
