"""What an attempt of a paid agent needs beyond a process: permits, caps, accounts, answers.

Theory of operation
-------------------
Around the run of the agent's program

* its request is completed by the briefing;
* a permit of its provider's rate gate is held, and given back with what was met;
* where the program itself cannot stop at a cost or a number of tokens, what it consumed is looked
  up while it runs, and it is stopped when that is more than it may (a *soft* cap: the call that is
  under way is still paid);
* what it consumed is priced, and its answer held against the schema.

An attempt that was stopped or lost still tells what could be seen of it, so that the money is
accounted for and the conversation can be gone on with.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Protocol, cast

import msgspec

from orchestrate.app.answer import judge, prepare
from orchestrate.app.prompt import compose, estimated_tokens, handed_on
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.errors import OrchestrateError, StoreError
from orchestrate.hosts.local.attempt_folder import prepare_folder
from orchestrate.hosts.local.briefing import Briefing
from orchestrate.ports.performer import (
    AgentBackend,
    AttemptRequest,
    AttemptResult,
    Backend,
    Observed,
)
from orchestrate.ports.process import ProcessOutcome, ProcessSpec, Supervisor
from orchestrate.ports.rate_gate import RateGate

#: How often a soft cap is looked at, in seconds: a model call takes several.
WATCH_S = 0.5

#: No file that an agent writes may be larger: a full disk hurts everybody on the machine.
MAX_FILE_BYTES = 4 * 1024**3

Pricing = Callable[[Usage, Assignee], Usage]


class Host(Protocol):
    """The performer this looks after agents for."""

    @property
    def supervisor(self) -> Supervisor:
        """What runs the processes."""
        ...

    async def conclude(
        self, backend: Backend, request: AttemptRequest, outcome: ProcessOutcome
    ) -> AttemptResult:
        """The result of an attempt whose process has ended."""
        ...


class AgentCare:
    """Looks after the attempts of paid agents."""

    def __init__(self, briefing: Briefing, gate: Callable[[], RateGate], pricing: Pricing) -> None:
        """`gate` opens the rate gate, when it is needed.

        `pricing` gives a usage its cost where the backend reported none.
        """
        self._briefing = briefing
        self._gate = gate
        self._pricing = pricing
        self._prepared = False
        self._in_use: set[str] = set()

    async def perform(self, host: Host, backend: Backend, request: AttemptRequest) -> AttemptResult:
        """Perform an attempt that has its workspace."""
        request = await self._briefing.complete(request)
        with self._place(request.reused_dir) as place:
            placed = msgspec.structs.replace(request, reused_dir=place)
            return await self._perform(host, backend, placed)

    async def _perform(
        self, host: Host, backend: Backend, request: AttemptRequest
    ) -> AttemptResult:
        folder = prepare_folder(request)
        spec = backend.spec(request)
        if spec.max_file_bytes is None:
            spec = msgspec.structs.replace(spec, max_file_bytes=MAX_FILE_BYTES)
        if request.cap.time_s is not None:
            spec = msgspec.structs.replace(spec, timeout_s=min(spec.timeout_s, request.cap.time_s))
        async with self._permit(request) as report:
            result = await self._run(host, backend, request, spec, folder)
            report(result)
        return result

    @contextlib.contextmanager
    def _place(self, home: str) -> Iterator[str]:
        """The first folder in `home` that nobody uses, for as long as the attempt lasts.

        This process alone drives the run, and what a driver before it left is ended by now.
        """
        places = (f"{home}/{number}" for number in itertools.count())
        place = next(each for each in places if each not in self._in_use) if home else ""
        self._in_use.add(place)
        try:
            yield place
        finally:
            self._in_use.discard(place)

    async def _run(
        self,
        host: Host,
        backend: Backend,
        request: AttemptRequest,
        spec: ProcessSpec,
        folder: Path,
    ) -> AttemptResult:
        agent = cast("AgentBackend", backend)
        run = asyncio.ensure_future(host.supervisor.run(spec, folder))
        over = ""
        with contextlib.suppress(asyncio.CancelledError):
            try:
                over = await self._watch(run, agent, request)
            finally:
                await _stop(run)
        outcome = None if run.cancelled() else run.result()
        if outcome is None:
            outcome = host.supervisor.recorded(folder, request.token)
        if outcome is None or outcome.stopped == "cancelled":
            seen = await asyncio.to_thread(self._seen, agent, request)
            if over:
                stopped = AttemptResult(ok=False, cause="budget", message=over)
            else:
                stopped = AttemptResult(ok=False, cause="lost", interrupted=True)
            duration_s = 0.0 if outcome is None else outcome.duration_s
            return _with(stopped, seen, duration_s)
        return await finish(host.conclude(backend, request, outcome))

    def _prepare(self, agent: AgentBackend, request: AttemptRequest) -> None:
        """Do what the end of the first attempt would wait for, while that attempt is at work.

        What fails here is met again where it matters.
        """
        with contextlib.suppress(OrchestrateError, OSError):
            prepare()
            agent.status()  # finds out the version of the program, once
            if request.assignee is not None:
                self._pricing(Usage(), request.assignee)  # reads the table

    def lost(
        self, backend: Backend, request: AttemptRequest, outcome: ProcessOutcome | None
    ) -> AttemptResult:
        """What can be told of an attempt whose driver died before it ended."""
        duration_s = 0.0 if outcome is None else outcome.duration_s
        if not (Path(request.folder) / "stdout.log").exists():
            # It was granted its slot and no more.
            seen = Observed(usage=Usage(cost_usd=0.0, cost_source="reported"))
        else:
            seen = self._seen(cast("AgentBackend", backend), request)
            if outcome is None:
                # Nobody measured it: of a budget of time, all it may have taken is gone.
                duration_s = request.cap.time_s or 0.0
        message = "its driver died, and it left no outcome"
        return _with(AttemptResult(ok=False, cause="lost", message=message), seen, duration_s)

    def judged(
        self,
        backend: Backend,
        request: AttemptRequest,
        result: AttemptResult,
        outcome: ProcessOutcome,
    ) -> AttemptResult:
        """`result` with its account settled and its answer judged."""
        if result.usage is None:
            # The backend was not asked: it was stopped. A session that it calls over stays over.
            seen = self._seen(cast("AgentBackend", backend), request)
            result = msgspec.structs.replace(result, usage=seen.usage, session=seen.session)
        assert request.assignee is not None
        if result.usage is not None:
            usage = self._pricing(result.usage, request.assignee)
            result = msgspec.structs.replace(result, usage=usage)
        result = msgspec.structs.replace(
            result,
            session=_placed(result.session, request),
            handed_on=estimated_tokens(handed_on(compose(request))),
        )
        capped = request.cap.time_s is not None and request.cap.time_s < request.timeout_s
        if outcome.stopped == "timeout" and capped:
            message = f"it used up its time of {request.cap.time_s:g} s and was stopped"
            return msgspec.structs.replace(result, cause="budget", message=message)
        return judge(request, result) if result.ok else result

    # -- while it runs -------------------------------------------------------------------------

    async def _watch(
        self, run: asyncio.Future[ProcessOutcome], agent: AgentBackend, request: AttemptRequest
    ) -> str:
        """Wait until `run` has ended, or is to be stopped; then why, in words."""
        if not self._prepared:
            self._prepared = True
            await asyncio.to_thread(self._prepare, agent, request)
        while not run.done():
            await asyncio.wait({run}, timeout=WATCH_S)
            over = "" if run.done() else await asyncio.to_thread(self._excess, agent, request)
            if over:
                return over
        return ""

    def _excess(self, agent: AgentBackend, request: AttemptRequest) -> str:
        """What the attempt has more of than it may, in words; empty while it is within its cap."""
        cap = request.cap
        if (agent.hard_cost or cap.cost_usd is None) and cap.tokens is None and cap.turns is None:
            return ""
        usage = self._seen(agent, request).usage
        if usage is None:
            return ""
        for used, limit, unit in (
            (None if agent.hard_cost else usage.cost_usd, cap.cost_usd, "USD"),
            (usage.tokens, cap.tokens, "tokens"),
            (usage.turns, cap.turns, "model calls"),
        ):
            if used is not None and limit is not None and used > limit:
                return f"it used {used:g} {unit} where {limit:g} were left, and was stopped (soft)"
        return ""

    def _seen(self, agent: AgentBackend, request: AttemptRequest) -> Observed:
        seen = agent.observed(request)
        usage = seen.usage
        if usage is not None and request.assignee is not None:
            usage = self._pricing(usage, request.assignee)
        return Observed(usage=usage, session=_placed(seen.session, request))

    @contextlib.asynccontextmanager
    async def _permit(
        self, request: AttemptRequest
    ) -> AsyncIterator[Callable[[AttemptResult], None]]:
        """A permit of the provider's gate, given back with what the attempt met there."""
        provider = request.assignee.provider if request.assignee is not None else ""
        ended: list[AttemptResult] = []
        if not provider:
            yield ended.append
            return
        gate = self._gate()
        await gate.enter(provider, request.token)
        try:
            yield ended.append
        finally:
            result = ended[0] if ended else AttemptResult(ok=False)
            limited = result.cause == "rate_limit"
            answered = result.usage is not None and result.usage.tokens > 0
            # What cannot be given back ends with this process; the result is worth more.
            with contextlib.suppress(StoreError):
                gate.leave(
                    provider,
                    request.token,
                    limited=limited,
                    retry_after_s=result.retry_after_s if limited else None,
                    served=result.ok or answered,
                )


async def _stop(run: asyncio.Future[ProcessOutcome]) -> None:
    """End `run` if it goes on, and wait for that however often the caller is cancelled."""
    run.cancel()
    while not run.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({run})


async def finish(work: Coroutine[None, None, AttemptResult]) -> AttemptResult:
    """Await `work` to its end although the caller is cancelled: its process has ended already."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()


def _with(result: AttemptResult, seen: Observed, duration_s: float) -> AttemptResult:
    return msgspec.structs.replace(
        result, usage=seen.usage, session=seen.session, duration_s=duration_s
    )


def _placed(session: AgentSession | None, request: AttemptRequest) -> AgentSession | None:
    """`session` with the workspace it takes place in."""
    if session is None or not request.base:
        return session
    before = request.session
    return msgspec.structs.replace(
        session,
        workspace=before.workspace if before is not None else request.key.folder,
        base=before.base if before is not None else request.base,
    )
