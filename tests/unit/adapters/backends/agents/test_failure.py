"""Failures of providers, told apart."""

from __future__ import annotations

import pytest

from orchestrate.adapters.backends.agents.failure import provider_failure, status_in, wait_in
from orchestrate.core.planning.definition import FailureCause


@pytest.mark.parametrize(
    ("status", "message", "cause"),
    [
        (400, "", "bad_request"),
        (401, "", "login"),
        (402, "", "login"),
        (403, "", "login"),
        (404, "", "bad_request"),
        (408, "", "provider"),
        (413, "", "bad_request"),
        (422, "", "bad_request"),
        (429, "", "rate_limit"),
        (500, "", "provider"),
        (503, "", "provider"),
        (529, "", "provider"),
        (None, "connection refused", "provider"),
        (429, "You exceeded your current quota: insufficient_quota", "login"),
        (400, "Your credit balance is too low to access the API", "login"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "bad_request"),
        (None, "context_length_exceeded", "bad_request"),
        (400, "Overloaded", "provider"),
    ],
)
def test_cause_of_a_failed_call(status: int | None, message: str, cause: FailureCause) -> None:
    assert provider_failure(status, message) == cause


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("API Error: 429 too many", 429),
        ("unexpected status 503 Service Unavailable", 503),
        ("HTTP/1.1 500 Internal", 500),
        ("error (401)", 401),
        ("wrote 429 lines", None),
        ("error 4290", None),
        ("", None),
    ],
)
def test_status_named_by_a_message(message: str, status: int | None) -> None:
    assert status_in(message) == status


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Retry after 20 seconds", 20.0),
        ("Please try again in 1.2s.", 1.2),
        ("try again in 350ms", 0.35),
        ("try again in 6m0s", 360.0),
        ("try again in 1h 30m", 5400.0),
        ("Try again in 3 days, 4 hours and 2 minutes.", 273720.0),
        ("retry-after: 7", 7.0),
        ("try again later", None),
        ("waited 5 s", None),
        ("", None),
    ],
)
def test_wait_named_by_a_message(message: str, seconds: float | None) -> None:
    assert wait_in(message) == (None if seconds is None else pytest.approx(seconds))
