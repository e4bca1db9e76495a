"""What the program writes down of a thread while it works: its rollout file.

It says more than the program prints, and says it at once: what every model call used, under which
status a provider failed, and what the tools answered. One exec is one turn in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.lines import objects
from orchestrate.core.sharing.usage import Usage


class ToolOutput(msgspec.Struct, frozen=True):
    """What a tool was asked and what it answered, as text."""

    asked: str
    answered: str


class Rollout(msgspec.Struct, frozen=True):
    """What is read of a thread.

    `calls` has the usage of each model call since the thread began, `failure` what its last turn
    ended with (the program's own word for it, and a message), `outputs` what the tools answered in
    its last turn. `model` is the one that was last asked. `kept`: there is such a file.
    """

    calls: tuple[Usage, ...] = ()
    model: str = ""
    failure: tuple[Any, str] | None = None
    outputs: tuple[ToolOutput, ...] = ()
    kept: bool = False

    def since(self, tokens: int) -> Usage:
        """The usage of the calls after those that used the first `tokens`."""
        return total(self.calls[self._accounted(tokens) :], self.model)

    def _accounted(self, tokens: int) -> int:
        used = 0
        for number, call in enumerate(self.calls):
            used += call.tokens
            if used > tokens:
                return number
        return len(self.calls)


def total(calls: tuple[Usage, ...], model: str = "") -> Usage:
    """The sum of `calls`."""
    return Usage(
        input_tokens=sum(call.input_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        cache_write_tokens=sum(call.cache_write_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        reasoning_tokens=sum(call.reasoning_tokens for call in calls),
        turns=sum(call.turns for call in calls),
        model=model,
    )


def find(home: Path, thread: str) -> Path | None:
    """The rollout file of `thread` below the program's folder, if there is one."""
    if not thread or not set(thread) <= set("0123456789abcdef-"):
        return None
    return next((home / "sessions").glob(f"*/*/*/rollout-*-{thread}.jsonl"), None)


def read(path: Path | None) -> Rollout:
    """What the file says as far as it has been written; nothing if there is none."""
    calls: list[Usage] = []
    model = ""
    failure: tuple[Any, str] | None = None
    turn: list[dict[str, Any]] = []
    for kind, payload in _entries(path):
        if kind == "token_usage_record":
            calls.append(usage(payload.get("usage")))
        elif kind == "turn_context":
            model = str(payload.get("model") or model)
        elif kind == "response_item":
            turn.append(payload)
        elif payload.get("type") == "task_started":
            turn, failure = [], None
        elif payload.get("type") == "task_complete":
            failure = _failure(payload.get("error"))
    return Rollout(tuple(calls), model, failure, tuple(_outputs(turn)), kept=path is not None)


def usage(counted: Any) -> Usage:
    """One call's or one thread's usage as OpenAI counts it, in kinds that do not overlap.

    There, what was read from or written to a cache is part of the input.
    """
    found = counted if isinstance(counted, dict) else {}
    number = {name: value for name, value in found.items() if isinstance(value, int)}
    cached = number.get("cached_input_tokens", 0)
    written = number.get("cache_write_input_tokens", 0)
    return Usage(
        input_tokens=max(0, number.get("input_tokens", 0) - cached - written),
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=number.get("output_tokens", 0),
        reasoning_tokens=number.get("reasoning_output_tokens", 0),
        turns=1,
    )


def _entries(path: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in objects(path) if path else ():
        payload = entry.get("payload")
        if isinstance(payload, dict):
            yield str(entry.get("type")), payload


def _failure(error: Any) -> tuple[Any, str] | None:
    if not isinstance(error, dict):
        return None
    return error.get("codex_error_info"), str(error.get("message", ""))


def _outputs(items: list[dict[str, Any]]) -> Iterator[ToolOutput]:
    asked: dict[str, str] = {}
    for item in items:
        call = str(item.get("call_id", ""))
        if item.get("type") in ("function_call", "custom_tool_call"):
            asked[call] = _asked(str(item.get("arguments") or item.get("input") or ""))
        elif item.get("type") in ("function_call_output", "custom_tool_call_output"):
            yield ToolOutput(asked.get(call, ""), _text(item.get("output")))


def _asked(arguments: str) -> str:
    """The command in the arguments of a call, or the arguments as they are."""
    try:
        found = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments
    return str(found["cmd"]) if isinstance(found, dict) and "cmd" in found else arguments


def _text(output: Any) -> str:
    if isinstance(output, list):
        return "\n".join(str(part.get("text", "")) for part in output if isinstance(part, dict))
    return str(output)
