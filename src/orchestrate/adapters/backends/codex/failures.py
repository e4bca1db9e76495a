"""Why a turn failed: the program's own word for it, else what the message says."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.failure import provider_failure, status_in, wait_in
from orchestrate.core.planning.definition import FailureCause

#: The program's words that stand for one cause whatever is said with them.
_WORDS: dict[str, FailureCause] = {
    "context_window_exceeded": "bad_request",
    "bad_request": "bad_request",
    "server_overloaded": "provider",
    "internal_server_error": "provider",
    "rate_limit_exceeded": "rate_limit",
    "unauthorized": "login",
    "cyber_policy": "refusal",
    "sandbox_error": "unavailable",
}
_REFUSED = re.compile(r"flagged|usage polic", re.IGNORECASE)
_NO_LOGIN = re.compile(
    r"missing environment variable|not logged in|log ?in again|sign in|refresh token|unauthorized",
    re.IGNORECASE,
)
#: A request the provider did not accept is told as the provider's own answer.
_ANSWER = re.compile(r"^\s*\{")
_LIMIT = re.compile(r"usage limit", re.IGNORECASE)
_TOO_FAST = re.compile(r"rate limit", re.IGNORECASE)
_USED_UP = re.compile(r"quota exceeded|upgrade to plus", re.IGNORECASE)
_AT = re.compile(r"try again at (?:(\w{3}) (\d+)\w\w, (\d{4}) )?(\d+:\d\d [AP]M)", re.IGNORECASE)


class Failure(msgspec.Struct, frozen=True):
    """A cause, what to say, and for how long the provider asked to wait."""

    cause: FailureCause
    message: str
    retry_after_s: float | None = None


def failure(word: Any, message: str, now: datetime) -> Failure:
    """`word` is the program's (a name, or a name with details); None if it was not to be read.

    `now` is when it failed, in the local time that the program tells a time of day in.
    """
    text = _inner(message)
    wait = _wait(text, now)
    if isinstance(word, dict):
        details = next(iter(word.values()), None)
        status = details.get("http_status_code") if isinstance(details, dict) else None
        return Failure(provider_failure(status, text), text, wait)
    cause = _WORDS.get(word) if isinstance(word, str) else None
    if cause is None:
        cause = _cause(word, message, text)
    return Failure(cause, text, wait if cause == "rate_limit" else None)


def _cause(word: Any, message: str, text: str) -> FailureCause:
    """The cause by what is said, where the program's word leaves it open or was not to be read."""
    answered = word == "invalid_prompt" or bool(_ANSWER.match(message))
    if _LIMIT.search(text) or (word is None and _TOO_FAST.search(text)):
        return "rate_limit"
    # Nobody's waiting brings back a quota, or a plan that has this program in it.
    if word == "usage_limit_exceeded" or _USED_UP.search(text) or _NO_LOGIN.search(text):
        return "login"
    if (answered or word is None) and _REFUSED.search(text):
        return "refusal"
    return "bad_request" if answered else provider_failure(status_in(text), text)


def _inner(message: str) -> str:
    """The text inside a provider's JSON answer, or the message as it is."""
    if not _ANSWER.match(message):
        return message
    try:
        error = msgspec.json.decode(message).get("error")
    except (msgspec.DecodeError, AttributeError):
        return message
    return str(error.get("message") or message) if isinstance(error, dict) else message


def _wait(text: str, now: datetime) -> float | None:
    """Seconds until a time of day that is named, or that are named themselves."""
    found = _AT.search(text)
    if found is None:
        return wait_in(text)
    month, day, year, time = found.groups()
    try:
        if month:
            then = datetime.strptime(f"{month} {day} {year} {time}", "%b %d %Y %I:%M %p")
        else:
            clock = datetime.strptime(time, "%I:%M %p")
            then = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            # Told to the minute: a time that has just passed is now, one long past is tomorrow's.
            then += timedelta(days=1 if now - then > timedelta(hours=1) else 0)
    except ValueError:
        return None
    return max(0.0, (then - now.replace(tzinfo=None)).total_seconds())
