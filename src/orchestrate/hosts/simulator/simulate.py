"""A host in virtual time: append, perform, observe, and die when the schedule says so.

Theory of operation
-------------------
`Host` is one life of a host process. It decides nothing: commands go to `advance`, slots come from
`admit`, work from `pending`, exactly as in the local host. What it holds in memory is gone when a
`Crash` is thrown; the next life begins by folding the disk, taking over and recovering. The world
and the disk go on between lives.

A history ends when the run has ended, or when nothing can happen any more without somebody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from orchestrate.core.codec import decode_command
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import InputValue, TaskSpec, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import StaleAttemptError, advance
from orchestrate.core.running.events import AnyEvent, GateReminded
from orchestrate.core.running.owed import reminder_at
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN, RUN_ENDED, GateStatus, RunStatus
from orchestrate.errors import InternalError, OrchestrateError, VersionConflictError
from orchestrate.hosts.simulator.behaviour import Behaviour, Sampled
from orchestrate.hosts.simulator.disk import Disk
from orchestrate.hosts.simulator.errand import Errands, Wagon
from orchestrate.hosts.simulator.faults import NO_FAULTS, Faults
from orchestrate.hosts.simulator.world import Crash, Performed, World, outcome

#: The run's name in every simulation.
RUN_ID = "simulated"
#: So often in a row is somebody reminded before it is plain that nobody answers.
_MAX_REMINDERS = 3


class History(msgspec.Struct, frozen=True):
    """What came of a simulation.

    Attributes:
        events: the log.
        state: its fold.
        makespan_s: virtual time from the beginning to the last event.
        performed: every attempt that was begun, in order.
        points, appends, reports: how many crash points were passed, appends made and reports
            delivered: the numbers a schedule of faults can refer to.
        lives: how many hosts it took.
        answers: what became of commands from outside, in order of arrival; empty text if accepted.
    """

    events: tuple[AnyEvent, ...]
    state: RunState
    makespan_s: float
    performed: tuple[Performed, ...]
    points: int
    appends: int
    reports: int
    lives: int
    answers: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether the run ended; if not, it waits for somebody."""
        return self.state.status in RUN_ENDED and not self.state.live

    @property
    def statuses(self) -> dict[str, str]:
        """Task id -> final status."""
        plan = self.state.plan
        if plan is None:
            return {}
        return {name: self.state.tasks[n].status.value for name, n in plan.position.items()}


def simulate(
    workflow: Workflow,
    inputs: Mapping[str, InputValue] | None = None,
    *,
    seed: int = 0,
    behaviour: Behaviour | None = None,
    faults: Faults = NO_FAULTS,
    slots: int = 1_000_000,
) -> History:
    """Run `workflow` in virtual time; equal arguments give equal histories.

    Args:
        workflow: a valid definition.
        inputs: its inputs, complete.
        seed: of everything random in the world.
        behaviour: how attempts and people behave; by default all goes well.
        faults: what goes wrong around them.
        slots: how many attempts the machine allows at once; the workflow's limit applies as well.

    Raises:
        BrokenPromiseError: finished work was performed again though the log does not give it up,
            or one task twice at once.
    """
    behaviour = behaviour or Sampled()
    disk = Disk()
    world = World(seed, behaviour, faults, disk)
    base = "base" if workflow.needs_line else ""
    begin = (
        cmd.CreateRun(run=RUN_ID, request="simulated", repository="", base=base),
        cmd.PlanRun(workflow=workflow, inputs=dict(inputs or {})),
        cmd.StartRun(reason="simulated"),
    )
    appends = 0
    resumed = 0
    while True:
        world.begin_life()
        host = Host(world, disk, faults, slots, appends)
        try:
            host.live(begin)
        except Crash:
            world.end_life()
            world.pass_by(faults.restart_after_s)
            continue
        finally:
            appends = host.appends
        world.end_life()
        wait_s = _patience(behaviour, host.state, resumed)
        if wait_s is None:
            break
        resumed += 1
        world.pass_by(wait_s)
        disk.send(cmd.ResumeRun(by="somebody"))
    return _history(world, disk, appends)


def _patience(behaviour: Behaviour, state: RunState, resumed: int) -> float | None:
    if "run_resumed" not in RUN[state.status]:
        return None
    return behaviour.resume_after_s(state.status, resumed)


def _history(world: World, disk: Disk, appends: int) -> History:
    return History(
        events=disk.events(),
        state=disk.load(),
        makespan_s=world.written_s,
        performed=tuple(world.performed),
        points=world.points,
        appends=appends,
        reports=world.reports,
        lives=world.life,
        answers=tuple(disk.answers[number] for number in sorted(disk.answers)),
    )


class Host:
    """One life of a host."""

    def __init__(self, world: World, disk: Disk, faults: Faults, slots: int, appends: int) -> None:
        self._world = world
        self._disk = disk
        self._faults = faults
        self._slots = slots
        self.appends = appends
        self.state = disk.load()
        self._recovered = False
        self._kept = self.state.version
        self._in_hand: set[AttemptKey] = set()
        self._concluded: set[AttemptKey] = set()
        self._evaluating: set[tuple[str, float]] = set()
        self._errands = Errands(world)
        self._looked_at = float("-inf")
        self._reminders = 0

    def live(self, begin: tuple[cmd.AnyCommand, ...]) -> None:
        """Drive the run until it ended or nothing can happen without somebody."""
        for command in begin[self._begun() :]:
            self._turn([command])
        if self._is_over() and not self._disk.inbox:
            return
        self._turn([cmd.AdoptRun(owner=f"life {self._world.life}")])
        self._recover()
        while True:
            self._turn(self._take())
            self._perform_owed()
            if self._is_over() or not (self._world.mailbox or self._wait()):
                return

    def _begun(self) -> int:
        """How many of the commands that begin a run have been obeyed."""
        if not self.state.run:
            return 0
        return {RunStatus.IDLE: 1, RunStatus.PLANNING: 2}.get(self.state.status, 3)

    def _is_over(self) -> bool:
        return self.state.status in RUN_ENDED and not self.state.live and not self._world.mailbox

    # -- time ----------------------------------------------------------------------------------

    def _wait(self) -> bool:
        """Let time pass until something happens or falls due; False if nothing ever will."""
        # What was due at the last look was served then, as far as it could be.
        due = [
            effect.at
            for effect in fx.pending(self.state)
            if isinstance(effect, fx.WakeAt)
            and effect.at > self._looked_at
            and not self._is_in_vain(effect.at)
        ]
        if not due:
            return self._world.wait(None)
        return self._world.wait(max(0.0, min(due) - self._world.clock()))

    def _is_in_vain(self, at: float) -> bool:
        """Whether all that falls due then is one more reminder of a gate nobody answers."""
        if self._reminders < _MAX_REMINDERS:
            return False
        return any(
            spec.remind_s is not None
            and self.state.gates[name].status is GateStatus.OPEN
            and reminder_at(self.state.gates[name], spec.remind_s) == at
            for name, (_, spec) in self.state.index.gates.items()
        )

    # -- one turn ------------------------------------------------------------------------------

    def _take(self) -> list[cmd.AnyCommand]:
        taken, self._world.mailbox[:] = [*self._world.mailbox], []
        return [*taken, cmd.PassTime()]

    def _turn(self, commands: list[cmd.AnyCommand]) -> None:
        now = self._looked_at = self._world.clock()
        state = self.state
        events: list[AnyEvent] = []
        answers: dict[int, str] = {}
        for command in commands:
            try:
                added, state = advance(state, command, now)
            except StaleAttemptError:
                continue
            except OrchestrateError:
                if isinstance(command, cmd.AdoptRun):
                    continue
                raise
            events += added
        for number, data in self._disk.inbox.items() if self._begun() == 3 else ():
            try:
                added, state = advance(state, decode_command(data), now)
            except OrchestrateError as error:
                answers[number] = f"{error.message}; {error.remedy}"
            else:
                events += added
                answers[number] = ""
        if self._recovered:
            view = HostView(at=now, slots=self._slots, providers=self._world.providers())
            grants = admit(state, view).grants
            if grants:
                added, state = advance(state, cmd.GrantSlots(tasks=grants), now)
                events += added
        if events:
            only = all(isinstance(event, GateReminded) for event in events)
            self._reminders = self._reminders + 1 if only else 0
        if events or answers:
            self._append(events, answers)
            self.state = state
            self._snapshot()

    def _append(self, events: list[AnyEvent], answers: dict[int, str]) -> None:
        self._world.point()
        self._disk.append(self.state.version, events, answers)
        self._world.note(events)
        self._world.written_s = self._world.now_s
        self.appends += 1
        if self.appends in self._faults.lost_acknowledgements:
            self._insist(events, answers)
        self._world.point()

    def _insist(self, events: list[AnyEvent], answers: dict[int, str]) -> None:
        """Told that an append failed which did not: try again, meet the conflict, start over."""
        try:
            self._disk.append(self.state.version, events, answers)
        except VersionConflictError:
            raise Crash from None
        if events:
            raise InternalError("the same events could be appended twice")
        raise Crash

    def _snapshot(self) -> None:
        every = self._faults.snapshot_every
        if every and self.state.version // every > self._kept // every:
            self._kept = self.state.version
            self._disk.keep(self.state, damaged=self._faults.damaged_snapshots)
            self._world.point()

    # -- effects -------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Find out about every attempt an earlier life left behind, before anything new starts."""
        for effect in fx.pending(self.state):
            if isinstance(effect, fx.PerformAttempt | fx.StopAttempt):
                self._conclude(
                    effect.key,
                    cmd.LoseAttempt(
                        task=effect.key.task, number=effect.key.number, message="left no outcome"
                    ),
                )
        self._recovered = True

    def _conclude(self, key: AttemptKey, otherwise: cmd.AnyCommand) -> None:
        """Make sure the attempt has ended; report its recorded outcome, or `otherwise`."""
        self._in_hand.add(key)
        self._concluded.add(key)
        self._world.point()
        found = self._world.recover(key)
        self._world.point()
        task = self._spec(key.task)
        self._world.report(
            otherwise if found is None else outcome(key, task, found, recovered=True)
        )

    def _perform_owed(self) -> None:
        plan = self.state.index
        for effect in fx.pending(self.state):
            match effect:
                case fx.PerformAttempt(key) if key not in self._in_hand:
                    self._in_hand.add(key)
                    self._world.point()
                    self._world.perform(key, plan.order[plan.position[key.task]])
                    self._world.point()
                case fx.StopAttempt(key, reason) if key not in self._concluded:
                    stopped = cmd.InterruptAttempt(task=key.task, number=key.number, reason=reason)
                    self._conclude(key, stopped)
                case fx.EvaluateGate(gate, opened_at) if (gate, opened_at) not in self._evaluating:
                    self._evaluating.add((gate, opened_at))
                    self._world.point()
                    self._world.evaluate(gate, plan.gates[gate][1], opened_at)
                case fx.AskPerson(gate, _, opened_at):
                    self._world.ask(gate, plan.gates[gate][1], opened_at)
                case _:
                    self._perform_on_line(effect)

    def _perform_on_line(self, effect: fx.Effect) -> None:
        match effect:
            case fx.MergeWorks(line, works):
                self._errands.merge(line, tuple(self._wagons(works)))
            case fx.AwaitResolution(key):
                self._world.show_conflict(key, self._spec(key.task))
            case fx.AwaitHandIn(key):
                self._world.show_task(key, self._spec(key.task))
            case fx.ReadList(task):
                self._errands.read_list(self._spec(task))
            case fx.TakeCheckpoint():
                self._errands.checkpoint(effect)
            case fx.PublishLine(line):
                self._errands.publish(line)

    def _spec(self, task: str) -> TaskSpec:
        return self.state.index.order[self.state.index.position[task]]

    def _wagons(self, works: tuple[AttemptKey, ...]) -> Iterator[Wagon]:
        for key in works:
            work = self.state.task(key.task).work
            if work is not None:
                yield key, self._spec(key.task), work
