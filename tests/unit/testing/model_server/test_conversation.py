"""What a request says is read the same from all interfaces."""

from __future__ import annotations

import pytest

from orchestrate.testing.model_server.conversation import Conversation, call_id, count_answers
from tests.unit.testing.model_server.requests_of_programs import (
    claude,
    codex,
    gemini_cli,
    opencode,
)

PROGRAMS = {"claude": claude(), "codex": codex(), "opencode": opencode(), "gemini": gemini_cli()}
A0, A1, B0 = call_id("a", 0), call_id("a", 1), call_id("b", 0)


@pytest.mark.parametrize("said", PROGRAMS.values(), ids=PROGRAMS)
def test_every_program_tells_role_prompt_and_working_directory(said: Conversation) -> None:
    assert "ROLE" in said.instructions
    assert "Do it" in said.instructions
    assert said.cwd == "/w"
    assert said.answers == 0
    assert said.stream


@pytest.mark.parametrize(
    ("history", "answers"),
    [
        ([], 0),
        (["", "text"], 1),
        (["", "text", "", "text", ""], 2),
        # A text and the calls of the same answer.
        (["", "text", A0, A1, "", ""], 1),
        # Calls made at once that came back with their results in between.
        (["", A0, "", A1, ""], 1),
        (["", "text", A0, "", A1, "", B0, ""], 2),
        # Two answers with nothing in between cannot be, but the second call is of another answer.
        (["", A0, "", B0, "", "text"], 3),
    ],
)
def test_answers_are_counted_however_the_program_splits_them(
    history: list[str], answers: int
) -> None:
    assert count_answers(history) == answers


def test_what_claude_says_in_the_models_name_is_no_answer() -> None:
    call = {"type": "tool_use", "id": A0, "name": "Bash", "input": {}}
    said = claude(
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": A0, "content": "x"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "No response requested."}]},
        {"role": "user", "content": "go on"},
    )
    assert said.answers == 1


def test_results_and_answers_are_not_instructions() -> None:
    said = claude(
        {"role": "assistant", "content": [{"type": "text", "text": "answer"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": A0, "content": "out"}]},
    )
    assert [each.speaker for each in said.messages][-2:] == ["assistant", "tool"]
    assert "answer" not in said.instructions
    assert "out" not in said.instructions


def test_codex_history_counts_calls_of_both_kinds_and_brings_their_results() -> None:
    said = codex(
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": A0, "name": "exec_command", "arguments": "{}"},
        {"type": "function_call_output", "call_id": A0, "output": "one"},
        {"type": "custom_tool_call", "call_id": B0, "name": "exec", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": B0, "output": [{"text": "two"}]},
        {"type": "message", "role": "assistant", "content": [{"text": "done"}]},
    )
    assert said.answers == 3
    assert [each.text for each in said.messages if each.speaker == "tool"] == ["one", "two"]
    assert said.id == "thread-1"


def test_gemini_and_chat_histories_are_counted() -> None:
    assert (
        gemini_cli(
            {"role": "model", "parts": [{"text": "hi"}, {"functionCall": {"name": "a"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "a", "response": {"o": 1}}}]},
            {"role": "model", "parts": [{"text": "done"}]},
        ).answers
        == 2
    )
    function = {"name": "write", "arguments": "{}"}
    assert (
        opencode(
            {"role": "assistant", "content": "", "tool_calls": [{"id": A0, "function": function}]},
            {"role": "tool", "tool_call_id": A0, "content": "ok"},
            {"role": "assistant", "content": "done"},
        ).answers
        == 2
    )


def test_conversations_without_a_name_are_told_apart_by_their_first_prompt() -> None:
    assert opencode().id == opencode({"role": "assistant", "content": "x"}).id
    assert opencode().id != gemini_cli().id
