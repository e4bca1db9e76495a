"""The real driver and the real store on tasks that do nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from orchestrate.adapters.sqlite.store import SqliteStore
from orchestrate.app import runs
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import Limits, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.hosts.local.driver import Driver
from orchestrate.hosts.local.request import build_request
from orchestrate.ports.performer import AttemptRequest, AttemptResult


class _Nothing:
    """A performer whose work is done at once."""

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        return AttemptResult(ok=True)

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        return None


class _Clock:
    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _NoAgents:
    def find(self, name: str) -> None:
        return None

    def names(self) -> tuple[str, ...]:
        return ()


def no_op_workflow(tasks: int, width: int) -> Workflow:
    """`tasks` tasks of one phase: a chain for width 1, else independent, `width` at once."""
    return Workflow(
        name="no-op",
        phases=(PhaseSpec(name="work"),),
        tasks=tuple(
            TaskSpec(
                id=f"t{number}",
                phase="work",
                run="true",
                needs=(f"t{number - 1}",) if width == 1 and number else (),
            )
            for number in range(tasks)
        ),
        limits=Limits(max_parallel=width),
    )


async def _run(path: Path, tasks: int, width: int) -> float:
    store = SqliteStore(path)
    clock = _Clock()
    catalog: Any = _NoAgents()

    def build(state: RunState, key: AttemptKey) -> AttemptRequest:
        return build_request(state, key, path.parent, catalog)

    workflow = no_op_workflow(tasks, width)
    new = runs.NewRun("bench", workflow, {}, "bench", str(path.parent), "", "bench")
    state = await runs.create(store, clock, new, "bench")
    gates: Any = None
    driver = Driver(
        store=store,
        state=state,
        performer=_Nothing(),
        gates=gates,
        clock=clock,
        build_request=build,
        sample=lambda: HostView(at=clock.now()),
    )
    begin = time.perf_counter()
    final = await driver.run()
    elapsed = time.perf_counter() - begin
    store.close()
    if final.status is not RunStatus.COMPLETED:
        raise SystemExit(f"the benchmark's run is {final.status}: {final.reason}")
    return elapsed


def tasks_per_second(folder: Path, tasks: int, width: int) -> float:
    """Tasks a second through the driver, from the first grant to the end of the run."""
    path = folder / f"driver-{tasks}-{width}-{time.monotonic_ns()}.db"
    return tasks / asyncio.run(_run(path, tasks, width))
