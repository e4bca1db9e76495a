"""Gemini generateContent: requests read, answers and errors written, as one body or a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrate.testing.model_server.conversation import (
    Answer,
    Conversation,
    Message,
    Part,
    Text,
    Tool,
    ToolCall,
    count_answers,
    digest_of_first,
)
from orchestrate.testing.model_server.sse import Event, as_json, data_event

_PATH = re.compile(r"/models/(?P<model>[^/:]+):(?P<method>\w+)$")
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def parse(body: Mapping[str, Any], _headers: Mapping[str, str], path: str) -> Conversation:
    """Read a request of `POST /v1beta/models/MODEL:generateContent` or `:streamGenerateContent`."""
    found = _PATH.search(path)
    assert found is not None
    history = [
        (entry.get("role", "user"), part)
        for entry in body.get("contents", ())
        for part in entry.get("parts", ())
    ]
    messages = tuple(Message(_speaker(role, part), _text(part)) for role, part in history)
    settings = body.get("generationConfig", {})
    return Conversation(
        protocol="gemini",
        id=digest_of_first(messages),
        model=found["model"],
        system="\n".join(
            _text(part) for part in body.get("systemInstruction", {}).get("parts", ())
        ),
        messages=messages,
        tools=tuple(_tools(body)),
        answers=count_answers(_mark(role, part) for role, part in history),
        stream=found["method"] == "streamGenerateContent",
        structured="responseSchema" in settings or "responseJsonSchema" in settings,
        output_limit=int(settings.get("maxOutputTokens", 0)),
    )


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for group in body.get("tools", ()):
        for each in group.get("functionDeclarations", ()):
            yield Tool(each["name"], "", False, each.get("description", ""))


def _speaker(role: str, part: Mapping[str, Any]) -> str:
    if "functionResponse" in part:
        return "tool"
    return "assistant" if role == "model" else role


def _text(part: Mapping[str, Any]) -> str:
    if "functionResponse" in part:
        return as_json(part["functionResponse"].get("response"))
    return str(part.get("text", ""))


def _mark(role: str, part: Mapping[str, Any]) -> str:
    if role != "model":
        return ""
    return str(part.get("functionCall", {}).get("id") or "text")


def whole(answer: Answer) -> dict[str, Any]:
    """The answer as one body."""
    return _response(answer, [_part(part) for part in _sent(answer)], _finish_reason(answer))


def events(answer: Answer) -> Iterator[Event]:
    """The answer as a stream; what was used comes with the reason for the end."""
    for part in _sent(answer):
        yield data_event(_response(answer, [_part(part)], None))
    yield data_event(_response(answer, [{"text": ""}], _finish_reason(answer)))


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error answer."""
    name = _STATUSES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    return {"error": {"code": status, "message": message, "status": name}}


def _sent(answer: Answer) -> list[Part]:
    """A refusal has no text here: it is the reason for the end."""
    return [part for part in answer.parts if isinstance(part, Text | ToolCall)]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolCall):
        return {"functionCall": {"id": part.id, "name": part.tool.name, "args": part.args}}
    return {"text": part.text}


def _finish_reason(answer: Answer) -> str:
    return "SAFETY" if answer.refused else "STOP"


def _response(answer: Answer, parts: list[Any], finish_reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
    response: dict[str, Any] = {
        "responseId": answer.id,
        "modelVersion": answer.model,
        "candidates": [candidate],
    }
    if finish_reason is not None:
        candidate["finishReason"] = finish_reason
        response["usageMetadata"] = _usage(answer)
    return response


def _usage(answer: Answer) -> dict[str, int]:
    """Tokens that were cached or are being cached count as prompt tokens too."""
    tokens = answer.tokens
    return {
        "promptTokenCount": tokens.total - tokens.output_tokens,
        "cachedContentTokenCount": tokens.cached_tokens,
        "candidatesTokenCount": tokens.output_tokens,
        "totalTokenCount": tokens.total,
    }
