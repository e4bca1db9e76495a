"""Performing an attempt as a supervised process.

Everything about an attempt lies in its folder: `request.json`, `stdout.log`, `stderr.log`,
`outputs/`, and the supervisor's `outcome.json`, written durably before anybody is told. That file
is the journal of effects: a driver that comes back after a crash finds there what was finished, and
only what has no outcome runs again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Coroutine, Mapping
from pathlib import Path

import msgspec

from orchestrate.core.planning.definition import FailureCause, OutputSpec
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.work import Work
from orchestrate.errors import AgentError, InternalError, RequestError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, Backend
from orchestrate.ports.process import ProcessOutcome, Supervisor
from orchestrate.ports.workspace import WorkspaceRequest, Workspaces

#: Characters of a commit's subject; longer ones are cut by most tools that show them.
SUBJECT_LENGTH = 100

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
    ) -> None:
        """`workspaces` is needed for attempts that start from a commit."""
        self._supervisor = supervisor
        self._backends = backends
        self._workspaces = workspaces

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        """See Performer. What ended by itself before it could be stopped has a result."""
        backend = self._backend(request)
        changed = await asyncio.to_thread(_changed_artifact, request)
        if changed:
            return AttemptResult(ok=False, cause="bad_output", message=changed)
        request = await self._settled_in(request)
        folder = prepare_folder(request)
        spec = backend.spec(request)
        try:
            outcome = await self._supervisor.run(spec, folder)
        except asyncio.CancelledError:
            found = self._supervisor.recorded(folder, request.token)
            if found is None or found.stopped:
                raise
            outcome = found
        return await _finish(self._conclude(backend, request, outcome))

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        """See Performer."""
        await asyncio.to_thread(self._supervisor.sweep, frozenset({request.token}))
        outcome = self._supervisor.recorded(Path(request.folder), request.token)
        if outcome is None or outcome.given_up:
            return None
        request = await self._found_again(request)
        result = await self._conclude(self._backend(request), request, outcome)
        return msgspec.structs.replace(result, recovered=True)

    # -- workspaces ----------------------------------------------------------------------------

    async def _settled_in(self, request: AttemptRequest) -> AttemptRequest:
        """The request with a workspace of its own, if it starts from a commit."""
        if not request.base:
            if request.writes:
                raise AgentError(
                    f"task {request.key.task} writes, and this run has no integration line",
                    remedy="begin a new run in a repository that workspaces can be made of",
                )
            return request
        workspace = await asyncio.to_thread(self._bench.prepare, workspace_request(request))
        return msgspec.structs.replace(
            request, workspace=workspace.folder, conflicts=workspace.conflicts
        )

    async def _found_again(self, request: AttemptRequest) -> AttemptRequest:
        if not request.base:
            return request
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
        return msgspec.structs.replace(work, proofs=result.proofs)

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

    async def _conclude(
        self, backend: Backend, request: AttemptRequest, outcome: ProcessOutcome
    ) -> AttemptResult:
        await asyncio.to_thread(shutil.rmtree, request.scratch_dir, True)
        result = self._judge(backend, request, outcome)
        result = msgspec.structs.replace(
            result, duration_s=outcome.duration_s, exit_code=outcome.exit_code
        )
        if not result.ok:
            return result
        artifacts, problem = await asyncio.to_thread(collect_outputs, request)
        if problem:
            return msgspec.structs.replace(
                result, ok=False, cause="missing_output", message=problem
            )
        result = msgspec.structs.replace(result, artifacts=artifacts)
        if not request.writes or not request.base:
            return result
        try:
            # The time is that of the process, so that whoever repeats this gets the same commit.
            work = await self._deliver(request, result, outcome.started_at + outcome.duration_s)
        except RequestError as error:
            return msgspec.structs.replace(
                result, ok=False, cause="bad_output", message=error.message
            )
        return msgspec.structs.replace(result, work=work if work.commit else None)

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
    """Which workspace an attempt works in."""
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
    return f"{subject}\n\nTask: {task}\nAttempt: {request.key.number}\nRun: {request.key.run}\n"


async def _finish(work: Coroutine[None, None, AttemptResult]) -> AttemptResult:
    """Await `work` to its end although the caller is cancelled: its process has ended already."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise
        return await task


def prepare_folder(request: AttemptRequest) -> Path:
    """Make the attempt's folder, private to the user, with the request in it."""
    folder = Path(request.folder)
    for path in (folder, Path(request.outputs_dir), Path(request.scratch_dir)):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / "request.json"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.encode(request))
    return folder


def _changed_artifact(request: AttemptRequest) -> str:
    """Which upstream artifact is not what it was when it was recorded; empty if all are."""
    for artifact in request.artifacts:
        path = Path(artifact.path)
        if not path.is_file():
            return f"output {artifact.name} of task {artifact.task} is gone: {path}"
        if _digest(path) != artifact.digest:
            return f"output {artifact.name} of task {artifact.task} was changed: {path}"
    return ""


def collect_outputs(request: AttemptRequest) -> tuple[tuple[Artifact, ...], str]:
    """Declared outputs as artifacts, made durable; and what is wrong with them, if anything."""
    found: list[Artifact] = []
    root = Path(request.outputs_dir).resolve()
    for output in request.outputs:
        path = root / output.path
        if not path.is_file():
            if output.required:
                return (), f"required output {output.name} is missing: {path}"
            continue
        if not path.resolve().is_relative_to(root):
            return (), f"output {output.name} leads out of the outputs folder: {path}"
        found.append(_artifact(output, path))
        _make_durable(path.parent)
    return tuple(found), ""


def _artifact(output: OutputSpec, path: Path) -> Artifact:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Artifact(
        name=output.name,
        digest=_digest(path),
        size_bytes=path.stat().st_size,
        path=str(path),
        media_type=output.media_type,
    )


def _make_durable(folder: Path) -> None:
    """Entries of `folder`: without this a power cut may take a file whose contents are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
