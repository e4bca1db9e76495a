"""A run in a test: commands in, events kept, no host and no luck."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import (
    EachSpec,
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
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import advance
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.sharing.work import Conflict, Work

E = TypeVar("E", bound=ev.Event)
START_AT = 1_000.0
#: Where the integration line of a run that writes begins.
BASE = "base"
CONFLICT = (Conflict("src/a.py", base="1", ours="2", theirs="3"),)


def task(
    name: str,
    *needs: str,
    phase: str = "main",
    trigger: TriggerRule = "all_success",
    when: str | None = None,
) -> TaskSpec:
    """A shell task."""
    return TaskSpec(name, phase, run="true", needs=needs, trigger=trigger, when=when)


def writer(name: str, *needs: str, writes: tuple[str, ...] = ("**",), **more: Any) -> TaskSpec:
    """A shell task that writes; by default nobody knows what."""
    return msgspec.structs.replace(task(name, *needs), writes=writes, **more)


def group(name: str, *needs: str, tolerate: bool = False, limit: int = 5, **more: Any) -> TaskSpec:
    """A group over the list that the task `list` leaves."""
    each = EachSpec("list", "items", limit, tolerate)
    return msgspec.structs.replace(task(name, *(needs or ("list",))), each=each, **more)


def work_of(name: str, number: int) -> Work:
    """What attempt `number` at a task delivers."""
    return Work(commit=f"{name}.{number}", base=BASE, tree=f"tree-{name}.{number}")


CLAUDE = Assignee("builder", "claude", provider="anthropic", paid=True, hard=True)
CODEX = Assignee("builder", "codex", provider="openai", paid=True)


def agent_task(name: str, *needs: str, allowance: Budget = UNLIMITED, **more: Any) -> TaskSpec:
    """A task of a paid agent."""
    who = msgspec.structs.replace(CLAUDE, allowance=allowance)
    spec = TaskSpec(name, "main", agent="builder", backend="claude", prompt="do it", needs=needs)
    return msgspec.structs.replace(spec, **{"staff": (who,), **more})


def used(cost_usd: float | None, tokens: int = 100, turns: int = 1) -> Usage:
    """What an attempt consumed."""
    return Usage(input_tokens=tokens, turns=turns, cost_usd=cost_usd, cost_source="reported")


def gate(name: str, kind: GateKind = "human", **more: object) -> GateSpec:
    """A gate."""
    return GateSpec(name, kind, **more)  # type: ignore[arg-type]


def workflow(
    *tasks: TaskSpec,
    phases: tuple[PhaseSpec, ...] = (PhaseSpec("main"),),
    max_parallel: int = 6,
    timeout_s: float | None = None,
    on_failure: str = "stop",
    budget: Budget = UNLIMITED,
    **more: Any,
) -> Workflow:
    """A workflow of one phase called main, unless told otherwise."""
    return Workflow(
        name="test",
        phases=phases,
        tasks=tasks,
        limits=Limits(max_parallel=max_parallel, timeout_s=timeout_s, budget=budget),
        on_failure=on_failure,  # type: ignore[arg-type]
        **more,
    )


def taken(effect: fx.TakeCheckpoint) -> cmd.RecordCheckpoint:
    """What a host reports that has done all an effect asks for."""
    return cmd.RecordCheckpoint(
        kind=effect.kind,
        checkpoint=effect.checkpoint,
        line=effect.line,
        mark=f"{effect.line}|{','.join(effect.mark)}" if effect.mark else "",
        snapshots={key.folder: f"files of {key.folder}" for key in effect.attempts},
        note=effect.note,
        by=effect.by,
    )


class Run:
    """A run under test; one whose tasks write has an integration line. `now` moves when told to.

    `kept` maps each checkpoint to the facts it holds.
    """

    def __init__(self, plan: Workflow, inputs: dict[str, InputValue] | None = None) -> None:
        self.state: RunState = INITIAL
        self.events: list[ev.AnyEvent] = []
        self.kept: dict[str, Facts] = {}
        self.now = START_AT
        base = BASE if plan.needs_line else ""
        self.give(cmd.CreateRun(run="r", request="test", repository="/nowhere", base=base))
        self.give(cmd.PlanRun(workflow=plan, inputs=inputs or {}))

    def give(self, command: cmd.AnyCommand) -> list[ev.AnyEvent]:
        """Give a command; its events."""
        events, after = advance(self.state, command, self.now)
        self.events += events
        for event in events:
            self.state = evolve(self.state, event)
            if isinstance(event, ev.CheckpointTaken):
                self.kept[event.checkpoint] = facts(self.state, event.checkpoint, event.snapshots)
        assert self.state == after
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

    def fail(self, name: str, cause: FailureCause = "exit", **more: Any) -> list[ev.AnyEvent]:
        """The live attempt at a task fails; it is started first if need be."""
        number = self._live(name)
        return self.give(
            cmd.FailAttempt(task=name, number=number, cause=cause, message="boom", **more)
        )

    def lose(self, name: str, **more: Any) -> list[ev.AnyEvent]:
        """The live attempt at a task vanishes; it is started first if need be."""
        return self.give(cmd.LoseAttempt(task=name, number=self._live(name), **more))

    def hand_in(self, name: str, **more: Any) -> list[ev.AnyEvent]:
        """A person hands in what they did."""
        number = self.state.task(name).attempts
        return self.give(cmd.HandIn(task=name, number=number, by="ada", **more))

    def decline(self, name: str) -> list[ev.AnyEvent]:
        """A person gives a task back."""
        number = self.state.task(name).attempts
        return self.give(cmd.DeclineTask(task=name, number=number, by="ada", reason="no time"))

    def interrupt(self, name: str) -> list[ev.AnyEvent]:
        """The live attempt at a task is stopped; it is started first if need be."""
        return self.give(cmd.InterruptAttempt(task=name, number=self._live(name)))

    def decide(self, name: str, verdict: str = "passed", by: str = "ada") -> list[ev.AnyEvent]:
        """A person or the engine decides a gate, as its kind asks for."""
        human = self.state.index.gates[name][1].kind == "human"
        return self.give(
            cmd.DecideGate(gate=name, verdict=verdict, by=by, human=human)  # type: ignore[arg-type]
        )

    # -- work, groups, checkpoints ----------------------------------------------------------------

    def deliver(self, *names: str) -> None:
        """Attempts at these tasks end well and deliver work."""
        for name in names:
            self.succeed(name, work=work_of(name, self._live(name)))

    def hold(self) -> list[ev.AnyEvent]:
        """Take the checkpoint that is owed, as a host would; none if none is owed."""
        owed = [effect for effect in self.pending if isinstance(effect, fx.TakeCheckpoint)]
        return self.give(taken(owed[0])) if owed else []

    def merge(self, *names: str, verified: bool = True) -> None:
        """Merge the delivered work of these tasks in this order, each after its checkpoint."""
        for name in names:
            self.hold()
            line = self.state.line
            commit = f"{line}+{name}" if line != BASE else name
            number = self.state.task(name).attempts
            self.give(
                cmd.AcceptWork(
                    task=name, number=number, line=line, commit=commit, verified=verified
                )
            )

    def send_back(
        self, name: str, cause: FailureCause = "checks_failed", **more: Any
    ) -> list[ev.AnyEvent]:
        """Send work back with a reason."""
        number = self.state.task(name).attempts
        return self.give(
            cmd.ReturnWork(task=name, number=number, cause=cause, message="red", **more)
        )

    def clash(self, name: str) -> list[ev.AnyEvent]:
        """The work of a task conflicts with the line."""
        number = self.state.task(name).attempts
        line = self.state.line
        return self.give(
            cmd.ReportConflict(task=name, number=number, line=line, conflicts=CONFLICT)
        )

    def resolve(self, name: str, commit: str = "joined") -> list[ev.AnyEvent]:
        """A person hands in what they made of a conflict."""
        number = self.state.task(name).attempts
        joined = Work(commit=commit, base=BASE, tree=commit)
        return self.give(cmd.ResolveConflict(task=name, number=number, work=joined, by="ada"))

    def expand(self, name: str, *keys: str, **more: Any) -> list[ev.AnyEvent]:
        """Give a group its members."""
        items = tuple(ev.GroupItem(key) for key in keys)
        return self.give(cmd.ExpandGroup(task=name, items=items, **more))

    def roll_back(self, checkpoint: str) -> list[ev.AnyEvent]:
        """Go to a checkpoint that was taken."""
        return self.give(
            cmd.RollBack(checkpoint=checkpoint, target=self.kept[checkpoint], by="ada")
        )

    def last(self, kind: type[E]) -> E:
        """The latest event of a kind."""
        return next(event for event in reversed(self.events) if isinstance(event, kind))

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
