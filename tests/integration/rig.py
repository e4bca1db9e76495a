"""A driver with a real store on disk and scripted performers. Not a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from orchestrate.adapters.sqlite.store import SqliteStore
from orchestrate.adapters.system.clock import SystemClock
from orchestrate.adapters.system.ownership import RunLock
from orchestrate.app import runs
from orchestrate.core.agents.profile import Profile
from orchestrate.core.codec import encode
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import (
    GateSpec,
    Limits,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.state import RunState
from orchestrate.hosts.local.dispatch import GateEvaluator
from orchestrate.hosts.local.driver import Driver, Observer
from orchestrate.hosts.local.request import build_request
from orchestrate.hosts.local.session import Session
from orchestrate.ports.performer import AttemptRequest, Performer
from orchestrate.ports.store import InboxAnswer, NewEvent
from orchestrate.testing.scripted_performer import ScriptedPerformer

RUN = "run1"
CLOCK = SystemClock()

Evaluate = Callable[[RunState, str], Awaitable[cmd.DecideGate]]


class NoAgents:
    """A catalog without profiles."""

    def find(self, name: str) -> Profile | None:
        return None

    def names(self) -> tuple[str, ...]:
        return ()


class ScriptedGates:
    """Decides command gates as a test says; passes them by default."""

    def __init__(self, evaluate: Evaluate | None = None) -> None:
        self._evaluate = evaluate

    async def evaluate(self, state: RunState, gate: str) -> cmd.DecideGate:
        if self._evaluate is not None:
            return await self._evaluate(state, gate)
        return cmd.DecideGate(gate=gate, verdict="passed", by="engine")


class HookedStore(SqliteStore):
    """The real store; `after_append` is called with the kinds of what has just become durable."""

    after_append: Callable[[list[str]], None] | None = None

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        version = await super().append(stream, expected, events, answers)
        if self.after_append is not None:
            self.after_append([event.kind for event in events])
        return version


def flow(
    *tasks: TaskSpec,
    gates: tuple[GateSpec, ...] = (),
    max_parallel: int = 6,
    timeout_s: float | None = None,
) -> Workflow:
    """One phase called `work` with `tasks`."""
    return Workflow(
        name="flow",
        phases=(PhaseSpec(name="work", gates=gates),),
        tasks=tasks,
        limits=Limits(max_parallel=max_parallel, timeout_s=timeout_s),
    )


def task(name: str, *needs: str, retry: RetryPolicy | None = None) -> TaskSpec:
    """A shell task; what it does is up to the performer's script."""
    return TaskSpec(id=name, phase="work", run="true", needs=needs, retry=retry or RetryPolicy())


class Rig:
    """One run in one folder, and what drives it."""

    def __init__(
        self,
        folder: Path,
        performer: Performer | None = None,
        evaluate: Evaluate | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.store = HookedStore(folder / "events.db")
        self.performer = performer or ScriptedPerformer()
        self.gates: GateEvaluator = ScriptedGates(evaluate)
        self.build = partial(build_request, runs_dir=folder, catalog=NoAgents())
        self.samples = 0

    def request(self, state: RunState, name: str) -> AttemptRequest:
        """What the first attempt at task `name` is given."""
        return self.build(state, AttemptKey(RUN, name, 1))

    def sample(self) -> HostView:
        self.samples += 1
        return HostView(at=CLOCK.now())

    async def create(self, workflow: Workflow) -> RunState:
        """The run, planned and started, with nobody driving it."""
        return await runs.create(self.store, CLOCK, self.new(workflow), "the test")

    def new(self, workflow: Workflow) -> runs.NewRun:
        return runs.NewRun(
            run=RUN,
            workflow=workflow,
            inputs={},
            request="",
            repository=str(self.folder),
            revision="",
            program="test",
        )

    def driver(
        self, state: RunState, observe: Observer | None = None, *, wait_for_people: bool = False
    ) -> Driver:
        return Driver(
            store=self.store,
            state=state,
            performer=self.performer,
            gates=self.gates,
            clock=CLOCK,
            build_request=self.build,
            sample=self.sample,
            observe=observe,
            wait_for_people=wait_for_people,
        )

    def session(self, ended: Callable[[RunState], None] | None = None) -> Session:
        return Session(
            store=self.store,
            clock=CLOCK,
            performer=self.performer,
            gates=self.gates,
            ownership=lambda run: RunLock(self.folder / f"{run}.lock"),
            build_request=self.build,
            sample=self.sample,
            identity="the test",
            ended=ended,
        )

    async def granted(self, workflow: Workflow, *names: str) -> RunState:
        """The run after a driver that has gone had started attempts at `names`."""
        state = await self.create(workflow)
        return await runs.apply(self.store, CLOCK, state, [cmd.GrantSlots(tasks=names)])

    async def send(self, command: cmd.AnyCommand) -> int:
        return await self.store.send(RUN, encode(command), CLOCK.now())

    def state(self) -> RunState:
        return runs.load(self.store, RUN)

    def events(self) -> list[AnyEvent]:
        return [event for _, event in runs.history(self.store, RUN)]

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events()]


async def until(what: str, condition: Callable[[], object], patience_s: float = 30.0) -> None:
    """Wait until `condition` holds; never long unless something is broken."""
    give_up_at = asyncio.get_running_loop().time() + patience_s
    while not condition():
        assert asyncio.get_running_loop().time() < give_up_at, f"waited in vain for {what}"
        await asyncio.sleep(0.005)
