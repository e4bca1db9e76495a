"""The `local` backend: a specialist is this package run as a supervised process."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.registry import ACTIONS, WRITING_ACTIONS
from orchestrate.adapters.backends.local.toolrun import scrubbed_environment
from orchestrate.core.planning.definition import FailureCause, TaskSpec
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

REQUEST_FILE = "request.json"
RESULT_FILE = "result.json"
MODULE = "orchestrate.adapters.backends.local"
#: The only variables a task's `env:` may add: how to reach a service named by an input.
PASSED_VARIABLES = frozenset(
    name
    for each in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in (each, each.lower())
)

_STOPPED: dict[str, tuple[FailureCause, str]] = {
    "timeout": ("timeout", "stopped at its time limit"),
    "output_limit": ("output_limit", "stopped for printing too much"),
    "cancelled": ("lost", "cancelled"),
    "driver_gone": ("lost", "stopped because its driver had gone"),
}


class LocalBackend:
    """Deterministic specialists; see `registry.ACTIONS` for what they can do."""

    name = "local"

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        if task.action in ACTIONS:
            looks_only = task.writes and task.action not in WRITING_ACTIONS
            return f"it is to write, and {task.action} changes no file" if looks_only else ""
        said = f"no action {task.action!r}" if task.action else "no task without an `action`"
        return f"the local backend has {said}; it has {', '.join(sorted(ACTIONS))}"

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """The specialist's process. It reads `request.json`, which the caller has written.

        Raises:
            AgentError: the local backend has no such action.
        """
        if request.action not in ACTIONS:
            raise AgentError(
                f"task {request.key.task}: the local backend has no action {request.action!r}",
                remedy=f"set `action:` to one of {', '.join(sorted(ACTIONS))}",
            )
        passed = {key: value for key, value in request.env.items() if key in PASSED_VARIABLES}
        return ProcessSpec(
            argv=(sys.executable, "-P", "-m", MODULE, str(Path(request.folder, REQUEST_FILE))),
            cwd=request.scratch_dir,
            env=scrubbed_environment(Path(request.scratch_dir)) | passed,
            token=request.token,
            timeout_s=request.timeout_s,
        )

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """Judge the ended process by its exit and the `result.json` it left."""
        failure = _failure(outcome)
        result = _read_result(Path(request.folder, RESULT_FILE))
        if isinstance(result, AttemptResult) and (failure is None or not result.ok):
            cause = None if result.ok else (result.cause or "exit")
            judged = msgspec.structs.replace(result, cause=cause)
        elif failure is not None:
            judged = AttemptResult(ok=False, cause=failure[0], message=failure[1])
        else:
            cause = "missing_output" if result is None else "bad_output"
            message = "the specialist ended well but " + (
                "left no result.json" if result is None else f"its result.json is damaged: {result}"
            )
            judged = AttemptResult(ok=False, cause=cause, message=message)
        return msgspec.structs.replace(
            judged, exit_code=outcome.exit_code, duration_s=outcome.duration_s
        )


def _failure(outcome: ProcessOutcome) -> tuple[FailureCause, str] | None:
    if outcome.error:
        return "crash", f"could not be started: {outcome.error}"
    if outcome.stopped:
        return _STOPPED.get(outcome.stopped, ("crash", f"stopped: {outcome.stopped}"))
    if outcome.signal is not None:
        return "crash", f"killed by {_signal_name(outcome.signal)}"
    if outcome.exit_code != 0:
        return "exit", f"ended with exit code {outcome.exit_code}; see stderr.log"
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read_result(path: Path) -> AttemptResult | str | None:
    """The result, None when there is none, or what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AttemptResult)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        return str(error)
