"""Anthropic Messages: requests read, answers and errors written, as one body or as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrate.testing.model_server.conversation import (
    Answer,
    Conversation,
    Message,
    Part,
    Refusal,
    Tool,
    ToolCall,
    count_answers,
    digest_of_first,
)
from orchestrate.testing.model_server.sse import Event, as_json, data_event

# What Claude Code puts into the history of a session that was cut off, as if the model had said it.
_NEVER_SAID = "No response requested."
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def parse(body: Mapping[str, Any], headers: Mapping[str, str], _path: str) -> Conversation:
    """Read a request of `POST /v1/messages`."""
    history = [
        (entry, part) for entry in body.get("messages", ()) for part in _parts(entry["content"])
    ]
    messages = tuple(Message(_speaker(entry["role"], part), _text(part)) for entry, part in history)
    tools = body.get("tools", ())
    return Conversation(
        protocol="messages",
        id=headers.get("x-claude-code-session-id") or digest_of_first(messages),
        model=str(body.get("model", "")),
        system="\n".join(_text(part) for part in _parts(body.get("system", ""))),
        messages=messages,
        tools=tuple(Tool(each["name"], "", False, each.get("description", "")) for each in tools),
        answers=count_answers(_mark(entry, part) for entry, part in history),
        stream=bool(body.get("stream")),
        structured="format" in body.get("output_config", {}),
        output_limit=int(body.get("max_tokens", 0)),
    )


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _speaker(role: str, part: Mapping[str, Any]) -> str:
    return "tool" if part["type"] == "tool_result" else str(role)


def _text(part: Mapping[str, Any]) -> str:
    if part["type"] == "tool_result":
        return "\n".join(_text(each) for each in _parts(part.get("content", "")))
    return str(part.get("text", ""))


def _mark(entry: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    if entry["role"] != "assistant":
        return ""
    if part["type"] == "tool_use":
        return str(part["id"])
    return "" if part.get("text") == _NEVER_SAID else "text"


def whole(answer: Answer) -> dict[str, Any]:
    """The answer as one body."""
    return {
        **_envelope(answer),
        "content": [_block(part) for part in _sent(answer)],
        "stop_reason": _stop_reason(answer),
        "usage": _usage(answer, answer.tokens.output_tokens),
    }


def events(answer: Answer) -> Iterator[Event]:
    """The answer as a stream."""
    start = {
        **_envelope(answer),
        "content": [],
        "stop_reason": None,
        "usage": _usage(answer, 0),
    }
    yield _event("message_start", message=start)
    for index, part in enumerate(_sent(answer)):
        yield _event("content_block_start", index=index, content_block=_opened(part))
        yield _event("content_block_delta", index=index, delta=_delta(part))
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage=_usage(answer, answer.tokens.output_tokens))
    yield _event("message_stop")


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error answer."""
    kind = _ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def _event(kind: str, **fields: Any) -> Event:
    return data_event({"type": kind, **fields}, kind)


def _envelope(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "stop_sequence": None,
    }


def _sent(answer: Answer) -> list[Part]:
    """A refusal has no text here: it is the reason for the end."""
    return [part for part in answer.parts if not isinstance(part, Refusal)]


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.tool.name, "input": part.args}
    return {"type": "text", "text": part.text}


def _opened(part: Part) -> dict[str, Any]:
    return {**_block(part), **({"input": {}} if isinstance(part, ToolCall) else {"text": ""})}


def _delta(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolCall):
        return {"type": "input_json_delta", "partial_json": as_json(part.args)}
    return {"type": "text_delta", "text": part.text}


def _stop_reason(answer: Answer) -> str:
    if answer.refused:
        return "refusal"
    return "tool_use" if answer.calls else "end_turn"


def _usage(answer: Answer, output_tokens: int) -> dict[str, int]:
    return {
        "input_tokens": answer.tokens.input_tokens,
        "cache_creation_input_tokens": answer.tokens.cache_write_tokens,
        "cache_read_input_tokens": answer.tokens.cached_tokens,
        "output_tokens": output_tokens,
    }
