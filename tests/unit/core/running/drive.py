"""A run in a test: commands in, events kept, no host and no luck."""

from __future__ import annotations

from orchestrate.core.planning.definition import (
    FailureCause,
    GateKind,
    GateSpec,
    InputValue,
    Limits,
    PhaseSpec,
    TaskSpec,
    TriggerRule,
    Workflow,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import advance
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import TaskStatus

START_AT = 1_000.0


def task(
    name: str,
    *needs: str,
    phase: str = "main",
    trigger: TriggerRule = "all_success",
    when: str | None = None,
) -> TaskSpec:
    """A shell task."""
    return TaskSpec(name, phase, run="true", needs=needs, trigger=trigger, when=when)


def gate(name: str, kind: GateKind = "human", **more: object) -> GateSpec:
    """A gate."""
    return GateSpec(name, kind, **more)  # type: ignore[arg-type]


def workflow(
    *tasks: TaskSpec,
    phases: tuple[PhaseSpec, ...] = (PhaseSpec("main"),),
    max_parallel: int = 6,
    timeout_s: float | None = None,
    on_failure: str = "stop",
) -> Workflow:
    """A workflow of one phase called main, unless told otherwise."""
    return Workflow(
        name="test",
        phases=phases,
        tasks=tasks,
        limits=Limits(max_parallel=max_parallel, timeout_s=timeout_s),
        on_failure=on_failure,  # type: ignore[arg-type]
    )


class Run:
    """A run under test. `now` moves only when told to."""

    def __init__(self, plan: Workflow, inputs: dict[str, InputValue] | None = None) -> None:
        self.state: RunState = INITIAL
        self.events: list[ev.AnyEvent] = []
        self.now = START_AT
        self.give(cmd.CreateRun(run="r", request="test", repository="/nowhere"))
        self.give(cmd.PlanRun(workflow=plan, inputs=inputs or {}))

    def give(self, command: cmd.AnyCommand) -> list[ev.AnyEvent]:
        """Give a command; its events."""
        events, self.state = advance(self.state, command, self.now)
        self.events += events
        return list(events)

    def start(self) -> Run:
        """Begin execution."""
        self.give(cmd.StartRun())
        return self

    def grant(self) -> tuple[str, ...]:
        """Start all that `admit` lets start."""
        grants = admit(self.state, HostView(at=self.now)).grants
        if grants:
            self.give(cmd.GrantSlots(tasks=grants))
        return grants

    def begin(self, *names: str) -> None:
        """Start attempts at these tasks."""
        self.give(cmd.GrantSlots(tasks=names))

    def succeed(self, name: str, **more: object) -> list[ev.AnyEvent]:
        """The live attempt at a task ends well; it is started first if need be."""
        number = self._live(name)
        return self.give(cmd.SucceedAttempt(task=name, number=number, **more))  # type: ignore[arg-type]

    def fail(self, name: str, cause: FailureCause = "exit") -> list[ev.AnyEvent]:
        """The live attempt at a task fails; it is started first if need be."""
        number = self._live(name)
        return self.give(cmd.FailAttempt(task=name, number=number, cause=cause, message="boom"))

    def lose(self, name: str) -> list[ev.AnyEvent]:
        """The live attempt at a task vanishes; it is started first if need be."""
        return self.give(cmd.LoseAttempt(task=name, number=self._live(name)))

    def interrupt(self, name: str) -> list[ev.AnyEvent]:
        """The live attempt at a task is stopped; it is started first if need be."""
        return self.give(cmd.InterruptAttempt(task=name, number=self._live(name)))

    def decide(self, name: str, verdict: str = "passed", by: str = "ada") -> list[ev.AnyEvent]:
        """A person or the engine decides a gate, as its kind asks for."""
        human = self.state.index.gates[name][1].kind == "human"
        return self.give(
            cmd.DecideGate(gate=name, verdict=verdict, by=by, human=human)  # type: ignore[arg-type]
        )

    def _live(self, name: str) -> int:
        if self.state.task(name).status is not TaskStatus.RUNNING:
            self.begin(name)
        return self.state.task(name).attempts

    @property
    def status(self) -> str:
        """The run's status."""
        return self.state.status.value

    @property
    def statuses(self) -> dict[str, str]:
        """Task id -> status, in file order."""
        tasks = self.state.index.workflow.tasks
        return {spec.id: self.state.task(spec.id).status.value for spec in tasks}

    @property
    def pending(self) -> list[fx.Effect]:
        """The effects owed now."""
        return list(fx.pending(self.state))

    @property
    def eligible(self) -> list[str]:
        """Tasks that may start, most urgent first."""
        return [item.task for item in fx.eligible(self.state)]
