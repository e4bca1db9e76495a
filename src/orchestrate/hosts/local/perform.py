"""Performing an attempt as a supervised process.

Everything about an attempt lies in its folder: `request.json`, `stdout.log`, `stderr.log`,
`outputs/`, and the supervisor's `outcome.json`, written durably before anybody is told. That file
is the journal of effects: a driver that comes back after a crash finds there what was finished, and
only what has no outcome runs again.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.core.agents.script import ACCOUNT
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.work import Work
from orchestrate.errors import AgentError, InternalError, OrchestrateError, RequestError
from orchestrate.hosts.local.agent_care import AgentCare, finish
from orchestrate.hosts.local.attempt_folder import (
    changed_artifact,
    collect_outputs,
    prepare_folder,
)
from orchestrate.ports.performer import AttemptRequest, AttemptResult, Backend
from orchestrate.ports.process import ProcessOutcome, Supervisor
from orchestrate.ports.workspace import WorkspaceRequest, Workspaces

#: Characters of a commit's subject; longer ones are cut by most tools that show them.
SUBJECT_LENGTH = 100

#: Shorter values occur by chance.
SHORTEST_KEY = 8

_STOPPED: dict[str, tuple[FailureCause, str]] = {
    "timeout": ("timeout", "it ran past its time-out and was stopped"),
    "output_limit": ("output_limit", "it printed more than it may and was stopped"),
}


class ProcessPerformer:
    """Performs attempts through backends that run processes."""

    def __init__(
        self,
        supervisor: Supervisor,
        backends: Mapping[str, Backend],
        workspaces: Workspaces | None = None,
        care: AgentCare | None = None,
    ) -> None:
        """`workspaces` is needed for attempts that start from a commit, `care` for agents."""
        self._supervisor = supervisor
        self._backends = backends
        self._workspaces = workspaces
        self._care = care

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        """See Performer. What ended by itself before it could be stopped has a result."""
        backend = self._backend(request)
        changed = await asyncio.to_thread(changed_artifact, request)
        if changed:
            return AttemptResult(ok=False, cause="bad_output", message=changed)
        request = await self._settled_in(request)
        if request.assignee is not None:
            return await self._cared_for.perform(self, backend, request)
        folder = prepare_folder(request)
        spec = backend.spec(request)
        try:
            outcome = await self._supervisor.run(spec, folder)
        except asyncio.CancelledError:
            found = self._supervisor.recorded(folder, request.token)
            if found is None or found.stopped:
                raise
            outcome = found
        return await finish(self.conclude(backend, request, outcome))

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        """See Performer."""
        await asyncio.to_thread(self._supervisor.sweep, frozenset({request.token}))
        outcome = self._supervisor.recorded(Path(request.folder), request.token)
        if outcome is None or outcome.given_up:
            if request.assignee is None:
                return None
            backend = self._backend(request)
            return await asyncio.to_thread(self._cared_for.lost, backend, request, outcome)
        request = await self._found_again(request)
        result = await self.conclude(self._backend(request), request, outcome)
        return msgspec.structs.replace(result, recovered=True)

    @property
    def supervisor(self) -> Supervisor:
        """What runs the processes."""
        return self._supervisor

    @property
    def _cared_for(self) -> AgentCare:
        if self._care is None:
            raise InternalError("an agent was to perform an attempt, and nobody looks after agents")
        return self._care

    # -- workspaces ----------------------------------------------------------------------------

    async def _settled_in(self, request: AttemptRequest) -> AttemptRequest:
        """The request with a workspace of its own, if it starts from a commit."""
        if not request.base:
            if request.writes or request.assignee is not None:
                what = "writes" if request.writes else "is for an agent"
                raise AgentError(
                    f"task {request.key.task} {what}, and this run has no integration line",
                    remedy="begin a new run in a repository that workspaces can be made of",
                )
            return request
        if request.session is not None:
            kept = await asyncio.to_thread(self._bench.open, workspace_request(request))
            if kept is not None:
                return msgspec.structs.replace(request, workspace=kept.folder)
            # What the conversation is about is gone; whoever begins anew needs no half of it.
            request = msgspec.structs.replace(request, session=None)
        workspace = await asyncio.to_thread(self._bench.prepare, workspace_request(request))
        return msgspec.structs.replace(
            request, workspace=workspace.folder, conflicts=workspace.conflicts
        )

    async def _found_again(self, request: AttemptRequest) -> AttemptRequest:
        if not request.base:
            return request
        workspace = await asyncio.to_thread(self._bench.open, workspace_request(request))
        if workspace is None and request.session is not None:
            request = msgspec.structs.replace(request, session=None)
            workspace = await asyncio.to_thread(self._bench.open, workspace_request(request))
        return msgspec.structs.replace(request, workspace=workspace.folder if workspace else "")

    async def _deliver(self, request: AttemptRequest, result: AttemptResult, at: float) -> Work:
        """What changed in the workspace, as work. Raises RequestError if that is no commit."""
        workspace = None
        if request.workspace:
            workspace = await asyncio.to_thread(self._bench.open, workspace_request(request))
        if workspace is None:
            raise RequestError(f"the workspace of {request.key.folder} is gone")
        work = await asyncio.to_thread(
            self._bench.collect, workspace, _message(request, result), at
        )
        if work is None:
            return Work(commit="", base=request.base, tree="")
        if request.assignee is not None:
            await asyncio.to_thread(self._require_no_key, request, work)
        return msgspec.structs.replace(work, proofs=result.proofs)

    def _require_no_key(self, request: AttemptRequest, work: Work) -> None:
        """Raises RequestError if a file of `work` holds a key the agent's program was given."""
        try:
            secrets = self._backend(request).spec(request).secrets
        except AgentError:
            return  # the login is gone meanwhile, and with it what could be looked for
        keys = [secret.encode() for secret in secrets if len(secret) >= SHORTEST_KEY]
        for path in work.paths if keys else ():
            data = self._bench.file(work.commit, path) or b""
            if any(key in data for key in keys):
                raise RequestError(
                    f"{path} holds a key of the user's, by which the model is reached; take it out,"
                    " from commits of yours as well"
                )

    @property
    def _bench(self) -> Workspaces:
        if self._workspaces is None:
            raise InternalError("an attempt was to work in a workspace, and there are none")
        return self._workspaces

    def _backend(self, request: AttemptRequest) -> Backend:
        backend = self._backends.get(request.backend)
        if backend is None:
            raise AgentError(
                f"task {request.key.task} asks for the backend {request.backend!r},"
                f" and there is none of that name (known: {', '.join(sorted(self._backends))})"
            )
        return backend

    # -- what came of it -----------------------------------------------------------------------

    async def conclude(
        self, backend: Backend, request: AttemptRequest, outcome: ProcessOutcome
    ) -> AttemptResult:
        """The result of an attempt whose process has ended."""
        await asyncio.to_thread(shutil.rmtree, request.scratch_dir, True)
        result = self._judge(backend, request, outcome)
        result = msgspec.structs.replace(
            result, duration_s=outcome.duration_s, exit_code=outcome.exit_code
        )
        if request.assignee is not None:
            result = await asyncio.to_thread(
                self._cared_for.judged, backend, request, result, outcome
            )
        if not result.ok:
            return result
        try:
            return await self._collected(request, result, outcome)
        except (OrchestrateError, OSError) as error:
            # What it consumed is told, whatever becomes of what it left.
            return msgspec.structs.replace(
                result, ok=False, cause="unavailable", message=str(error)
            )

    async def _collected(
        self, request: AttemptRequest, result: AttemptResult, outcome: ProcessOutcome
    ) -> AttemptResult:
        """`result` of an attempt that ended well, with its outputs and its work."""
        artifacts, problem = await asyncio.to_thread(collect_outputs, request)
        if problem:
            return msgspec.structs.replace(
                result, ok=False, cause="missing_output", message=problem
            )
        result = msgspec.structs.replace(result, artifacts=artifacts)
        if not request.writes or not request.base:
            return result
        return await self._with_work(request, result, outcome)

    async def _with_work(
        self, request: AttemptRequest, result: AttemptResult, outcome: ProcessOutcome
    ) -> AttemptResult:
        try:
            # The time is that of the process, so that whoever repeats this gets the same commit.
            work = await self._deliver(request, result, outcome.started_at + outcome.duration_s)
        except RequestError as error:
            return msgspec.structs.replace(
                result, ok=False, cause="bad_output", message=error.message
            )
        if work.commit:
            return msgspec.structs.replace(result, work=work)
        if not request.must_change:
            return result
        cause: FailureCause = "denied" if result.denials else "empty_diff"
        message = "it ended well and changed nothing, where a change was its task"
        if result.denials:
            tools = ", ".join(dict.fromkeys(denial.tool for denial in result.denials))
            message += f"; it was not allowed: {tools}"
        return msgspec.structs.replace(result, ok=False, cause=cause, message=message)

    def _judge(
        self, backend: Backend, request: AttemptRequest, outcome: ProcessOutcome
    ) -> AttemptResult:
        if outcome.error:
            return AttemptResult(ok=False, cause="crash", message=outcome.error)
        if outcome.stopped in _STOPPED:
            cause, message = _STOPPED[outcome.stopped]
            return AttemptResult(ok=False, cause=cause, message=message)
        if outcome.stopped:
            return AttemptResult(ok=False, cause="crash", message=f"stopped: {outcome.stopped}")
        if outcome.signal is not None:
            return AttemptResult(
                ok=False, cause="crash", message=f"it was killed by signal {outcome.signal}"
            )
        return backend.parse(request, outcome)


def workspace_request(request: AttemptRequest) -> WorkspaceRequest:
    """Which workspace an attempt works in: that of the conversation it goes on with, or its own."""
    session = request.session
    if session is not None and session.workspace:
        return WorkspaceRequest(
            run=request.key.run,
            name=session.workspace,
            base=session.base,
            snapshot=request.snapshot,
            sparse=request.sparse,
        )
    return WorkspaceRequest(
        run=request.key.run,
        name=request.key.folder,
        base=request.base,
        snapshot=request.snapshot,
        merging=request.merging,
        sparse=request.sparse,
    )


def _message(request: AttemptRequest, result: AttemptResult) -> str:
    """The commit message of an attempt's work: what it was about, and who did it."""
    task = request.key.task
    title = str(request.item.get("title", "")) or ": ".join(filter(None, (task, result.summary)))
    subject = " ".join(title.split())[:SUBJECT_LENGTH]
    lines = [f"Task: {task}", f"Attempt: {request.key.number}", f"Run: {request.key.run}"]
    if request.assignee is not None and request.assignee.script:
        lines.append(f"Done-by: {ACCOUNT}")
    return "\n".join([subject, "", *lines, ""])
