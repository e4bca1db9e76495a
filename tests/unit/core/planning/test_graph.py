"""Order, waves, ranks and cycles."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import (
    CycleError,
    Graph,
    critical_path,
    effective_needs,
    find_cycle,
    levels,
    plan_order,
    upward_ranks,
)
from orchestrate.core.planning.upstream import Upstream
from orchestrate.errors import DefinitionError


def workflow(tasks: dict[str, str], *, phases: dict[str, str] | None = None) -> Workflow:
    """Tasks as `phase:id` -> needs, phases as name -> names before; both separated by spaces."""
    after = phases or {"p": ""}
    return Workflow(
        name="w",
        phases=tuple(PhaseSpec(name=n, depends_on=tuple(d.split())) for n, d in after.items()),
        tasks=tuple(
            TaskSpec(
                id=key.split(":")[-1],
                phase=key.split(":")[0] if ":" in key else next(iter(after)),
                run="true",
                needs=tuple(needs.split()),
            )
            for key, needs in tasks.items()
        ),
    )


DIAMOND = workflow({"a": "", "b": "a", "c": "a", "d": "b c"})
STAGES = workflow(
    {"one:a": "", "one:b": "a", "two:c": "", "three:d": "a"},
    phases={"one": "", "two": "one", "three": ""},
)


def test_waves_follow_needs_and_phases() -> None:
    assert levels(DIAMOND) == (("a",), ("b", "c"), ("d",))
    assert levels(STAGES) == (("a",), ("b", "d"), ("c",))
    assert levels(Workflow(name="w")) == ()


def test_empty_phase_passes_order_on() -> None:
    stages = workflow(
        {"one:a": "", "three:c": ""}, phases={"one": "", "two": "one", "three": "two"}
    )
    assert levels(stages) == (("a",), ("c",))


def test_direct_dependencies_include_the_phase_before() -> None:
    assert effective_needs(STAGES, "c") == ("a", "b")
    assert effective_needs(STAGES, "d") == ("a",)


def test_ranks_are_the_longest_way_to_the_end() -> None:
    assert upward_ranks(DIAMOND) == {"a": 3.0, "b": 2.0, "c": 2.0, "d": 1.0}
    assert upward_ranks(DIAMOND, {"b": 5, "d": 0.5})["a"] == 6.5


def test_critical_path_names_the_longest_chain() -> None:
    assert critical_path(DIAMOND).tasks == ("a", "b", "d")
    found = critical_path(DIAMOND, {"c": 2.5})
    assert (found.tasks, found.length_s) == (("a", "c", "d"), 4.5)
    assert critical_path(Workflow(name="w")).tasks == ()


def test_dispatch_order_is_priority_then_rank_then_position() -> None:
    tasks = (
        TaskSpec(id="short", phase="p", run="x", expected_s=1),
        TaskSpec(id="long", phase="p", run="x", expected_s=9),
        TaskSpec(id="equal", phase="p", run="x", expected_s=1),
        TaskSpec(id="urgent", phase="p", run="x", priority=5, expected_s=0),
        TaskSpec(id="late", phase="p", run="x", priority=-1, expected_s=99),
    )
    found = plan_order(Workflow(name="w", phases=(PhaseSpec(name="p"),), tasks=tasks))
    assert found == ("urgent", "long", "short", "equal", "late")


@pytest.mark.parametrize(
    ("tasks", "phases", "path"),
    [
        ({"a": "a"}, None, ("a", "a")),
        ({"a": "b", "b": "a"}, None, ("a", "b", "a")),
        ({"x": "", "a": "c x", "b": "a", "c": "b", "y": "c"}, None, ("a", "b", "c", "a")),
        (
            {"one:a": "b", "two:b": ""},
            {"one": "", "two": "one"},
            ("a", "phase one", "phase two", "b", "a"),
        ),
        ({}, {"one": "two", "two": "one"}, ("phase one", "phase two", "phase one")),
    ],
)
def test_cycle_is_found_with_its_path(
    tasks: dict[str, str], phases: dict[str, str] | None, path: tuple[str, ...]
) -> None:
    cyclic = workflow(tasks, phases=phases)
    assert find_cycle(cyclic) == path
    with pytest.raises(CycleError) as caught:
        plan_order(cyclic)
    assert caught.value.cycle == path


def test_independent_cycles_are_all_found() -> None:
    cyclic = workflow({"a": "b", "b": "a", "c": "b d", "d": "c", "e": ""})
    assert Graph(cyclic).cycles() == (("a", "b", "a"), ("c", "d", "c"))
    assert find_cycle(DIAMOND) is None


def test_unknown_dependency_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no task 'gone'"):
        plan_order(workflow({"a": "gone"}))


def test_long_chains_need_no_recursion() -> None:
    chain = workflow({f"t{n}": f"t{n - 1}" if n else "" for n in range(20_000)})
    assert len(levels(chain)) == 20_000
    assert plan_order(chain)[0] == "t0"


def test_phases_after_each_other_cost_no_edge_per_pair_of_tasks() -> None:
    wide = workflow(
        {f"{phase}:{phase}{n}": "" for phase in ("one", "two") for n in range(5_000)},
        phases={"one": "", "two": "one"},
    )
    graph = Graph(wide)
    assert sum(len(after) for after in graph.after) < 4 * len(wide.tasks)
    tracemalloc.start()
    started = time.perf_counter()
    order = plan_order(wide)
    elapsed, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(order) == 10_000
    assert peak < 20_000_000
    # Without tracing it takes a tenth of that.
    assert elapsed < 5.0


def test_upstream_knows_what_has_ended() -> None:
    known = Upstream(STAGES)
    assert known.before_task("a", "b")
    assert known.before_task("b", "c")
    assert not known.before_task("b", "d")
    assert not known.before_task("b", "b")
    assert known.before_phase("b", "two")
    assert not known.before_phase("a", "three")
    assert known.before_gates("d", "three")
    assert known.phase_before("one", "two")
    assert not known.phase_before("two", "one")
    assert known.phase_before_task("one", "c")
    assert not known.phase_before_task("three", "d")
