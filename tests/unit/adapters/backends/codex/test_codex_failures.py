"""Causes and waits, from what the program says."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestrate.adapters.backends.codex.failures import failure

NOW = datetime(2026, 11, 21, 19, 25, 30)
LIMIT = "You’ve hit your usage limit. Upgrade to Pro (https://example.org) or try again at {}."


@pytest.mark.parametrize(
    ("at", "wait_s"),
    [
        ("9:25 PM", 7170.0),
        ("7:26 PM", 30.0),
        ("7:25 PM", 0.0),
        ("1:05 AM", 20370.0),
        ("Nov 26th, 2026 7:25 PM", 5 * 86400 - 30.0),
        ("Dec 1st, 2026 12:00 AM", 794070.0),
    ],
)
def test_a_used_up_allowance_is_waited_for_until_it_is_back(at: str, wait_s: float) -> None:
    found = failure("usage_limit_exceeded", LIMIT.format(at), NOW)
    assert (found.cause, found.retry_after_s) == ("rate_limit", wait_s)


def test_a_limit_without_a_time_is_one_all_the_same() -> None:
    found = failure("usage_limit_exceeded", "You've hit your usage limit.", NOW)
    assert (found.cause, found.retry_after_s) == ("rate_limit", None)


@pytest.mark.parametrize(
    ("word", "message", "cause"),
    [
        ({"http_connection_failed": {"http_status_code": 403}}, "Forbidden", "login"),
        ({"http_connection_failed": {"http_status_code": None}}, "Connection failed", "provider"),
        ({"response_stream_disconnected": {"http_status_code": 502}}, "x", "provider"),
        ({"response_too_many_failed_attempts": {"http_status_code": 429}}, "x", "rate_limit"),
        ({"something_new": 3}, "nobody knows", "provider"),
        ("server_overloaded", "Selected model is at capacity.", "provider"),
        ("unauthorized", "x", "login"),
        ("usage_limit_exceeded", "To use Codex with your ChatGPT plan, upgrade to Plus", "login"),
        ("invalid_prompt", "Invalid prompt: empty", "bad_request"),
        ("cyber_policy", "x", "refusal"),
        ("other", '{"error": {"message": "flagged by our usage policies"}}', "refusal"),
        ("other", '{"error": "no such thing"}', "bad_request"),
        ("other", '{"detail": "Bad Request"}', "bad_request"),
        ("other", "{ not json", "bad_request"),
        (None, "Missing environment variable: `K`.", "login"),
        (None, "unexpected status 404 Not Found: url: http://x", "bad_request"),
        (None, "unexpected status 503 Service Unavailable: url: http://x", "provider"),
    ],
)
def test_each_word_and_message_has_a_cause(word: object, message: str, cause: str) -> None:
    assert failure(word, message, NOW).cause == cause


def test_the_message_of_the_provider_is_told_without_its_wrapping() -> None:
    assert failure("other", '{"error": {"message": "no such model"}}', NOW).message == (
        "no such model"
    )
