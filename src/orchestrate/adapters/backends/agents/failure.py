"""Why a provider did not answer, from the HTTP status and what was said with it."""

from __future__ import annotations

import re

from orchestrate.core.planning.definition import FailureCause

#: Said with several statuses. These pass by nobody's waiting: somebody has to pay or to allow.
_ACCOUNT = re.compile(
    r"insufficient_quota|exceeded your current quota|credit balance is too low"
    r"|billing[_ ](?:error|hard limit|not active)|payment required|out of (?:usage )?credits",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"prompt is too long|context[_ ]length[_ ]exceeded|context[_ ]window|maximum context length"
    r"|input is too long|exceed(?:s|ed)? (?:the )?context",
    re.IGNORECASE,
)
_OVERLOADED = re.compile(r"overloaded|temporarily unavailable|server_is_overloaded", re.IGNORECASE)
_STATUS = re.compile(
    r"(?:api error|status(?: code)?|http(?:/\d(?:\.\d)?)?(?: status)?|error)"
    r"[:=\s(]*([45]\d\d)(?!\d)",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"(?:retry[- ]after|(?:try|retry)(?: it)?(?: again)?(?: in| after)|please wait|wait)[\s:=]*"
    r"((?:\d+(?:\.\d+)?\s*(?:milliseconds?|minutes?|seconds?|hours?|days?|mins?|secs?|hrs?|ms|[smhd])?"
    r"(?![a-z])[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(?!and\b)([a-z]*)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "millisecond": 0.001, "": 1, "s": 1, "sec": 1, "second": 1, "m": 60}
_SECONDS |= {"min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600, "d": 86400, "day": 86400}


def provider_failure(status: int | None, message: str = "") -> FailureCause:
    """The cause of a call that failed. `status` is None where no answer came, or none was told.

    A used-up quota is no rate limit although it is told with the same status: it is *login*, which
    stands for what the account's owner has to settle.
    """
    if _ACCOUNT.search(message) or status in (401, 402, 403):
        return "login"
    if _TOO_LONG.search(message):
        return "bad_request"
    if status == 429:
        return "rate_limit"
    if status in (None, 408, 409, 425) or status >= 500 or _OVERLOADED.search(message):
        return "provider"
    return "bad_request"


def status_in(message: str) -> int | None:
    """The HTTP status of an error that a message names; None if it names none."""
    found = _STATUS.search(message)
    return int(found.group(1)) if found else None


def wait_in(message: str) -> float | None:
    """Seconds that a message says to wait: `retry after 20s`, `try again in 1h 30m`."""
    found = _WAIT.search(message)
    if found is None:
        return None
    parts = _PART.findall(found.group(1).lower())
    return sum(
        float(number) * _SECONDS[unit if len(unit) < 3 else unit.rstrip("s")]
        for number, unit in parts
    )
