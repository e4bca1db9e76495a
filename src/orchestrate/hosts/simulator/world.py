"""The world outside the simulated host: time, attempts, people, crashes.

It goes on while the host is dead, and it watches what the host asks of it: the two promises that
matter most are checked here, at the moment they would be broken.

* No two attempts at one task are at work at once, and none while a person has it.
* Work that was finished is not asked for again, unless the log itself says since then that it was
  advice only, was of no use or sent back, that it is to be joined with what it conflicts with, or
  that the run went back to where it was not finished. Going forward again finishes it again.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import GateSpec, TaskSpec
from orchestrate.core.running.capacity import ProviderView
from orchestrate.core.running.commands import (
    AnyCommand,
    DecideGate,
    DeclineTask,
    FailAttempt,
    HandIn,
    PauseRun,
    ResolveConflict,
    ResumeRun,
    ReturnWork,
    RollBack,
    SucceedAttempt,
)
from orchestrate.core.running.events import (
    AdviceGiven,
    AnyEvent,
    AttemptFailed,
    AttemptSucceeded,
    RunRolledBack,
    TaskHanded,
    WorkConflicted,
    WorkReturned,
)
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.work import Work
from orchestrate.errors import InternalError
from orchestrate.hosts.simulator.behaviour import Behaviour, Conduct, Judgement, Resolution
from orchestrate.hosts.simulator.disk import Disk
from orchestrate.hosts.simulator.faults import Faults

#: What the wall clock shows when a simulation begins, in Unix seconds. Any moment will do.
START_AT = 1_700_000_000.0

#: Statuses of a task whose attempts have done what they can.
_FINISHED = frozenset({TaskStatus.SUCCEEDED, TaskStatus.MERGING, TaskStatus.CONFLICTED})


class BrokenPromiseError(InternalError):
    """Finished work was asked for again, or two attempts at one task, or a person's, at once."""


class Crash(BaseException):
    """The host dies here. Not an Exception, so that nothing in it can catch it."""


def _look_again() -> None:
    """Nothing happens but that time is up; the host looks again after whatever happens."""


class Performed(msgspec.Struct):
    """One attempt as the world saw it, in seconds since the simulation began.

    `ended_s` is None while it works. `ended` is "succeeded", a cause of failure, or "stopped".
    """

    key: AttemptKey
    started_s: float
    ended_s: float | None = None
    ended: str = ""


class World:
    """Virtual time and everything that happens in it.

    Attributes:
        now_s: real time since the beginning; never goes back.
        mailbox: reports the living host has not taken yet; lost when it dies.
        performed: every attempt ever begun, in order.
        seed, behaviour: what its answers are drawn from.
        points, reports: how many crash points were passed and reports delivered.
        written_s: when something was last written down.
    """

    def __init__(self, seed: int, behaviour: Behaviour, faults: Faults, disk: Disk) -> None:
        self.now_s = 0.0
        self.mailbox: list[AnyCommand] = []
        self.performed: list[Performed] = []
        self.points = 0
        self.reports = 0
        self.life = 0
        self.written_s = 0.0
        self._alive = False
        self.seed = seed
        self.behaviour = behaviour
        self._faults = faults
        self._disk = disk
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._step_s = 0.0
        self._working: dict[str, Performed] = {}
        self._finished: dict[str, AttemptKey] = {}
        self._with_person: set[str] = set()
        self._openings: dict[str, list[float]] = {}
        self._shown: set[AttemptKey] = set()
        self._repeats = {repeat.report: repeat.after_s for repeat in faults.repeats}
        self._mishaps = {mishap.performance: mishap.cause for mishap in faults.mishaps}
        for step in faults.clock_steps:
            self.after(step.at_s, partial(self._step_clock, step.by_s))
        for item in faults.interventions:
            self.after(item.at_s, partial(disk.send, item.command))
        for back in faults.rollbacks:
            self.after(back.at_s, partial(self._go_back, back.checkpoint))
        for closure in faults.closures:
            self.after(closure.at_s + closure.for_s, _look_again)

    # -- time ----------------------------------------------------------------------------------

    def clock(self) -> float:
        """What the host's wall clock shows, in Unix seconds."""
        return START_AT + self.now_s + self._step_s

    def _step_clock(self, by_s: float) -> None:
        self._step_s += by_s

    def providers(self) -> dict[str, ProviderView]:
        """The rate gates that are closed now."""
        return {
            each.provider: ProviderView(
                0, self.clock() + each.at_s + each.for_s - self.now_s, "simulated: it is closed"
            )
            for each in self._faults.closures
            if each.at_s <= self.now_s < each.at_s + each.for_s
        }

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Have `action` happen in `delay_s` seconds."""
        self._count += 1
        heapq.heappush(self._due, (self.now_s + delay_s, self._count, action))

    def wait(self, at_most_s: float | None) -> bool:
        """Let time pass until one thing happens or `at_most_s` is over; False if neither can."""
        if self._due and (at_most_s is None or self._due[0][0] <= self.now_s + at_most_s):
            self.now_s, _, action = heapq.heappop(self._due)
            action()
            return True
        if at_most_s is None:
            return False
        self.now_s += at_most_s
        return True

    def pass_by(self, seconds: float) -> None:
        """Let `seconds` pass with everything that happens in them."""
        until = self.now_s + seconds
        while self._due and self._due[0][0] <= until:
            self.wait(None)
        self.now_s = until

    # -- the host's lives ----------------------------------------------------------------------

    def begin_life(self) -> None:
        """A host starts."""
        self.life += 1
        self._alive = True
        self.mailbox.clear()

    def end_life(self) -> None:
        """The host is gone, and with it whatever it had not written down."""
        self._alive = False
        self.mailbox.clear()

    def is_alive(self, life: int) -> bool:
        """Whether the host is in its life number `life`."""
        return self._alive and life == self.life

    def point(self) -> None:
        """A moment at which the host may die."""
        self.points += 1
        if self.points in self._faults.crashes:
            raise Crash

    def report(self, command: AnyCommand) -> None:
        """Deliver `command` to the living host; the schedule may have it delivered again."""
        self.reports += 1
        self.mailbox.append(command)
        again_s = self._repeats.get(self.reports)
        if again_s is not None:
            self.after(again_s, partial(self.mailbox.append, command))

    # -- attempts ------------------------------------------------------------------------------

    def perform(self, key: AttemptKey, task: TaskSpec) -> None:
        """Begin an attempt. Its end is reported if this life of the host lasts that long.

        Raises:
            BrokenPromiseError: the task is finished, an attempt at it is at work, or a person has
                it.
        """
        if task.id in self._finished:
            raise BrokenPromiseError(f"{key} is asked for after {self._finished[task.id]}")
        if task.id in self._working:
            raise BrokenPromiseError(f"{key} is asked for beside {self._working[task.id].key}")
        if task.id in self._with_person:
            raise BrokenPromiseError(f"{key} is asked for while a person has the task")
        record = Performed(key, self.now_s)
        self.performed.append(record)
        self._working[task.id] = record
        random = Random(f"{self.seed}:{key.task}:{key.number}")  # noqa: S311
        conduct = self.behaviour.attempt(task, key.number, random)
        cause = self._mishaps.get(len(self.performed))
        if cause is not None:
            conduct = Conduct(conduct.duration_s, cause, usage=conduct.usage)
        elif conduct.duration_s > task.timeout_s:
            conduct = Conduct(task.timeout_s, "timeout", usage=conduct.usage)
        life = self.life
        self.after(conduct.duration_s, partial(self._end, record, task, conduct, life))

    def _end(self, record: Performed, task: TaskSpec, conduct: Conduct, life: int) -> None:
        if record.ended_s is not None:
            return
        watched = self.is_alive(life)
        if watched:
            self.point()
        self._disk.journal[record.key] = conduct
        if conduct.cause is None:
            self._finished[task.id] = record.key
        self._close(record, conduct.cause or "succeeded")
        if watched:
            self.point()
            self.report(outcome(record.key, task, conduct))

    def recover(self, key: AttemptKey) -> Conduct | None:
        """Stop the attempt if it still works; how it ended, if that was recorded."""
        record = self._working.get(key.task)
        if record is not None and record.key == key:
            self._close(record, "stopped")
        return self._disk.journal.get(key)

    def _close(self, record: Performed, ended: str) -> None:
        record.ended_s = self.now_s
        record.ended = ended
        del self._working[record.key.task]

    # -- gates ---------------------------------------------------------------------------------

    def evaluate(self, gate: str, spec: GateSpec, opened_at: float) -> None:
        """Run the command of a gate; its verdict is reported in this life of the host or never."""
        found = self._judgement(gate, spec, opened_at)
        life = self.life
        if found is None:
            return
        command = DecideGate(
            gate=gate, verdict=found.verdict, by="engine", reason="simulated", opened_at=opened_at
        )

        def finish() -> None:
            if self.is_alive(life):
                self.point()
                self.report(command)

        self.after(found.after_s, finish)

    def ask(self, gate: str, spec: GateSpec, opened_at: float) -> None:
        """Ask a person, once for each opening; the answer comes through the inbox."""
        if opened_at in self._openings.get(gate, ()):
            return
        found = self._judgement(gate, spec, opened_at)
        if found is not None:
            command = DecideGate(
                gate=gate, verdict=found.verdict, by=found.by, human=True, opened_at=opened_at
            )
            self.after(found.after_s, partial(self._disk.send, command))

    def _judgement(self, gate: str, spec: GateSpec, opened_at: float) -> Judgement | None:
        seen = self._openings.setdefault(gate, [])
        if opened_at not in seen:
            seen.append(opened_at)
        opening = seen.index(opened_at) + 1
        random = Random(f"{self.seed}:{gate}:{opening}")  # noqa: S311
        return self.behaviour.judge(spec, opening, random)

    # -- people --------------------------------------------------------------------------------

    def show_conflict(self, key: AttemptKey, task: TaskSpec) -> None:
        """Show a person work in conflict, unless they have it before them already."""
        if key in self._shown:
            return
        self._shown.add(key)
        random = Random(f"{self.seed}:resolve:{key}")  # noqa: S311
        found = self.behaviour.resolve(task, key.number, random)
        if found is not None:
            self.after(found.after_s, partial(self._resolve, key, found))

    def show_task(self, key: AttemptKey, task: TaskSpec) -> None:
        """Show a person a task that was handed to them, unless they have it before them already."""
        if key in self._shown:
            return
        self._shown.add(key)
        random = Random(f"{self.seed}:hand in:{key}")  # noqa: S311
        found = self.behaviour.hand_in(task, key.number, random)
        if found is None:
            return
        command: AnyCommand
        if found.declines:
            command = DeclineTask(task=key.task, number=key.number, by=found.by)
        else:
            command = HandIn(
                task=key.task,
                number=key.number,
                by=found.by,
                summary="simulated",
                work=_work(key) if task.writes else None,
            )
        self.after(found.after_s, partial(self._disk.send, command))

    def _resolve(self, key: AttemptKey, found: Resolution) -> None:
        self._shown.discard(key)
        command: AnyCommand
        if found.sends_back:
            command = ReturnWork(
                task=key.task,
                number=key.number,
                cause="conflict",
                message="simulated",
                human=True,
                by=found.by,
            )
        else:
            line = self._disk.load().line
            joined = Work(commit=f"{key.folder} at {line}", base=line, tree=f"{key.folder} joined")
            command = ResolveConflict(task=key.task, number=key.number, work=joined, by=found.by)
        self._disk.send(command)

    def _go_back(self, checkpoint: int, patience: int = 200) -> None:
        """Pause the run; once nothing is at work go back, and on from there."""
        state = self._disk.load()
        held = self._disk.checkpoints()
        if not held or state.status is RunStatus.CANCELLED or not patience:
            return
        if state.status is RunStatus.EXECUTING:
            self._disk.send(PauseRun(by="somebody"))
        if state.status is RunStatus.EXECUTING or state.live:
            self.after(3.0, partial(self._go_back, checkpoint, patience - 1))
            return
        target = held[checkpoint % len(held)]
        self._disk.send(RollBack(checkpoint=target.checkpoint, target=target, by="somebody"))
        self._disk.send(ResumeRun(by="somebody"))

    # -- the promises --------------------------------------------------------------------------

    def note(self, events: Sequence[AnyEvent]) -> None:
        """Take in what the log says of finished work now."""
        for event in events:
            match event:
                case TaskHanded(task=task):
                    self._with_person.add(task)
                case AttemptSucceeded(task=task, number=number, by=by) if by:
                    self._with_person.discard(task)
                    self._finished[task] = AttemptKey("", task, number)
                case AttemptFailed(task=task):
                    self._with_person.discard(task)
                    self._finished.pop(task, None)
                case WorkReturned(task=task) | AdviceGiven(task=task):
                    self._finished.pop(task, None)
                case WorkConflicted(task=task, resolver=True):
                    self._finished.pop(task, None)
                case RunRolledBack():
                    self._note_rollback(event)

    def _note_rollback(self, event: RunRolledBack) -> None:
        self._with_person.clear()
        if event.workflow is not None:
            known = {task.id for task in event.workflow.tasks}
            self._finished = {n: key for n, key in self._finished.items() if n in known}
        for name, record in event.tasks.items():
            if record.status in _FINISHED:
                self._finished[name] = AttemptKey("", name, record.attempts)
            else:
                self._finished.pop(name, None)


def outcome(
    key: AttemptKey, task: TaskSpec, conduct: Conduct, *, recovered: bool = False
) -> SucceedAttempt | FailAttempt:
    """The report of an attempt that ended by itself."""
    if conduct.cause is not None:
        return FailAttempt(
            task=key.task,
            number=key.number,
            cause=conduct.cause,
            message=f"simulated: {conduct.cause}",
            duration_s=conduct.duration_s,
            usage=conduct.usage,
            retry_after_s=conduct.retry_after_s,
        )
    return SucceedAttempt(
        task=key.task,
        number=key.number,
        summary="simulated",
        artifacts=tuple(
            Artifact(
                name=output.name,
                digest=hashlib.sha256(f"{key}:{output.name}".encode()).hexdigest(),
                size_bytes=0,
                path=f"simulated/{key.folder}/{output.path}",
            )
            for output in task.outputs
        ),
        metrics=conduct.metrics,
        duration_s=conduct.duration_s,
        recovered=recovered,
        usage=conduct.usage,
        work=_work(key) if task.writes and conduct.delivers else None,
    )


def _work(key: AttemptKey) -> Work:
    return Work(commit=key.folder, base="", tree=f"tree of {key.folder}")
