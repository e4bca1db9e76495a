"""What becomes of an attempt, from recorded lines and from lines that are cut or too long."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.ports.process import ProcessOutcome
from tests.unit.adapters.backends.codex.recorded import (
    ANSWER,
    BADLY,
    WELL,
    backend,
    parsed,
    put,
    request,
    rollout_file,
)


def test_a_completed_turn_with_exit_code_0_is_ok(tmp_path: Path) -> None:
    result = parsed(tmp_path, "answered", WELL, answer_schema=ANSWER)
    assert result.ok
    assert result.answer == {"summary": "Fixed it."}
    assert result.summary == "Fixed it."
    assert result.usage == Usage(160, 30, 10, 25, turns=2, model="scripted")
    assert result.version == "0.169.0"
    assert result.session is not None
    assert result.session.tokens == 225
    assert result.session.workspace == "task.1"


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (BADLY, "exit"),
        (ProcessOutcome(token="t", exit_code=0, stopped="timeout"), "timeout"),
        (ProcessOutcome(token="t", exit_code=0, stopped="output_limit"), "output_limit"),
        (ProcessOutcome(token="t", exit_code=0, stopped="driver_gone"), "lost"),
        (ProcessOutcome(token="t", signal=9), "crash"),
        (ProcessOutcome(token="t", error="no such file"), "crash"),
    ],
)
def test_a_completed_turn_is_nothing_if_the_process_did_not_end_well(
    tmp_path: Path, outcome: ProcessOutcome, cause: FailureCause
) -> None:
    result = parsed(tmp_path, "answered", outcome, answer_schema=ANSWER)
    assert (result.ok, result.cause, result.answer) == (False, cause, None)
    assert result.usage is not None
    assert result.usage.tokens == 225


@pytest.mark.parametrize(
    ("case", "cause", "said"),
    [
        ("status-400", "bad_request", "scripted error 400"),
        ("status-401", "login", "401 Unauthorized"),
        ("status-429", "rate_limit", "429 Too Many Requests"),
        ("status-500", "provider", "high demand"),
        ("dropped", "provider", "stream disconnected"),
        ("connection-refused", "provider", "Connection failed"),
        ("usage-limit", "rate_limit", "hit your usage limit"),
        ("quota", "login", "Quota exceeded"),
        ("rate-limit", "rate_limit", "try again in 3.5s"),
        ("context-full", "bad_request", "context window"),
        ("policy", "refusal", "usage policy"),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_a_failed_turn_has_a_cause_even_without_its_rollout(
    tmp_path: Path, case: str, cause: FailureCause, said: str, *, kept: bool
) -> None:
    asked = request(tmp_path)
    thread = put(tmp_path, case)
    if not kept:
        rollout_file(tmp_path, thread).unlink()
    result = backend(tmp_path).parse(asked, BADLY)
    assert (result.ok, result.cause) == (False, cause)
    assert said in result.message
    assert result.usage is not None
    assert result.usage.tokens == 0


def test_a_thread_that_is_full_is_not_gone_on_with(tmp_path: Path) -> None:
    assert parsed(tmp_path, "context-full", BADLY).session is None
    assert backend(tmp_path).observed(request(tmp_path)).session is None


def test_a_turn_without_an_answer_is_a_refusal(tmp_path: Path) -> None:
    assert parsed(tmp_path, "refused-by-model", WELL).cause == "refusal"


def test_an_answer_that_is_no_json_is_bad_output(tmp_path: Path) -> None:
    result = parsed(tmp_path, "not-json", WELL, answer_schema=ANSWER)
    assert (result.ok, result.cause) == (False, "bad_output")
    assert "I fixed it." in result.message


def test_what_was_denied_is_listed_and_no_failure(tmp_path: Path) -> None:
    result = parsed(tmp_path, "denied", WELL)
    assert result.ok
    assert [(each.tool, each.detail[:60]) for each in result.denials] == [
        ("apply_patch", "patch rejected: writing outside of the project; rejected by "),
        ("command", "`/bin/bash -c 'git push'` rejected: not allowed: git push"),
        ("command", "/bin/bash: line 1: /usr/x: Read-only file system (in echo x "),
    ]


def test_who_may_not_write_and_should_have_changed_something_was_denied(tmp_path: Path) -> None:
    reader = Permissions(abilities=frozenset({"read"}))
    result = parsed(tmp_path, "denied", WELL, permissions=reader, must_change=True)
    assert (result.ok, result.cause) == (False, "denied")
    assert len(result.denials) == 3


def test_a_resumed_attempt_counts_from_where_the_last_one_ended(tmp_path: Path) -> None:
    asked = request(tmp_path)
    thread = put(tmp_path, "resumed")
    session = AgentSession(thread, "codex", tokens=157)
    result = backend(tmp_path).parse(msgspec.structs.replace(asked, session=session), WELL)
    assert result.usage == Usage(500, 10, 20, 20, turns=2, model="scripted")
    assert result.session is not None
    assert result.session.tokens == 157 + 550


def test_the_session_of_another_thread_changes_no_account(tmp_path: Path) -> None:
    asked = request(tmp_path, session=AgentSession("0-gone", "codex", tokens=157))
    put(tmp_path, "resumed")
    result = backend(tmp_path).parse(asked, WELL)
    assert result.usage is not None
    assert result.usage.tokens == 707


def test_without_the_rollout_what_the_program_told_counts(tmp_path: Path) -> None:
    asked = request(tmp_path)
    thread = put(tmp_path, "resumed")
    rollout_file(tmp_path, thread).unlink()
    judged = backend(tmp_path)
    assert judged.parse(asked, WELL).usage == Usage(600, 60, 20, 27, turns=1)
    session = AgentSession(thread, "codex", tokens=157)
    resumed = judged.parse(msgspec.structs.replace(asked, session=session), WELL)
    assert resumed.usage == Usage(550, complete=False)


def test_a_killed_attempt_has_used_what_was_answered(tmp_path: Path) -> None:
    asked = request(tmp_path)
    put(tmp_path, "killed")
    watched = backend(tmp_path).observed(asked)
    result = backend(tmp_path).parse(asked, ProcessOutcome(token="t", signal=9))
    assert result.usage == Usage(300, 50, 20, 16, turns=2, model="scripted", complete=False)
    assert (watched.usage, watched.session) == (result.usage, result.session)


def test_of_an_attempt_that_printed_nothing_nothing_is_known(tmp_path: Path) -> None:
    watched = backend(tmp_path).observed(request(tmp_path))
    assert (watched.usage, watched.session) == (None, None)
    result = backend(tmp_path).parse(request(tmp_path), BADLY)
    assert (result.cause, result.usage, result.session) == ("crash", None, None)


def test_lines_that_are_cut_broken_or_long_do_not_hide_the_others(tmp_path: Path) -> None:
    asked = request(tmp_path)
    put(tmp_path, "answered")
    log = tmp_path / "attempt" / "stdout.log"
    long = {"id": "x", "type": "command_execution", "aggregated_output": "y" * 200_000}
    lines = log.read_text().splitlines()
    noise = ["WARNING: something", "{", '{"type":3}', "[]", '{"type":"item.completed","item":7}']
    noise.append(json.dumps({"type": "item.completed", "item": long}))
    log.write_text("\n".join([*noise, *lines, '{"type":"item.comple']))
    assert backend(tmp_path).parse(asked, WELL).ok


def test_a_rollout_that_is_cut_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    asked = request(tmp_path)
    rollout = rollout_file(tmp_path, put(tmp_path, "killed"))
    whole = rollout.read_bytes()
    for end in range(0, len(whole), 97):
        rollout.write_bytes(whole[:end])
        seen = backend(tmp_path).observed(asked).usage
        assert seen is not None
        assert seen.tokens in (0, 157, 386)


def test_notices_of_a_new_connection_end_nothing(tmp_path: Path) -> None:
    asked = request(tmp_path)
    put(tmp_path, "answered")
    log = tmp_path / "attempt" / "stdout.log"
    notice = {"type": "error", "message": "Reconnecting... 1/2 (Connection failed)"}
    log.write_text(json.dumps(notice) + "\n" + log.read_text())
    assert backend(tmp_path).parse(asked, WELL).ok
    stopped = backend(tmp_path).parse(asked, ProcessOutcome(token="t", stopped="timeout"))
    assert "Reconnecting" in stopped.message


def test_a_turn_that_never_ended_is_a_crash_with_what_was_said(tmp_path: Path) -> None:
    asked = request(tmp_path)
    errors = tmp_path / "attempt" / "stderr.log"
    errors.write_text("Error: thread/resume failed: no rollout found for thread id 1\n")
    result = backend(tmp_path).parse(asked, BADLY)
    assert result.cause == "crash"
    assert "no rollout found" in result.message


def test_a_server_for_tools_that_did_not_start_is_unavailable(tmp_path: Path) -> None:
    asked = request(tmp_path)
    errors = tmp_path / "attempt" / "stderr.log"
    errors.write_text("Error: required MCP servers failed to initialize: s: No such file\n")
    assert backend(tmp_path).parse(asked, BADLY).cause == "unavailable"


BROKEN = "bwrap: Creating new namespace failed: Operation not permitted"


@pytest.mark.parametrize(
    ("ends", "cause"), [((1, 1), "unavailable"), ((1, 0), None), ((0,), None), ((), None)]
)
def test_a_sandbox_that_cannot_be_set_up_fails_the_attempt(
    tmp_path: Path, ends: tuple[int, ...], cause: FailureCause | None
) -> None:
    asked = request(tmp_path)
    rollout = rollout_file(tmp_path, put(tmp_path, "answered"))
    items = [
        {"type": "function_call_output", "output": f"Process exited with code {end}\n{BROKEN}\n"}
        for end in ends
    ]
    lines = [json.dumps({"type": "response_item", "payload": item}) + "\n" for item in items]
    started = {"type": "event_msg", "payload": {"type": "task_started"}}
    rollout.write_text(json.dumps(started) + "\n" + "".join(lines))
    result = backend(tmp_path).parse(asked, WELL)
    assert result.cause == cause
    assert (BROKEN in result.message) is (cause is not None)
