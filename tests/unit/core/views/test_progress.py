"""Progress is counted from the state and the clock given, and nothing else."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import PhaseSpec
from orchestrate.core.running.state import INITIAL
from orchestrate.core.views.progress import PhaseProgress, progress
from tests.unit.core.running.drive import START_AT, Run, task, workflow

PHASES = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))


def _run() -> Run:
    tasks = (
        task("a", phase="one"),
        task("b", phase="one"),
        task("c", phase="two"),
        task("d", phase="two", when="false"),
    )
    return Run(workflow(*tasks, phases=PHASES))


def test_run_without_a_plan_has_nothing_to_count() -> None:
    found = progress(INITIAL, 5.0)
    assert (found.total, found.fraction, found.elapsed_s, found.phases) == (0, 0.0, 0.0, ())


def test_planned_run_has_all_its_tasks_before_it() -> None:
    found = progress(_run().state, START_AT)
    assert found.counts == {"blocked": 4}
    assert found.phases[0] == PhaseProgress("one", "blocked", 2, 0, 0)


def test_counts_phases_and_elapsed_times() -> None:
    run = _run().start()
    run.begin("a")
    run.now += 4.0
    run.begin("b")
    run.now += 6.0
    found = progress(run.state, run.now)
    assert found.counts == {"blocked": 2, "running": 2}
    assert [(item.task, item.elapsed_s) for item in found.running] == [("a", 10.0), ("b", 6.0)]
    assert found.elapsed_s == 10.0
    run.succeed("a")
    found = progress(run.state, run.now)
    assert found.fraction == pytest.approx(0.25)
    assert found.phases[0] == PhaseProgress("one", "active", 2, 1, 1)
    run.succeed("b")
    assert progress(run.state, run.now).phases == (
        PhaseProgress("one", "done", 2, 2, 0),
        PhaseProgress("two", "active", 2, 1, 0),
    )


def test_time_stands_still_after_the_end() -> None:
    run = _run().start()
    for name in ("a", "b", "c"):
        run.now += 1.0
        run.succeed(name)
    found = progress(run.state, run.now + 1_000.0)
    assert found.status.value == "completed"
    assert (found.fraction, found.elapsed_s, found.running) == (1.0, 3.0, ())


def test_clock_that_went_back_gives_no_negative_times() -> None:
    run = _run().start()
    run.begin("a")
    found = progress(run.state, START_AT - 50.0)
    assert found.elapsed_s == 0.0
    assert found.running[0].elapsed_s == 0.0
