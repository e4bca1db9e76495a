"""How an attempt ended, from what the program printed and wrote down."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.lines import shortened, tail
from orchestrate.adapters.backends.codex.answer_schema import without_nulls
from orchestrate.adapters.backends.codex.denials import broken_sandbox, denials
from orchestrate.adapters.backends.codex.events import Told
from orchestrate.adapters.backends.codex.failures import Failure, failure
from orchestrate.adapters.backends.codex.rollout import Rollout
from orchestrate.adapters.backends.codex.sandbox import may_write
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome

_STOPPED: dict[str, tuple[FailureCause, str]] = {
    "timeout": ("timeout", "stopped at its time limit"),
    "output_limit": ("output_limit", "stopped for printing too much"),
    "cancelled": ("lost", "cancelled"),
    "driver_gone": ("lost", "stopped because its driver had gone"),
}
#: The program's word for a thread that has no room for another call.
_FULL = "context_window_exceeded"
#: Said on stderr when the program ends before its first turn.
_UNAVAILABLE = ("required MCP servers failed", "Error loading config", "error loading config")


class Ended(msgspec.Struct, frozen=True):
    """All there is to judge by; `at` is when it ended, in local time."""

    request: AttemptRequest
    outcome: ProcessOutcome
    said: Told
    rollout: Rollout
    at: datetime


def judge(ended: Ended) -> AttemptResult:
    """The result, without what is known whatever the end was (usage, session, duration)."""
    found = _failure(ended)
    refused = denials(ended.said, ended.rollout, Path(ended.request.folder, "stderr.log"))
    if found is not None:
        return AttemptResult(
            ok=False,
            cause=found.cause,
            message=shortened(found.message),
            denials=refused,
            retry_after_s=found.retry_after_s,
        )
    if refused and ended.request.must_change and not _writes(ended.request):
        message = f"it may not write, and its task was to change something: {refused[0].detail}"
        return AttemptResult(ok=False, cause="denied", message=shortened(message), denials=refused)
    return msgspec.structs.replace(_answered(ended), denials=refused)


def consumed(
    request: AttemptRequest, thread: str, rollout: Rollout, told: Usage | None
) -> Usage | None:
    """What the attempt used; None if it did not get as far as a thread.

    `told` is the whole thread's usage as the program told it at the end of the turn, None while it
    has not: then at least this much was used. Were the rollout file gone, what was told would be
    known in sum only once a session has been gone on with; it counts as input then.
    """
    if not thread:
        return None
    before = _before(request, thread)
    usage = rollout.since(before)
    if rollout.calls or told is None:
        return msgspec.structs.replace(usage, complete=told is not None)
    if not before:
        return told
    return Usage(input_tokens=max(0, told.tokens - before), complete=False)


def session(
    request: AttemptRequest, thread: str, rollout: Rollout, usage: Usage | None
) -> AgentSession | None:
    """The session to go on with, and what is accounted for in it; None once it is full."""
    if not rollout.kept or (rollout.failure and rollout.failure[0] == _FULL):
        return None
    tokens = _before(request, thread) + (usage.tokens if usage else 0)
    return AgentSession(
        id=thread,
        backend="codex",
        workspace=request.key.folder if request.workspace else "",
        base=request.base,
        tokens=tokens,
    )


def _before(request: AttemptRequest, thread: str) -> int:
    """Tokens of the thread that earlier attempts account for."""
    gone_on = request.session is not None and request.session.id == thread
    return request.session.tokens if request.session and gone_on else 0


def _writes(request: AttemptRequest) -> bool:
    return may_write(request.permissions, writes=request.writes)


def _failure(ended: Ended) -> Failure | None:
    outcome, said = ended.outcome, ended.said
    if outcome.error:
        return Failure("crash", f"could not be started: {outcome.error}")
    if outcome.stopped:
        cause, text = _STOPPED.get(outcome.stopped, ("crash", f"stopped: {outcome.stopped}"))
        return Failure(cause, f"{text}; last it said: {said.notice}" if said.notice else text)
    if outcome.signal is not None:
        return Failure("crash", f"killed by {_signal_name(outcome.signal)}")
    if said.end == "failed":
        word, message = ended.rollout.failure or (None, "")
        return failure(word if message == said.notice else None, said.notice, ended.at)
    if said.end == "completed" and outcome.exit_code == 0:
        broken = broken_sandbox(ended.rollout)
        return Failure("unavailable", f"no command could be run: {broken}") if broken else None
    return _unfinished(ended)


def _unfinished(ended: Ended) -> Failure:
    """It ended by itself and never said that its turn was complete, or contradicts that."""
    code, said = ended.outcome.exit_code, ended.said
    if said.end == "completed":
        return Failure("exit", f"it said that it was done and ended with exit code {code}")
    errors = [line for line in tail(Path(ended.request.folder, "stderr.log")) if "rror" in line]
    reason = said.notice or (errors[-1] if errors else "")
    if any(sign in reason for sign in _UNAVAILABLE):
        return Failure("unavailable", reason)
    text = f"ended with exit code {code} and without completing its turn"
    return Failure("crash", f"{text}: {reason}" if reason else text)


def _answered(ended: Ended) -> AttemptResult:
    """The result of a turn that was completed."""
    text = ended.said.answer
    if text is None:
        # The program drops a model's refusal without a word, and no other case is known.
        message = "the model ended its turn without an answer, as it does when it declines"
        return AttemptResult(ok=False, cause="refusal", message=message)
    schema = ended.request.answer_schema
    if not schema:
        return AttemptResult(ok=True, summary=shortened(text))
    answer = _object(text)
    if answer is None:
        message = f"its answer is not the JSON object that was asked for: {text}"
        return AttemptResult(ok=False, cause="bad_output", message=shortened(message))
    whole: dict[str, Any] = without_nulls(answer, schema)
    summary = whole.get("summary")
    return AttemptResult(ok=True, summary=summary if isinstance(summary, str) else "", answer=whole)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
