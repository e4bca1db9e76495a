"""Answers are written in each provider's form, and report exactly the tokens of the script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from orchestrate.testing.model_server import Tokens
from orchestrate.testing.model_server.conversation import (
    Answer,
    Part,
    Refusal,
    Text,
    Tool,
    ToolCall,
)
from orchestrate.testing.model_server.protocols import CHAT, GEMINI, MESSAGES, RESPONSES, Interface

TOKENS = Tokens(1000, 200, 50, 30)
CALL = ToolCall("call_a_1", Tool("Write"), {"path": "é"})


def answer(*parts: Part) -> Answer:
    return Answer("a", "m", parts, TOKENS)


def data(events: Iterable[bytes]) -> list[dict[str, Any]]:
    """The JSON of the events of a stream."""
    texts = [event.decode().split("data: ", 1)[1].strip() for event in events]
    return [json.loads(text) for text in texts if text != "[DONE]"]


def test_anthropic_stream_ends_in_the_same_as_the_whole_body() -> None:
    whole = MESSAGES.whole(answer(Text("hi"), CALL))
    events = data(MESSAGES.events(answer(Text("hi"), CALL)))
    assert [event["type"] for event in events] == [
        "message_start",
        *["content_block_start", "content_block_delta", "content_block_stop"] * 2,
        "message_delta",
        "message_stop",
    ]
    assert whole["content"] == [
        {"type": "text", "text": "hi"},
        {"type": "tool_use", "id": "call_a_1", "name": "Write", "input": {"path": "é"}},
    ]
    assert json.loads(events[5]["delta"]["partial_json"]) == {"path": "é"}
    assert events[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "tool_use"
    assert events[0]["message"]["usage"]["output_tokens"] == 0
    assert (
        events[-2]["usage"]
        == whole["usage"]
        == {
            "input_tokens": 1000,
            "cache_read_input_tokens": 200,
            "cache_creation_input_tokens": 50,
            "output_tokens": 30,
        }
    )


def test_responses_stream_ends_in_the_same_as_the_whole_body() -> None:
    freeform = ToolCall("call_a_2", Tool("exec", "functions", freeform=True), "text(1)")
    given = answer(Text("hi"), CALL, freeform)
    events = data(RESPONSES.events(given))
    assert events[-1] == {"type": "response.completed", "response": RESPONSES.whole(given)}
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]
    assert json.loads(done[1]["arguments"]) == {"path": "é"}
    assert (done[2]["type"], done[2]["input"]) == ("custom_tool_call", "text(1)")
    assert done[2]["namespace"] == "functions"
    # Here cached tokens are input tokens too.
    usage = events[-1]["response"]["usage"]
    assert usage["input_tokens"] == 1250
    assert usage["input_tokens_details"] == {"cached_tokens": 200, "cache_write_tokens": 50}
    assert (usage["output_tokens"], usage["total_tokens"]) == (30, 1280)


def test_chat_stream_says_what_the_whole_body_says() -> None:
    whole = CHAT.whole(answer(Text("hi"), CALL))
    *_, call, last = data(CHAT.events(answer(Text("hi"), CALL)))
    (shown,) = call["choices"][0]["delta"]["tool_calls"]
    assert {"index": 0, **whole["choices"][0]["message"]["tool_calls"][0]} == shown
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert last["usage"] == whole["usage"]
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (1250, 30)


def test_gemini_stream_says_what_the_whole_body_says() -> None:
    whole = GEMINI.whole(answer(Text("hi"), CALL))
    *parts, last = data(GEMINI.events(answer(Text("hi"), CALL)))
    said = [part["candidates"][0]["content"]["parts"][0] for part in parts]
    assert said == whole["candidates"][0]["content"]["parts"]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"] == whole["usageMetadata"]
    assert whole["usageMetadata"]["promptTokenCount"] == 1250
    assert whole["usageMetadata"]["cachedContentTokenCount"] == 200


def test_refusals_have_each_providers_form() -> None:
    refused = answer(Refusal("no"))
    anthropic = MESSAGES.whole(refused)
    assert (anthropic["stop_reason"], anthropic["content"]) == ("refusal", [])
    (item,) = RESPONSES.whole(refused)["output"]
    assert item["content"] == [{"type": "refusal", "refusal": "no"}]
    assert CHAT.whole(refused)["choices"][0]["message"]["refusal"] == "no"
    assert GEMINI.whole(refused)["candidates"][0]["finishReason"] == "SAFETY"


@pytest.mark.parametrize("interface", [MESSAGES, RESPONSES, CHAT, GEMINI])
def test_errors_carry_their_message(interface: Interface) -> None:
    for status in (400, 401, 403, 404, 413, 429, 500, 529):
        assert interface.error(status, "why")["error"]["message"] == "why"


def test_errors_have_the_kinds_that_clients_look_at() -> None:
    assert MESSAGES.error(429, "")["error"]["type"] == "rate_limit_error"
    assert MESSAGES.error(529, "")["error"]["type"] == "overloaded_error"
    assert RESPONSES.error(401, "")["error"]["code"] == "invalid_api_key"
    assert RESPONSES.error(429, "")["error"]["code"] == "rate_limit_exceeded"
    assert GEMINI.error(429, "")["error"]["status"] == "RESOURCE_EXHAUSTED"
