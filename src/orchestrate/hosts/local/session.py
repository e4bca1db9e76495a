"""One process driving one run: take ownership, adopt, drive, answer signals, let go."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from orchestrate.app import runs
from orchestrate.app.checkpoints import Checkpoint, facts_at
from orchestrate.core.codec import encode
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.decide import decide
from orchestrate.core.running.effects import TakeCheckpoint, pending
from orchestrate.core.running.state import CheckpointKind, RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus
from orchestrate.errors import ConflictError, ExitCode, OrchestrateError
from orchestrate.hosts.local.audit import Audit
from orchestrate.hosts.local.dispatch import GateEvaluator, RequestBuilder
from orchestrate.hosts.local.driver import Driver, Observer
from orchestrate.hosts.local.line import LineKeeper
from orchestrate.ports.clock import Clock
from orchestrate.ports.ownership import Ownership
from orchestrate.ports.performer import Performer
from orchestrate.ports.store import EventStore

#: How long a command sent to a live owner may take to be answered, in seconds.
ANSWER_TIMEOUT_S = 15.0
ANSWER_POLL_S = 0.05
#: Signals that pause the run.
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Session:
    """Everything needed to drive runs of one repository from this process."""

    def __init__(
        self,
        *,
        store: EventStore,
        clock: Clock,
        performer: Performer,
        gates: GateEvaluator,
        ownership: Callable[[str], Ownership],
        build_request: RequestBuilder,
        sample: Callable[[], HostView],
        identity: str,
        line: Callable[[], LineKeeper] | None = None,
        audit: Audit | None = None,
        ended: Callable[[RunState], None] | None = None,
    ) -> None:
        """`line` and `audit` are needed for runs with an integration line.

        `ended` is called for a run that has ended, perhaps more than once. Where it cannot do what
        it does, the run has ended all the same, and `notes` say so.
        """
        self._notes: list[str] = []
        self.store = store
        self.clock = clock
        self._performer = performer
        self._gates = gates
        self._ownership = ownership
        self._build_request = build_request
        self._sample = sample
        self._identity = identity
        self._line = line
        self._audit = audit
        self._ended = ended
        self._driver: Driver | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a signal stopped the run that was driven last."""
        return self._driver is not None and self._driver.stopped

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user about what could not be done when a run had ended."""
        return tuple(self._notes)

    # -- beginning and going on ----------------------------------------------------------------

    async def start(
        self, new: runs.NewRun, observe: Observer | None = None, *, wait_for_people: bool = False
    ) -> RunState:
        """Create a run and drive it to where it ends or waits."""
        ownership = self._own(new.run)
        try:
            state = await self._begin(new)
            self._announce(state, 0, observe)
            return await self._drive(state, observe, wait_for_people)
        finally:
            ownership.release()

    async def create(self, new: runs.NewRun) -> RunState:
        """Create a run and leave it for another process to drive."""
        ownership = self._own(new.run)
        try:
            return await self._begin(new)
        finally:
            ownership.release()

    async def _begin(self, new: runs.NewRun) -> RunState:
        if new.base and self._audit is not None:
            await asyncio.to_thread(self._audit.begin, new.run)
        return await runs.create(self.store, self.clock, new, self._identity)

    async def resume(
        self,
        run: str,
        observe: Observer | None = None,
        *,
        reason: str,
        by: str,
        max_parallel: int | None = None,
        more: cmd.SetBudget | None = None,
        wait_for_people: bool = False,
    ) -> RunState:
        """Take a run over and drive it on, after answering what an owner before left unanswered.

        `more` changes a budget before anything starts.

        Raises:
            ConflictError: a live process drives it, or it is over.
        """
        ownership = self._own(run)
        try:
            state = await self._settled(run)
            before = state.version
            commands: list[cmd.AnyCommand] = []
            if more is not None:
                commands.append(more)
            if state.status in (RunStatus.PAUSED, RunStatus.FAILED):
                commands.append(cmd.ResumeRun(reason=reason, by=by))
            if max_parallel is not None and max_parallel != state.max_parallel:
                commands.append(cmd.SetLimit(max_parallel=max_parallel, by=by))
            commands.append(cmd.AdoptRun(owner=self._identity))
            state = await runs.apply(self.store, self.clock, state, commands)
            self._announce(state, before, observe)
            return await self._drive(state, observe, wait_for_people)
        finally:
            ownership.release()

    def _announce(self, state: RunState, after: int, observe: Observer | None) -> None:
        """Tell of what was recorded before there was a driver."""
        if observe is not None:
            events = [event for _, event in runs.history(self.store, state.run, after)]
            observe(events, state)

    def _own(self, run: str) -> Ownership:
        ownership = self._ownership(run)
        if not ownership.acquire():
            raise ConflictError(
                f"run {run} is driven by {ownership.owner()}",
                remedy=f"follow it: orchestrate attach {run}",
            )
        return ownership

    async def _drive(
        self, state: RunState, observe: Observer | None, wait_for_people: bool
    ) -> RunState:
        driver = self._driver = Driver(
            store=self.store,
            state=state,
            performer=self._performer,
            gates=self._gates,
            clock=self.clock,
            build_request=self._build_request,
            sample=self._sample,
            observe=observe,
            wait_for_people=wait_for_people,
            line=self._line() if state.base and self._line is not None else None,
        )
        loop = asyncio.get_running_loop()
        # What the caller had us ignore (nohup, a job in the background) stays ignored.
        signals = [which for which in _STOPPING if signal.getsignal(which) is not signal.SIG_IGN]
        received: list[signal.Signals] = []

        def on_signal(which: signal.Signals) -> None:
            # The second signal forces: supervisors see their life line close and stop their trees.
            if received and which is not signal.SIGHUP:
                os._exit(ExitCode.INTERRUPTED)
            received.append(which)
            driver.stop(f"interrupted by {which.name}")

        for which in signals:
            loop.add_signal_handler(which, on_signal, which)
        try:
            state = await self._audited(await driver.run(), observe)
            await self._put_away(state)
            return state
        finally:
            for which in signals:
                loop.remove_signal_handler(which)

    async def _put_away(self, state: RunState) -> None:
        """Do what is due once a run has ended."""
        if self._ended is None or state.status not in RUN_ENDED:
            return
        try:
            await asyncio.to_thread(self._ended, state)
        except (OrchestrateError, OSError, UnicodeError) as error:
            self._notes.append(f"what run {state.run} made for itself was not put away: {error}")

    async def _audited(self, state: RunState, observe: Observer | None) -> RunState:
        """`state`, with the verdict on whether the user's things are untouched."""
        if not state.base or self._audit is None:
            return state
        before = state.version
        verdict = await asyncio.to_thread(self._audit.compare, state.run, state.published)
        state = await runs.apply(self.store, self.clock, state, [verdict])
        if state.version > before:
            self._announce(state, before, observe)
        return state

    # -- checkpoints ---------------------------------------------------------------------------

    async def checkpoint(self, run: str, *, note: str, by: str) -> RunState:
        """Have a checkpoint of `run` taken; returns the state after it.

        Raises:
            ConflictError: the run has not begun, or its driver does not answer.
        """
        ownership = self._ownership(run)
        ask = cmd.AskCheckpoint(note=note, by=by)
        if ownership.acquire():
            try:
                state = await self._settled(run)
                if state.live and state.base:
                    return await self._hold(state, "manual", note, by)
                return await runs.apply(self.store, self.clock, state, [ask])
            finally:
                ownership.release()
        before = runs.load(self.store, run).checkpoints
        await self._ask_owner(run, ask, ownership)
        deadline = self.clock.now() + ANSWER_TIMEOUT_S
        while (state := runs.load(self.store, run)).checkpoints == before:
            if self.clock.now() > deadline:
                raise ConflictError(
                    f"the checkpoint of run {run} is asked for and not taken yet",
                    remedy=f"see later: orchestrate checkpoint list {run}",
                )
            await self.clock.sleep(ANSWER_POLL_S)
        return state

    async def roll_back(self, run: str, target: Checkpoint, *, reason: str, by: str) -> RunState:
        """Go back, or forward, to `target`: state, line and workspaces as they were then.

        What is there now is held by a checkpoint of its own first. Nothing starts: the run is
        paused afterwards.

        Raises:
            ConflictError: a live process drives the run, or it cannot go back.
        """
        ownership = self._own(run)
        try:
            state = await self._settled(run)
            if state.live:
                if state.base:
                    state = await self._hold(state, "rollback", f"before {target.checkpoint}", by)
                if state.status is RunStatus.EXECUTING:
                    pause = cmd.PauseRun(reason=reason, by=by)
                    state = await runs.apply(self.store, self.clock, state, [pause])
                # Nobody drives it: what it has at work is cut off, or finished unseen.
                state = await self._drive(state, None, False)
            held = facts_at(self.store, run, target)
            command = cmd.RollBack(checkpoint=target.checkpoint, target=held, reason=reason, by=by)
            return await runs.apply(self.store, self.clock, state, [command])
        finally:
            ownership.release()

    async def _hold(self, state: RunState, kind: CheckpointKind, note: str, by: str) -> RunState:
        """A checkpoint of a run whose driver died with attempts at work."""
        if self._line is None:
            raise ConflictError(f"the workspaces of run {state.run} cannot be reached")
        ask = cmd.AskCheckpoint(kind=kind, note=note, by=by)
        state = await runs.apply(self.store, self.clock, state, [ask])
        owed = next((item for item in pending(state) if isinstance(item, TakeCheckpoint)), None)
        if owed is None:
            return state
        command = await self._line().take_checkpoint(state, owed)
        return await runs.apply(self.store, self.clock, state, [command])

    # -- telling a run something ---------------------------------------------------------------

    async def tell(self, run: str, command: cmd.AnyCommand) -> RunState:
        """Have `command` take effect: through the live owner's inbox, or directly without one.

        Returns the state afterwards. Without an owner, attempts left behind by a dead one are
        cleared away if the command ended the run.

        Raises:
            ConflictError: refused, or the owner did not answer in time.
            RequestError: the command names something that does not exist.
        """
        ownership = self._ownership(run)
        if ownership.acquire():
            try:
                state = await self._settled(run)
                state = await runs.apply(self.store, self.clock, state, [command])
                return await self._cleared(state)
            finally:
                ownership.release()
        # Refuse what is plainly impossible at once, with its own error; the owner still decides.
        decide(runs.load(self.store, run), command, self.clock.now())
        await self._ask_owner(run, command, ownership)
        return runs.load(self.store, run)

    async def _settled(self, run: str) -> RunState:
        """The state of an owned run, with nothing left in its inbox."""
        return await runs.settle_inbox(self.store, self.clock, runs.load(self.store, run))

    async def _cleared(self, state: RunState) -> RunState:
        """`state`, or what it becomes once attempts that outlived their run are accounted for."""
        if state.live and state.status in RUN_ENDED:
            return await self._drive(state, None, False)
        await self._put_away(state)
        return state

    async def _ask_owner(self, run: str, command: cmd.AnyCommand, ownership: Ownership) -> None:
        entry = await self.store.send(run, encode(command), self.clock.now())
        deadline = self.clock.now() + ANSWER_TIMEOUT_S
        while (answer := self.store.answer(entry)) is None:
            if self.clock.now() > deadline:
                raise ConflictError(
                    f"{ownership.owner()} drives run {run} and does not answer",
                    remedy="the command waits for it, or for whoever drives the run next",
                )
            owner = ownership.owner()
            if (owner is None or not owner.live) and ownership.acquire():
                # It let go before it saw the entry: whoever owns a run answers its inbox.
                try:
                    await self._cleared(await self._settled(run))
                finally:
                    ownership.release()
            else:
                await self.clock.sleep(ANSWER_POLL_S)
        if answer.error:
            raise ConflictError(f"refused by the process that drives run {run}: {answer.error}")
