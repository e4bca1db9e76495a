"""What became of an attempt, from what Claude Code said and how it ended.

A result may say `success` and be an error, and a run that was interrupted exits with 0: an attempt
went well only if its last result says success, is no error, and the exit code is 0.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.failure import provider_failure, wait_in
from orchestrate.adapters.backends.agents.lines import shortened
from orchestrate.adapters.backends.claude.stream import Stream, amount, mapping, parts, text
from orchestrate.adapters.backends.claude.tools import CHANGING
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.usage import Denial
from orchestrate.ports.performer import AttemptRequest

#: Denials of one attempt that are kept: an agent can try the same thing without end.
MOST_DENIALS = 20

#: What results that are errors call themselves, besides errors of the provider.
_SUBTYPES: dict[str, FailureCause] = {
    "error_max_turns": "budget",
    "error_max_budget_usd": "budget",
    "error_max_structured_output_retries": "bad_output",
    "error_during_execution": "crash",
}
#: What the program calls errors of the provider that come without a status.
_ERRORS: dict[str, FailureCause] = {
    "authentication_failed": "login",
    "oauth_org_not_allowed": "login",
    "account_on_hold": "login",
    "verification_required": "login",
    "billing_error": "login",
    "cloud_credential_error": "login",
    "rate_limit": "rate_limit",
    "overloaded": "provider",
    "server_error": "provider",
    "model_not_found": "bad_request",
    "invalid_request": "bad_request",
}
_GONE = re.compile(r"no conversation found", re.IGNORECASE)
_LIMIT = re.compile(r"you've (?:hit|reached) your .*limit|usage limit", re.IGNORECASE)


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt failed. `session_over`: nobody can go on with its session."""

    cause: FailureCause
    message: str
    retry_after_s: float | None = None
    session_over: bool = False


def failure(
    request: AttemptRequest, stream: Stream, exit_code: int | None, said: str, now: float
) -> Failure | None:
    """Why the attempt failed; None if it went well.

    Args:
        exit_code: of the program, which ended by itself.
        said: what it wrote to stderr last.
        now: when it ended, in seconds since 1970; limits are told with the time they end.
    """
    broken = _broken_server(stream)
    if broken:
        return Failure("unavailable", f"the MCP server {broken} could not be started")
    result = stream.result
    if not result:
        ended = f"exit code {exit_code}" + (f": {said}" if said else "")
        return Failure("crash", f"it ended without a result, with {ended}")
    if text(result.get("stop_reason")) == "refusal":
        return Failure("refusal", shortened(_words(stream)), session_over=True)
    if result.get("is_error") is not False or result.get("subtype") != "success":
        return _error(stream, now)
    if exit_code != 0:
        ended = f"exit code {exit_code}" + (f": {said}" if said else "")
        return Failure("exit", f"it said success and ended with {ended}")
    return _unfinished(request, stream)


def denials(stream: Stream) -> tuple[Denial, ...]:
    """The uses of tools that were denied, each once, with what it was about."""
    listed = [mapping(each) for result in stream.results for each in _denied(result)]
    found = (
        Denial(text(each.get("tool_name")), _about(mapping(each.get("tool_input"))))
        for each in listed
    )
    return tuple(dict.fromkeys(found))[:MOST_DENIALS]


def answer(stream: Stream) -> dict[str, Any] | None:
    """The structured answer as the agent gave it."""
    found = stream.result.get("structured_output")
    return found if isinstance(found, dict) else None


def _unfinished(request: AttemptRequest, stream: Stream) -> Failure | None:
    """Why a run that ended well is no success: the answer is missing, or its hands were tied.

    A denied use counts only if nothing that changes or runs anything ever succeeded: agents try
    what they may not and then find a way that they may.
    """
    missing = bool(request.answer_schema) and answer(stream) is None
    denied = [each for each in denials(stream) if each.tool in CHANGING]
    if denied and not stream.succeeded & CHANGING and (missing or request.must_change):
        listed = ", ".join(dict.fromkeys(f"{each.tool} {each.detail}" for each in denied))
        return Failure("denied", shortened(f"it was not allowed: {listed}"))
    if missing:
        return Failure("bad_output", "it gave no structured answer")
    return None


def _error(stream: Stream, now: float) -> Failure:
    result = stream.result
    said = shortened(_words(stream)) or text(result.get("subtype")) or "it gave no reason"
    cause = _SUBTYPES.get(text(result.get("subtype")))
    if cause is not None:
        return Failure(cause, said, session_over=bool(_GONE.search(said)))
    status = result.get("api_error_status")
    kind = text(stream.error.get("error"))
    if status in (None, 429) and _limited(stream, said):
        cause = "rate_limit"
    elif isinstance(status, int):
        cause = "login" if kind == "billing_error" else provider_failure(status, said)
    elif text(result.get("terminal_reason")) == "prompt_too_long":
        cause = "bad_request"
    else:
        cause = _ERRORS.get(kind) or provider_failure(None, said)
    over = text(result.get("terminal_reason")) == "prompt_too_long"
    wait = _wait(stream, said, now) if cause in ("rate_limit", "provider") else None
    return Failure(cause, said, wait, session_over=over)


def _limited(stream: Stream, said: str) -> bool:
    return stream.limit.get("status") == "rejected" or bool(_LIMIT.search(said))


def _wait(stream: Stream, said: str, now: float) -> float | None:
    """Seconds until it may be tried again, where somebody said so."""
    resets_at = amount(stream.limit.get("resetsAt"))
    if stream.limit.get("status") == "rejected" and resets_at is not None:
        return max(resets_at - now, 0.0)
    told = wait_in(said)
    if told is not None:
        return told
    delay = amount(stream.retry.get("retry_delay_ms"))
    if stream.retry.get("error_status") == 429 and delay is not None:
        return delay / 1000
    return None


def _broken_server(stream: Stream) -> str:
    """The first server of tools that is not there; the program itself goes on without it."""
    listed = stream.init.get("mcp_servers")
    for each in listed if isinstance(listed, list) else []:
        server = mapping(each)
        if text(server.get("status")) not in ("connected", "pending"):
            return text(server.get("name"))
    return ""


def _words(stream: Stream) -> str:
    """What the program says went wrong."""
    errors = stream.result.get("errors")
    listed = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    said = text(stream.result.get("result")) or "; ".join(listed)
    if said:
        return said
    found = (text(part.get("text")) for part in parts(mapping(stream.error.get("message"))))
    return next(filter(None, found), "")


def _denied(result: dict[str, Any]) -> list[Any]:
    listed = result.get("permission_denials")
    return listed if isinstance(listed, list) else []


def _about(uses: dict[str, Any]) -> str:
    """What a use of a tool was about: its command, file or address."""
    for key in ("command", "file_path", "notebook_path", "path", "url", "pattern", "query"):
        if text(uses.get(key)):
            return shortened(text(uses[key]), 200)
    return shortened(msgspec.json.encode(uses).decode(), 200)
