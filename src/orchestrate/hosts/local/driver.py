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
from collections.abc import Callable, Sequence

from orchestrate.app.runs import SNAPSHOT_EVERY, save_snapshot, take_inbox, to_store
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import StaleAttemptError, advance
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus
from orchestrate.errors import OrchestrateError
from orchestrate.hosts.local.dispatch import Dispatch, GateEvaluator, RequestBuilder
from orchestrate.hosts.local.line import LineKeeper
from orchestrate.ports.clock import Clock
from orchestrate.ports.performer import Performer
from orchestrate.ports.store import EventStore, InboxAnswer

#: How often the inbox is looked at, in seconds; a look costs one PRAGMA unless something changed.
INBOX_POLL_S = 0.1

#: What only a person can do.
_PEOPLE = (fx.AskPerson, fx.AwaitResolution, fx.AwaitHandIn)

Observer = Callable[[Sequence[AnyEvent], RunState], None]


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
        line: LineKeeper | None = None,
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
            line: performs what the run owes to its integration line, if it has one.
        """
        self._store = store
        self.state = state
        self._clock = clock
        self._dispatch = Dispatch(performer, gates, build_request, self.submit, line)
        self._sample = sample
        self._observe = observe
        self._wait_for_people = wait_for_people
        self._arrived: list[cmd.AnyCommand] = []
        self._waker: asyncio.Future[None] | None = None
        self._snapshot_at = max(SNAPSHOT_EVERY, 2 * state.version)
        self._turned_at = 0.0
        self._stopping = ""
        self.view = HostView(at=0.0)

    def submit(self, command: cmd.AnyCommand) -> None:
        """Hand in a command from this process; taken up in the next turn."""
        self._arrived.append(command)
        self._wake()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return bool(self._stopping)

    def stop(self, reason: str) -> None:
        """Pause the run, stop its attempts and return from `run`. Idempotent."""
        if self._stopping:
            return
        self._stopping = reason
        if self.state.status is RunStatus.EXECUTING:
            self.submit(cmd.PauseRun(reason=reason, by="signal"))
        self._dispatch.stop(reason)
        self._wake()

    async def run(self) -> RunState:
        """Drive until the run ended, or waits for something outside, or was stopped.

        Raises:
            StoreError: an append failed; the run can be resumed.
        """
        try:
            # What is live before anything was granted here belongs to a driver that is gone.
            self._dispatch.recover(self.state)
            await self._turn([])
            while not self._finished():
                await self._turn(await self._next_commands())
            return self.state
        finally:
            await self._dispatch.release()

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
        return taken

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)

    def _seconds_to_wait(self) -> float:
        # What was due in the last turn already, and still is, waits for a slot and not for time.
        due = [
            item.at
            for item in fx.pending(self.state)
            if isinstance(item, fx.WakeAt) and item.at > self._turned_at
        ]
        if not due:
            return INBOX_POLL_S
        return max(0.0, min(INBOX_POLL_S, min(due) - self._clock.now()))

    async def _turn(self, commands: Sequence[cmd.AnyCommand]) -> None:
        if self._dispatch.failure is not None:
            raise self._dispatch.failure
        now = self._turned_at = self._clock.now()
        state = self.state
        events: list[AnyEvent] = []
        answers: list[InboxAnswer] = []
        # Time passes in every turn: a busy run must not miss a deadline for want of an idle moment.
        for command in (*commands, cmd.PassTime()):
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
            asked, answers, state = take_inbox(self._store, state, now)
            events += asked
        if not self._stopping and (state.ready or state.retrying):
            self.view = self._sample()
            grants = admit(state, self.view).grants
            if grants:
                # The view was taken after `now`, and what it found due has to be due here too.
                at = max(now, self.view.at)
                added, state = advance(state, cmd.GrantSlots(tasks=grants), at)
                events += added
        if events or answers:
            await self._store.append(state.run, self.state.version, to_store(events), answers)
            self.state = state
            if self._observe is not None:
                self._observe(events, state)
            if state.version >= self._snapshot_at:
                self._snapshot_at = max(state.version + SNAPSHOT_EVERY, 2 * state.version)
                await save_snapshot(self._store, state)
        self._dispatch.start_owed(self.state)

    # -- the end -------------------------------------------------------------------------------

    def _finished(self) -> bool:
        if self._arrived or not self._dispatch.idle:
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
        owed = list(fx.pending(state))
        return any(isinstance(item, _PEOPLE) for item in owed) and not any(
            isinstance(item, fx.MergeWorks | fx.ReadList | fx.TakeCheckpoint) for item in owed
        )
