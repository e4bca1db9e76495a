"""Work in flight: attempts and gate evaluations, each ending in exactly one command.

The command is made when the asyncio task is done and not inside it: a task that is cancelled before
its first step never runs a line of its own. Stopping cancels what performs, never what recovers: an
attempt being recovered may have finished, and calling it interrupted would run it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Protocol

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED
from orchestrate.errors import InternalError, OrchestrateError
from orchestrate.hosts.local.line import LineKeeper
from orchestrate.ports.performer import AttemptRequest, AttemptResult, Performer

_GIVEN_UP = "it was given up without a reason"

RequestBuilder = Callable[[RunState, AttemptKey], AttemptRequest]


class GateEvaluator(Protocol):
    """Decides command gates by evidence."""

    async def evaluate(self, state: RunState, gate: str) -> cmd.DecideGate:
        """Run the gate's command and give its verdict; unknown when it could not be run."""
        ...


class Dispatch:
    """What one driver has asked the world for and not heard of yet."""

    def __init__(
        self,
        performer: Performer,
        gates: GateEvaluator,
        build_request: RequestBuilder,
        report: Callable[[cmd.AnyCommand], None],
        line: LineKeeper | None = None,
    ) -> None:
        """`report` is given every command, from the event loop; `line` may be None without one."""
        self._failure: InternalError | None = None
        self._line = line
        self._performer = performer
        self._gates = gates
        self._build_request = build_request
        self._report = report
        self._attempts: dict[AttemptKey, asyncio.Task[AttemptResult | None]] = {}
        self._recovering: set[AttemptKey] = set()
        self._evaluations: dict[str, asyncio.Task[cmd.DecideGate]] = {}
        self._ended: set[AttemptKey] = set()
        self._evaluated: set[fx.EvaluateGate] = set()
        self._stopped = False
        self._reason = ""

    @property
    def failure(self) -> InternalError | None:
        """A defect met on the way; the driver ends with it."""
        return self._failure or (self._line.failure if self._line is not None else None)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        line_idle = self._line is None or self._line.idle
        return not self._attempts and not self._evaluations and line_idle

    def recover(self, state: RunState) -> None:
        """Find out what became of the attempts that a driver before this one left behind."""
        for key in _live(state):
            self._recovering.add(key)
            self._begin(key, self._recover(state, key))

    def start_owed(self, state: RunState) -> None:
        """Perform what `state` owes and nobody performs yet; stop what it no longer owes."""
        ended = state.status in RUN_ENDED
        if ended:
            self._cancel(state.reason or state.status.value)
        live = _live(state)
        self._ended.intersection_update(live)
        for key in live:
            if key in self._attempts or key in self._ended:
                continue
            if ended or self._stopped:
                # Granted in the turn in which the stop came: it was never begun.
                self._report(self._interruption(key))
            else:
                self._begin(key, self._perform(state, key))
        if state.index.gates and not self._stopped:
            self._evaluate_owed(state)
        if self._line is not None and not self._stopped:
            self._line.start_owed(state, self._report)

    def stop(self, reason: str) -> None:
        """Cancel what is in flight and begin nothing more."""
        self._stopped = True
        self._cancel(reason)

    def _cancel(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self._line is not None:
            self._line.stop()
        for key, task in self._attempts.items():
            if key not in self._recovering and not task.cancelling():
                task.cancel()
        for evaluation in self._evaluations.values():
            if not evaluation.cancelling():
                evaluation.cancel()

    async def release(self) -> None:
        """Cancel everything, recovery included, and wait until it is gone."""
        tasks = [*self._attempts.values(), *self._evaluations.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._line is not None:
            await self._line.release()

    # -- attempts ------------------------------------------------------------------------------

    def _begin(self, key: AttemptKey, work: Coroutine[None, None, AttemptResult | None]) -> None:
        task = self._attempts[key] = asyncio.create_task(work)
        task.add_done_callback(partial(self._attempt_done, key))

    async def _perform(self, state: RunState, key: AttemptKey) -> AttemptResult | None:
        return await self._performer.perform(self._build_request(state, key))

    async def _recover(self, state: RunState, key: AttemptKey) -> AttemptResult | None:
        return await self._performer.recover(self._build_request(state, key))

    def _attempt_done(self, key: AttemptKey, task: asyncio.Task[AttemptResult | None]) -> None:
        del self._attempts[key]
        self._ended.add(key)
        self._recovering.discard(key)
        if task.cancelled():
            # Not by us: its performer let go of it, and starting again at once might never end.
            ours = task.cancelling() > 0
            self._report(self._interruption(key) if ours else _failure(key, "crash", _GIVEN_UP))
            return
        error = task.exception()
        if error is None:
            self._report(_outcome(key, task.result(), self._reason))
        elif isinstance(error, OrchestrateError | OSError):
            self._report(_failure(key, "unavailable", str(error)))
        else:
            self._break(f"attempt {key} broke its performer", error)

    def _interruption(self, key: AttemptKey) -> cmd.InterruptAttempt:
        return cmd.InterruptAttempt(task=key.task, number=key.number, reason=self._reason)

    # -- gates ---------------------------------------------------------------------------------

    def _evaluate_owed(self, state: RunState) -> None:
        owed = [effect for effect in fx.pending(state) if isinstance(effect, fx.EvaluateGate)]
        self._evaluated.intersection_update(owed)
        for effect in owed:
            if effect.gate not in self._evaluations and effect not in self._evaluated:
                evaluation = asyncio.create_task(self._gates.evaluate(state, effect.gate))
                self._evaluations[effect.gate] = evaluation
                evaluation.add_done_callback(partial(self._evaluation_done, effect))

    def _evaluation_done(
        self, effect: fx.EvaluateGate, evaluation: asyncio.Task[cmd.DecideGate]
    ) -> None:
        del self._evaluations[effect.gate]
        self._evaluated.add(effect)
        if evaluation.cancelled():
            # Stopped by us there is no verdict: the gate is asked anew when the run goes on.
            ours = evaluation.cancelling() > 0
            self._report(cmd.PassTime() if ours else _unknown(effect, _GIVEN_UP))
            return
        error = evaluation.exception()
        if error is None:
            verdict = msgspec.structs.replace(evaluation.result(), opened_at=effect.opened_at)
            self._report(verdict)
        elif isinstance(error, OrchestrateError | OSError):
            self._report(_unknown(effect, str(error)))
        else:
            self._break(f"gate {effect.gate} broke its evaluation", error)

    def _break(self, what: str, error: BaseException) -> None:
        self._failure = InternalError(f"{what}: {error!r}")
        self._failure.__cause__ = error
        self._report(cmd.PassTime())


def _live(state: RunState) -> list[AttemptKey]:
    order = state.index.order
    return [
        AttemptKey(state.run, order[number].id, state.tasks[number].attempts)
        for number in bits(state.live)
    ]


def _outcome(key: AttemptKey, result: AttemptResult | None, reason: str) -> cmd.AnyCommand:
    if result is None:
        return cmd.LoseAttempt(
            task=key.task,
            number=key.number,
            message="its driver died, and it left no outcome",
        )
    if result.interrupted:
        return cmd.InterruptAttempt(
            task=key.task,
            number=key.number,
            reason=reason,
            duration_s=result.duration_s,
            usage=result.usage,
            session=result.session,
        )
    if result.cause == "lost":
        return cmd.LoseAttempt(
            task=key.task,
            number=key.number,
            message=result.message,
            duration_s=result.duration_s,
            usage=result.usage,
            session=result.session,
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
            work=result.work,
            usage=result.usage,
            session=result.session,
            denials=result.denials,
            handed_on=result.handed_on,
            follow_ups=result.follow_ups,
            version=result.version,
        )
    return cmd.FailAttempt(
        task=key.task,
        number=key.number,
        cause=result.cause or "exit",
        message=result.message,
        exit_code=result.exit_code,
        duration_s=result.duration_s,
        usage=result.usage,
        session=result.session,
        denials=result.denials,
        retry_after_s=result.retry_after_s,
        version=result.version,
    )


def _failure(key: AttemptKey, cause: FailureCause, message: str) -> cmd.FailAttempt:
    return cmd.FailAttempt(task=key.task, number=key.number, cause=cause, message=message)


def _unknown(effect: fx.EvaluateGate, reason: str) -> cmd.DecideGate:
    return cmd.DecideGate(
        gate=effect.gate,
        verdict="unknown",
        by="engine",
        reason=reason,
        opened_at=effect.opened_at,
    )
