"""OpenAI Chat Completions: requests read, answers and errors written, as one body or a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrate.testing.model_server import responses
from orchestrate.testing.model_server.conversation import (
    Answer,
    Conversation,
    Message,
    Refusal,
    Text,
    Tool,
    ToolCall,
    count_answers,
    digest_of_first,
)
from orchestrate.testing.model_server.sse import DONE, Event, as_json, data_event

_SPEAKERS = {"developer": "system", "function": "tool"}

#: The same as of the other OpenAI interface.
error = responses.error


def parse(body: Mapping[str, Any], _headers: Mapping[str, str], _path: str) -> Conversation:
    """Read a request of `POST /v1/chat/completions`."""
    given = body.get("messages", ())
    messages = tuple(
        Message(_SPEAKERS.get(entry["role"], entry["role"]), _text(entry.get("content")))
        for entry in given
    )
    tools = [each["function"] for each in body.get("tools", ()) if "function" in each]
    return Conversation(
        protocol="chat",
        id=digest_of_first(messages),
        model=str(body.get("model", "")),
        system="\n".join(each.text for each in messages if each.speaker == "system"),
        messages=tuple(each for each in messages if each.speaker != "system"),
        tools=tuple(Tool(each["name"], "", False, each.get("description", "")) for each in tools),
        answers=count_answers(mark for entry in given for mark in _marks(entry)),
        stream=bool(body.get("stream")),
        structured=body.get("response_format", {}).get("type") == "json_schema",
        output_limit=int(body.get("max_completion_tokens") or body.get("max_tokens") or 0),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def _marks(entry: Mapping[str, Any]) -> list[str]:
    if entry["role"] != "assistant":
        return [""]
    return [str(call["id"]) for call in entry.get("tool_calls") or ()] or ["text"]


def whole(answer: Answer) -> dict[str, Any]:
    """The answer as one body."""
    message = {"role": "assistant", "content": None, **_content(answer)}
    if answer.calls:
        message["tool_calls"] = [_call(each) for each in answer.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer)}
    return {**_envelope(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer)}


def events(answer: Answer) -> Iterator[Event]:
    """The answer as a stream; what was used comes with the reason for the end."""
    yield _chunk(answer, {"role": "assistant", "content": ""})
    if content := _content(answer):
        yield _chunk(answer, content)
    for index, call in enumerate(answer.calls):
        yield _chunk(answer, {"tool_calls": [{"index": index, **_call(call)}]})
    last = {"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)}
    envelope = _envelope(answer, "chat.completion.chunk")
    yield data_event({**envelope, "choices": [last], "usage": _usage(answer)})
    yield DONE


def _chunk(answer: Answer, delta: dict[str, Any]) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return data_event({**_envelope(answer, "chat.completion.chunk"), "choices": [choice]})


def _envelope(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": answer.id, "object": kind, "created": 0, "model": answer.model}


def _content(answer: Answer) -> dict[str, Any]:
    texts = [part.text for part in answer.parts if isinstance(part, Text)]
    refusals = [part.text for part in answer.parts if isinstance(part, Refusal)]
    said = {"content": "\n".join(texts)} if texts else {}
    return {**said, "refusal": "\n".join(refusals)} if refusals else said


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = call.args if isinstance(call.args, str) else as_json(call.args)
    function = {"name": call.tool.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _finish_reason(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _usage(answer: Answer) -> dict[str, Any]:
    """Tokens that were cached or are being cached count as prompt tokens too."""
    tokens = answer.tokens
    return {
        "prompt_tokens": tokens.total - tokens.output_tokens,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_tokens},
    }
