"""The world outside the simulated host: time, attempts, people, crashes.

It goes on while the host is dead, and it watches what the host asks of it: the two promises that
matter most are checked here, at the moment they would be broken.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from functools import partial
from random import Random

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import GateSpec, TaskSpec
from orchestrate.core.running.commands import (
    AnyCommand,
    DecideGate,
    FailAttempt,
    SucceedAttempt,
)
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.errors import InternalError
from orchestrate.hosts.simulator.behaviour import Behaviour, Conduct, Judgement
from orchestrate.hosts.simulator.disk import Disk
from orchestrate.hosts.simulator.faults import Faults

#: What the wall clock shows when a simulation begins, in Unix seconds. Any moment will do.
START_AT = 1_700_000_000.0


class BrokenPromiseError(InternalError):
    """Finished work was asked for again, or two attempts at one task at once."""


class Crash(BaseException):
    """The host dies here. Not an Exception, so that nothing in it can catch it."""


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
        self._seed = seed
        self._behaviour = behaviour
        self._faults = faults
        self._disk = disk
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._step_s = 0.0
        self._working: dict[str, Performed] = {}
        self._finished: dict[str, AttemptKey] = {}
        self._openings: dict[str, list[float]] = {}
        self._repeats = {repeat.report: repeat.after_s for repeat in faults.repeats}
        self._mishaps = {mishap.performance: mishap.cause for mishap in faults.mishaps}
        for step in faults.clock_steps:
            self.after(step.at_s, partial(self._step_clock, step.by_s))
        for item in faults.interventions:
            self.after(item.at_s, partial(disk.send, item.command))

    # -- time ----------------------------------------------------------------------------------

    def clock(self) -> float:
        """What the host's wall clock shows, in Unix seconds."""
        return START_AT + self.now_s + self._step_s

    def _step_clock(self, by_s: float) -> None:
        self._step_s += by_s

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
            BrokenPromiseError: the task has succeeded durably, or an attempt at it is at work.
        """
        if task.id in self._finished:
            raise BrokenPromiseError(f"{key} is asked for after {self._finished[task.id]}")
        if task.id in self._working:
            raise BrokenPromiseError(f"{key} is asked for beside {self._working[task.id].key}")
        record = Performed(key, self.now_s)
        self.performed.append(record)
        self._working[task.id] = record
        random = Random(f"{self._seed}:{key.task}:{key.number}")  # noqa: S311
        conduct = self._behaviour.attempt(task, key.number, random)
        cause = self._mishaps.get(len(self.performed))
        if cause is not None:
            conduct = Conduct(conduct.duration_s, cause)
        elif conduct.duration_s > task.timeout_s:
            conduct = Conduct(task.timeout_s, "timeout")
        life = self.life
        self.after(conduct.duration_s, partial(self._end, record, task, conduct, life))

    def _end(self, record: Performed, task: TaskSpec, conduct: Conduct, life: int) -> None:
        if record.ended_s is not None:
            return
        watched = self._alive and life == self.life
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
            if self._alive and life == self.life:
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
        random = Random(f"{self._seed}:{gate}:{opening}")  # noqa: S311
        return self._behaviour.judge(spec, opening, random)


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
    )
