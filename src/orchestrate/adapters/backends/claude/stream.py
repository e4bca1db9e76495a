"""What Claude Code printed, gathered from the lines of its stream."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.lines import objects

_SYNTHETIC = "<synthetic>"


class Message(msgspec.Struct):
    """One answer of a model. `usage` is that of its beginning: output is not counted in it yet."""

    model: str
    usage: dict[str, Any]


class Stream(msgspec.Struct):
    """The lines of one run of the program, by what they are.

    `messages` are the answers of models by id, each once although it is told in several lines.
    `results` should be one, and are two where something went on in the background. `error` is the
    last failure of the provider, `retry` the last announced wait, `limit` the last news of a
    subscription's limits. `succeeded` are the names of tools that did at least once what they
    were asked.
    """

    init: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    messages: dict[str, Message] = {}
    error: dict[str, Any] = {}
    retry: dict[str, Any] = {}
    limit: dict[str, Any] = {}
    refused: bool = False
    succeeded: set[str] = set()

    @property
    def result(self) -> dict[str, Any]:
        """The last result; empty if there was none."""
        return self.results[-1] if self.results else {}

    @property
    def session(self) -> str:
        """The id of the session; empty if the program did not get as far as telling it."""
        return text(self.result.get("session_id")) or text(self.init.get("session_id"))


def read(path: Path) -> Stream:
    """What is in a log; an empty stream if it cannot be read."""
    return gathered(objects(path))


def gathered(lines: Iterable[dict[str, Any]]) -> Stream:
    """What `lines` say."""
    stream = Stream()
    tools: dict[str, str] = {}
    for line in lines:
        kind = line.get("type")
        if kind == "system":
            _system(stream, line)
        elif kind == "assistant":
            _assistant(stream, line, tools)
        elif kind == "user":
            _user(stream, line, tools)
        elif kind == "rate_limit_event":
            stream.limit = mapping(line.get("rate_limit_info"))
        elif kind == "result":
            stream.results.append(line)
    return stream


def _system(stream: Stream, line: dict[str, Any]) -> None:
    subtype = text(line.get("subtype"))
    if subtype == "init":
        stream.init = line
    elif subtype == "api_retry":
        stream.retry = line
    elif subtype.startswith("model_refusal"):
        stream.refused = True


def _assistant(stream: Stream, line: dict[str, Any], tools: dict[str, str]) -> None:
    message = mapping(line.get("message"))
    for part in parts(message):
        if part.get("type") == "tool_use":
            tools[text(part.get("id"))] = text(part.get("name"))
    if line.get("error") or message.get("model") == _SYNTHETIC:
        # The program's own words in place of an answer: nothing was consumed.
        stream.error = line
        return
    name = text(message.get("id"))
    if name:
        stream.messages[name] = Message(text(message.get("model")), mapping(message.get("usage")))


def _user(stream: Stream, line: dict[str, Any], tools: dict[str, str]) -> None:
    for part in parts(mapping(line.get("message"))):
        if part.get("type") == "tool_result" and not part.get("is_error"):
            stream.succeeded.add(tools.get(text(part.get("tool_use_id")), ""))


def parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message's content; none where it is text alone."""
    content = message.get("content")
    return [mapping(part) for part in content] if isinstance(content, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """`value` if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int:
    """`value` as a number of things; 0 for what is none."""
    return max(int(value), 0) if isinstance(value, int | float) else 0


def amount(value: Any) -> float | None:
    """`value` if it is a number, else None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
