"""The driver of one run: append, perform, observe.

Theory of operation
-------------------
One loop owns the state. In each turn it takes everything that arrived since the last (outcomes of
attempts, commands from the inbox, time falling due), lets the kernel decide about each, grants
slots, and appends all resulting events in one transaction. Only when they are durable does it
perform what is newly owed. While the append is under way outcomes pile up, so a busy run batches by
itself and an idle one answers at once.

* Recovery is the same loop: attempts that are live in the folded state but not in flight here are
  *recovered* (their recorded outcome is taken, or they are reported lost), then things go on.
* The state in memory is replaced only after the append succeeded. If the append fails the driver
  stops; nothing it did is lost, because attempts leave their outcome on disk before they report.
* Outcomes are commands: a repeated or stale one is refused by the kernel and dropped here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from orchestrate.app.runs import SNAPSHOT_EVERY, save_snapshot, to_store
from orchestrate.core.codec import decode_command
from orchestrate.core.ids import AttemptKey
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import StaleAttemptError, advance
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus
from orchestrate.errors import InternalError, OrchestrateError
from orchestrate.ports.clock import Clock
from orchestrate.ports.performer import AttemptRequest, AttemptResult, Performer
from orchestrate.ports.store import EventStore, InboxAnswer

#: How often the inbox is looked at, in seconds; a look costs one PRAGMA unless something changed.
INBOX_POLL_S = 0.1

Observer = Callable[[Sequence[AnyEvent], RunState], None]
RequestBuilder = Callable[[RunState, AttemptKey], AttemptRequest]


class GateEvaluator(Protocol):
    """Decides command gates by evidence."""

    async def evaluate(self, state: RunState, gate: str) -> cmd.DecideGate:
        """Run the gate's command and give its verdict; unknown when it could not be run."""
        ...


class Driver:
    """Drives the run whose owner this process is, from `state` on."""

    def __init__(
        self,
        *,
        store: EventStore,
        state: RunState,
        performer: Performer,
        gates: GateEvaluator,
        clock: Clock,
        build_request: RequestBuilder,
        sample: Callable[[], HostView],
        observe: Observer | None = None,
        wait_for_people: bool = False,
    ) -> None:
        """Nothing is done until `run`.

        Args:
            store: where events go; this process must own the run's stream.
            state: the fold of that stream.
            performer: performs attempts.
            gates: decides command gates.
            clock: time.
            build_request: what an attempt may know.
            sample: measures the host; called once a turn in which something could start.
            observe: told of events once they are durable, with the state after them.
            wait_for_people: keep running while only a person's verdict is missing.
        """
        self._store = store
        self.state = state
        self._performer = performer
        self._gates = gates
        self._clock = clock
        self._build_request = build_request
        self._sample = sample
        self._observe = observe
        self._wait_for_people = wait_for_people
        self._arrived: list[cmd.AnyCommand] = []
        self._waker: asyncio.Future[None] | None = None
        self._snapshot_at = max(SNAPSHOT_EVERY, 2 * state.version)
        self._attempts: dict[AttemptKey, asyncio.Task[None]] = {}
        self._evaluations: dict[str, asyncio.Task[None]] = {}
        self._stopping = ""
        self._failure: BaseException | None = None
        self.view = HostView(at=0.0)

    def submit(self, command: cmd.AnyCommand) -> None:
        """Hand in a command from this process; taken up in the next turn."""
        self._arrived.append(command)
        self._wake()

    def stop(self, reason: str) -> None:
        """Pause the run, stop its attempts and return from `run`. Idempotent."""
        if not self._stopping:
            self._stopping = reason
            if self.state.status is RunStatus.EXECUTING:
                self.submit(cmd.PauseRun(reason=reason, by="signal"))
            for task in self._attempts.values():
                task.cancel()
            self.submit(cmd.PassTime())

    async def run(self) -> RunState:
        """Drive until the run ended, or waits for something outside, or was stopped.

        Raises:
            StoreError: an append failed; the run can be resumed.
        """
        try:
            # What is live before anything was granted here belongs to a driver that is gone.
            self._start_owed(recovering=True)
            await self._turn([])
            self._start_owed()
            while not self._finished():
                await self._turn(await self._next_commands())
                self._start_owed()
            return self.state
        finally:
            await self._release()

    # -- one turn ------------------------------------------------------------------------------

    async def _next_commands(self) -> list[cmd.AnyCommand]:
        """Wait for a command, the inbox, or time; then take everything that is there."""
        if not self._arrived:
            loop = asyncio.get_running_loop()
            self._waker = loop.create_future()
            timer = loop.call_later(self._seconds_to_wait(), self._wake)
            await self._waker
            timer.cancel()
            self._waker = None
        taken, self._arrived = self._arrived, []
        return taken or [cmd.PassTime()]

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)

    def _seconds_to_wait(self) -> float:
        due = [item.at for item in fx.pending(self.state) if isinstance(item, fx.WakeAt)]
        if not due:
            return INBOX_POLL_S
        return max(0.0, min(INBOX_POLL_S, min(due) - self._clock.now()))

    async def _turn(self, commands: Sequence[cmd.AnyCommand]) -> None:
        if self._failure is not None:
            raise self._failure
        now = self._clock.now()
        state = self.state
        events: list[AnyEvent] = []
        answers: list[InboxAnswer] = []
        for command in commands:
            try:
                added, state = advance(state, command, now)
            except StaleAttemptError:
                continue
            except OrchestrateError:
                if isinstance(command, cmd.PauseRun):
                    continue
                raise
            events += added
        if self._store.changed():
            for entry in self._store.inbox(state.run):
                try:
                    added, state = advance(state, decode_command(entry.data), now)
                except OrchestrateError as error:
                    answers.append(InboxAnswer(entry.id, f"{error.message}; {error.remedy}"))
                else:
                    events += added
                    answers.append(InboxAnswer(entry.id))
        if not self._stopping and (state.ready or state.retrying):
            self.view = self._sample()
            grants = admit(state, self.view).grants
            if grants:
                added, state = advance(state, cmd.GrantSlots(tasks=grants), now)
                events += added
        if events or answers:
            await self._store.append(state.run, self.state.version, to_store(events), answers)
            self.state = state
            if self._observe is not None:
                self._observe(events, state)
            if state.version >= self._snapshot_at:
                self._snapshot_at = max(state.version + SNAPSHOT_EVERY, 2 * state.version)
                await save_snapshot(self._store, state)

    # -- effects -------------------------------------------------------------------------------

    def _start_owed(self, *, recovering: bool = False) -> None:
        """Perform what the state owes and nobody performs yet."""
        state = self.state
        ended = state.status in RUN_ENDED
        for number in bits(state.live):
            key = AttemptKey(state.run, state.index.order[number].id, state.tasks[number].attempts)
            running = self._attempts.get(key)
            if running is None:
                work = self._recover(key) if recovering or ended else self._perform(key)
                self._attempts[key] = asyncio.create_task(work)
            elif ended and not running.cancelling():
                running.cancel()
        if not self._stopping:
            for effect in fx.pending(state) if state.index.gates else ():
                if isinstance(effect, fx.EvaluateGate) and effect.gate not in self._evaluations:
                    self._evaluations[effect.gate] = asyncio.create_task(
                        self._evaluate(effect.gate)
                    )

    async def _perform(self, key: AttemptKey) -> None:
        await self._conclude(
            key, lambda: self._performer.perform(self._build_request(self.state, key))
        )

    async def _recover(self, key: AttemptKey) -> None:
        await self._conclude(
            key, lambda: self._performer.recover(self._build_request(self.state, key))
        )

    async def _conclude(
        self, key: AttemptKey, work: Callable[[], Awaitable[AttemptResult | None]]
    ) -> None:
        """Perform, and turn whatever comes of it into exactly one command."""
        command: cmd.AnyCommand
        try:
            command = _outcome(key, await work())
        except asyncio.CancelledError:
            reason = self._stopping or self.state.reason or "stopped"
            command = cmd.InterruptAttempt(task=key.task, number=key.number, reason=reason)
        except OrchestrateError as error:
            command = cmd.FailAttempt(
                task=key.task, number=key.number, cause="unavailable", message=error.message
            )
        except Exception as error:
            self._failure = InternalError(f"attempt {key} broke its performer: {error!r}")
            self._failure.__cause__ = error
            command = cmd.PassTime()
        self._attempts.pop(key, None)
        self.submit(command)

    async def _evaluate(self, gate: str) -> None:
        try:
            verdict = await self._gates.evaluate(self.state, gate)
        except OrchestrateError as error:
            verdict = cmd.DecideGate(
                gate=gate, verdict="unknown", by="engine", reason=error.message
            )
        self._evaluations.pop(gate, None)
        self.submit(verdict)

    # -- the end -------------------------------------------------------------------------------

    def _finished(self) -> bool:
        if self._attempts or self._evaluations or self._arrived:
            return False
        state = self.state
        if self._stopping or state.status is RunStatus.PAUSED:
            return True
        if state.status in RUN_ENDED:
            return not state.live
        return not self._wait_for_people and self._only_people()

    def _only_people(self) -> bool:
        """Whether all that is left is a person's verdict."""
        state = self.state
        if state.live or state.ready or state.retrying:
            return False
        return any(isinstance(item, fx.AskPerson) for item in fx.pending(state))

    async def _release(self) -> None:
        tasks = [*self._attempts.values(), *self._evaluations.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _outcome(key: AttemptKey, result: AttemptResult | None) -> cmd.AnyCommand:
    if result is None:
        return cmd.LoseAttempt(
            task=key.task,
            number=key.number,
            message="its driver died, and it left no outcome",
        )
    if result.ok:
        return cmd.SucceedAttempt(
            task=key.task,
            number=key.number,
            summary=result.summary,
            artifacts=result.artifacts,
            metrics=result.metrics,
            exit_code=result.exit_code,
            duration_s=result.duration_s,
            recovered=result.recovered,
        )
    return cmd.FailAttempt(
        task=key.task,
        number=key.number,
        cause=result.cause or "exit",
        message=result.message,
        exit_code=result.exit_code,
        duration_s=result.duration_s,
    )
