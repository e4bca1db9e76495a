"""Verdicts on recorded runs of Claude Code, and on what could come instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.usage import Denial
from tests.unit.adapters.backends.claude_attempts import (
    ANSWER,
    keep_transcript,
    lines,
    parsed,
    request,
)


def test_answer_summary_and_version_of_a_run_that_went_well(tmp_path: Path) -> None:
    result = parsed(request(tmp_path, answer_schema=ANSWER), lines("done"))
    assert (result.ok, result.cause, result.message) == (True, None, "")
    assert result.answer == {"summary": "wrote a.txt"}
    assert result.summary == "wrote a.txt"
    assert result.version == "2.1.329"
    assert result.denials == ()


@pytest.mark.parametrize(
    ("recorded", "exit_code", "cause", "said"),
    [
        ("error-400", 1, "bad_request", "scripted error 400"),
        ("error-401", 1, "login", "authenticate"),
        ("error-403", 1, "login", "authenticate"),
        ("error-404", 1, "bad_request", "claude-sonnet-4-5"),
        ("error-429", 1, "rate_limit", "429"),
        ("error-500", 1, "provider", "500"),
        ("error-529", 1, "provider", "529"),
        ("refused-connection", 1, "provider", "ECONNREFUSED"),
        ("too-long", 1, "bad_request", "too long"),
        ("no-credit", 1, "login", "Credit balance"),
        ("subscription-limit", 1, "rate_limit", "5-hour limit"),
        ("refusal", 1, "refusal", "can't help"),
        ("max-turns", 1, "budget", "turns (2)"),
        ("max-budget", 1, "budget", "$0.05"),
        ("text-only", 0, "bad_output", "structured answer"),
        ("wrong-answer", 1, "bad_output", "5 attempts"),
        ("broken-server", 0, "unavailable", "broken"),
        ("session-gone", 1, "crash", "No conversation found"),
        ("interrupted", 0, "crash", "without a result"),
        ("killed", 1, "crash", "without a result"),
    ],
)
def test_causes_are_told_apart(
    tmp_path: Path, recorded: str, exit_code: int, cause: FailureCause, said: str
) -> None:
    result = parsed(request(tmp_path, answer_schema=ANSWER), lines(recorded), exit_code)
    assert (result.ok, result.cause) == (False, cause)
    assert said in result.message


def test_waits_that_were_told(tmp_path: Path) -> None:
    limited = parsed(request(tmp_path), lines("error-429"), 1)
    assert limited.retry_after_s == pytest.approx(1, abs=0.3)
    subscription = parsed(request(tmp_path), lines("subscription-limit"), 1)
    assert subscription.retry_after_s == 7200
    assert parsed(request(tmp_path), lines("error-500"), 1).retry_after_s is None


@pytest.mark.parametrize("recorded", ["refusal", "too-long", "session-gone"])
def test_session_that_leads_nowhere_is_not_gone_on_with(tmp_path: Path, recorded: str) -> None:
    told = lines(recorded)
    wanted = request(tmp_path)
    keep_transcript(wanted, told[-1]["session_id"], {})
    assert parsed(wanted, told, 1).session is None


def test_success_with_another_exit_code_is_none(tmp_path: Path) -> None:
    result = parsed(request(tmp_path), lines("done"), 3, stderr="cannot write\n")
    assert (result.ok, result.cause) == (False, "exit")
    assert "3: cannot write" in result.message


def test_error_that_calls_itself_success_is_none_whatever_the_exit_code(tmp_path: Path) -> None:
    result = parsed(request(tmp_path), lines("error-400"), 0)
    assert (result.ok, result.cause) == (False, "bad_request")


@pytest.mark.parametrize(
    "change",
    [{"is_error": None}, {"is_error": "false"}, {"subtype": "unheard_of"}, {"subtype": None}],
)
def test_result_that_is_not_clearly_positive_is_none(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    *before, result = lines("done")
    assert not parsed(request(tmp_path), [*before, {**result, **change}]).ok


def test_last_of_two_results_decides(tmp_path: Path) -> None:
    good, bad = lines("done"), lines("error-500")
    assert not parsed(request(tmp_path), [*good, bad[-2], bad[-1]], 1).ok
    assert parsed(request(tmp_path), [*good[:-1], bad[-1], good[-1]]).ok


def test_run_without_output_says_what_was_written_to_stderr(tmp_path: Path) -> None:
    result = parsed(request(tmp_path), b"", 1, stderr="Error: Session ID is already in use.\n")
    assert (result.cause, result.session, result.usage) == ("crash", None, None)
    assert "already in use" in result.message


def test_result_that_was_cut_off_is_none(tmp_path: Path) -> None:
    whole = "".join(json.dumps(line) + "\n" for line in lines("done")).encode()
    for length in range(len(whole) - 2, len(whole) - 60, -7):
        result = parsed(request(tmp_path), whole[:length])
        assert (result.ok, result.cause) == (False, "crash")


def test_noise_between_the_lines_and_long_lines_change_nothing(tmp_path: Path) -> None:
    told = lines("done")
    told[2]["message"]["content"][0]["content"] = "x" * 300_000
    noisy = b"warning\n\xff\xfe\n[]\n" + b"\n{broken\n".join(
        json.dumps(line).encode() + b"\n" for line in told
    )
    result = parsed(request(tmp_path, answer_schema=ANSWER), noisy)
    assert result.ok, result.message


def test_denied_uses_are_listed_with_what_they_were_about(tmp_path: Path) -> None:
    result = parsed(request(tmp_path), lines("denied"))
    assert result.ok
    assert result.denials == (Denial("Write", "/attempts/outside.txt"),)


@pytest.mark.parametrize("changes", [{"must_change": True}, {"answer_schema": ANSWER}])
def test_denied_use_fails_what_had_to_change_or_answer_and_did_not(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    result = parsed(request(tmp_path, **changes), lines("denied"))
    assert (result.ok, result.cause) == (False, "denied")
    assert "Write /attempts/outside.txt" in result.message


def test_denied_use_does_not_fail_a_task_that_found_another_way(tmp_path: Path) -> None:
    *before, result = lines("done")
    denial = {"tool_name": "Bash", "tool_input": {"command": "git push"}}
    told = [*before, {**result, "permission_denials": [denial]}]
    judged = parsed(request(tmp_path, answer_schema=ANSWER, must_change=True), told)
    assert judged.ok
    assert judged.denials == (Denial("Bash", "git push"),)


def test_denied_use_of_what_changes_nothing_fails_no_task(tmp_path: Path) -> None:
    *before, result = lines("denied")
    denial = {"tool_name": "Read", "tool_input": {"file_path": "/etc/passwd"}}
    told = [*before, {**result, "permission_denials": [denial]}]
    assert parsed(request(tmp_path, must_change=True), told).ok


def test_server_that_is_still_connecting_is_not_broken(tmp_path: Path) -> None:
    init, *rest = lines("done")
    for status, ok in (("connected", True), ("pending", True), ("needs-auth", False)):
        told = [{**init, "mcp_servers": [{"name": "one", "status": status}]}, *rest]
        assert parsed(request(tmp_path), told).ok is ok


def test_strange_values_do_not_break_the_verdict(tmp_path: Path) -> None:
    strange: list[dict[str, Any]] = [
        {"type": "system", "subtype": "init", "mcp_servers": "none", "model": 3},
        {"type": "assistant", "message": "text"},
        {"type": "assistant", "message": {"id": 1, "content": "text", "usage": []}},
        {"type": "user", "message": {"content": [1, {"type": "tool_result"}]}},
        {"type": "rate_limit_event", "rate_limit_info": 5},
        {"type": ["result"]},
        {"type": "result", "errors": [1], "permission_denials": [1], "modelUsage": [], "usage": 1},
    ]
    result = parsed(request(tmp_path), strange)
    assert (result.ok, result.cause) == (False, "provider")
