"""OpenAI Responses: requests read, answers and errors written, as one body or as a stream."""

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

_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
_CALLS = ("function_call", "custom_tool_call")


def parse(body: Mapping[str, Any], headers: Mapping[str, str], _path: str) -> Conversation:
    """Read a request of `POST /v1/responses`."""
    given = body.get("input", ())
    items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    messages = tuple(message for item in items for message in _messages(item))
    return Conversation(
        protocol="responses",
        id=headers.get("session-id") or digest_of_first(messages),
        model=str(body.get("model", "")),
        system=str(body.get("instructions") or ""),
        messages=messages,
        tools=tuple(tool for each in _offered(body, items) for tool in _tools(each)),
        answers=count_answers(_mark(item) for item in items if item.get("type") != "reasoning"),
        stream=bool(body.get("stream")),
        structured=body.get("text", {}).get("format", {}).get("type") == "json_schema",
        output_limit=int(body.get("max_output_tokens") or 0),
    )


def _messages(item: Mapping[str, Any]) -> Iterator[Message]:
    if "role" in item and "content" in item:
        speaker = "system" if item["role"] == "developer" else str(item["role"])
        content = item["content"]
        for part in [{"text": content}] if isinstance(content, str) else content:
            yield Message(speaker, str(part.get("text", part.get("refusal", ""))))
    elif str(item.get("type")).endswith("_output"):
        yield Message("tool", _output(item.get("output")))


def _output(output: Any) -> str:
    if isinstance(output, list):
        return "\n".join(str(part.get("text", "")) for part in output)
    return output if isinstance(output, str) else as_json(output)


def _offered(body: Mapping[str, Any], items: list[Any]) -> list[dict[str, Any]]:
    """Tools of the request, and those that a developer item brings (Codex with newer models)."""
    brought = [tool for item in items for tool in item.get("tools", ())]
    return [*body.get("tools", ()), *brought]


def _tools(each: Mapping[str, Any], inside: str = "") -> Iterator[Tool]:
    if each["type"] == "namespace":
        for tool in each["tools"]:
            yield from _tools(tool, each["name"])
    else:
        name = each.get("name", each["type"])
        yield Tool(name, inside, each["type"] == "custom", each.get("description", ""))


def _mark(item: Mapping[str, Any]) -> str:
    if item.get("type") in _CALLS:
        return str(item["call_id"])
    return "text" if item.get("role") == "assistant" else ""


def whole(answer: Answer) -> dict[str, Any]:
    """The answer as one body."""
    return _response(answer, "completed", [_item(answer, n) for n in range(len(answer.parts))])


def events(answer: Answer) -> Iterator[Event]:
    """The answer as a stream."""
    yield _event("response.created", response=_response(answer, "in_progress", []))
    for index, part in enumerate(answer.parts):
        item = _item(answer, index)
        opened = {**item, "status": "in_progress", **_nothing_yet(part)}
        yield _event("response.output_item.added", output_index=index, item=opened)
        yield from _deltas(part, {"output_index": index, "item_id": item["id"]})
        yield _event("response.output_item.done", output_index=index, item=item)
    yield _event("response.completed", response=whole(answer))


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error answer."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if status == 429:
        kind = "requests"
    code = _CODES.get(status)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _event(kind: str, **fields: Any) -> Event:
    return data_event({"type": kind, **fields}, kind)


def _response(answer: Answer, status: str, output: list[Any]) -> dict[str, Any]:
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "status": status,
        "model": answer.model,
        "output": output,
        "usage": _usage(answer) if status == "completed" else None,
    }


def _item(answer: Answer, index: int) -> dict[str, Any]:
    part = answer.parts[index]
    item_id = f"item_{answer.id}_{index}"
    if isinstance(part, ToolCall):
        return {"id": item_id, "status": "completed", **_call(part)}
    content: dict[str, Any] = {"type": "output_text", "text": part.text, "annotations": []}
    if isinstance(part, Refusal):
        content = {"type": "refusal", "refusal": part.text}
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }


def _call(call: ToolCall) -> dict[str, Any]:
    named: dict[str, Any] = {"call_id": call.id, "name": call.tool.name}
    if call.tool.inside:
        named["namespace"] = call.tool.inside
    if isinstance(call.args, str):
        return {"type": "custom_tool_call", **named, "input": call.args}
    return {"type": "function_call", **named, "arguments": as_json(call.args)}


def _nothing_yet(part: Part) -> dict[str, Any]:
    if not isinstance(part, ToolCall):
        return {"content": []}
    return {"input": ""} if isinstance(part.args, str) else {"arguments": ""}


def _deltas(part: Part, place: dict[str, Any]) -> Iterator[Event]:
    if not isinstance(part, ToolCall):
        name = "refusal" if isinstance(part, Refusal) else "output_text"
        yield _event(f"response.{name}.delta", **place, content_index=0, delta=part.text)
    elif isinstance(part.args, str):
        yield _event("response.custom_tool_call_input.delta", **place, delta=part.args)
    else:
        yield _event("response.function_call_arguments.delta", **place, delta=as_json(part.args))


def _usage(answer: Answer) -> dict[str, Any]:
    """Tokens that were cached or are being cached count as input tokens too."""
    tokens = answer.tokens
    return {
        "input_tokens": tokens.total - tokens.output_tokens,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_tokens,
            "cache_write_tokens": tokens.cache_write_tokens,
        },
        "output_tokens": tokens.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens.total,
    }
