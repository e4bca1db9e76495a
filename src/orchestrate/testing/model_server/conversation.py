"""A request and an answer without the form a provider gives them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from orchestrate.testing.model_server.scenario import NO_TOKENS, Tokens

Protocol = Literal["messages", "responses", "chat", "gemini"]

# How the programs tell a model where they work: Claude Code, Codex, Gemini CLI, opencode.
_CWD = re.compile(
    r"Primary working directory: (?P<claude>[^\n]+)"
    r"|<cwd>(?P<codex>[^<\n]+)</cwd>"
    r"|\*\*Workspace Directories:\*\*\n\s+- (?P<gemini>[^\n]+)"
    r"|Working directory: (?P<opencode>[^\n]+)"
)


class Message(msgspec.Struct, frozen=True):
    """One part of the history: who said it ("user", "system", "assistant" or "tool") and what."""

    speaker: str
    text: str


class Tool(msgspec.Struct, frozen=True):
    """A tool offered to the model.

    `inside` is the namespace it is in, if any; `freeform` takes text instead of JSON arguments.
    `description` is what the model is told of it.
    """

    name: str
    inside: str = ""
    freeform: bool = False
    description: str = ""


class Conversation(msgspec.Struct, frozen=True):
    """What a request says.

    Attributes:
        id: names the conversation as well as the request allows; the same for all its requests.
        answers: how many answers of the model are in the history.
        stream: whether the answer is wanted as a stream.
        structured: whether the answer is to follow a JSON schema.
        output_limit: the most tokens the answer may have; 0: not said.
    """

    protocol: Protocol
    id: str
    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    answers: int
    stream: bool
    structured: bool = False
    output_limit: int = 0

    @property
    def instructions(self) -> str:
        """What the program and its user say to the model: no answers, no results of tools."""
        said = [each.text for each in self.messages if each.speaker in ("user", "system")]
        return "\n".join([self.system, *said])

    @property
    def cwd(self) -> str:
        """The working directory the program names last; empty if it names none."""
        found = [match[match.lastgroup or 0] for match in _CWD.finditer(self.instructions)]
        return found[-1].strip() if found else ""


class Text(msgspec.Struct, frozen=True):
    """Part of an answer: text."""

    text: str


class Refusal(msgspec.Struct, frozen=True):
    """Part of an answer: the model declines."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """Part of an answer: a call of `tool`, with JSON arguments or, if freeform, with text."""

    id: str
    tool: Tool
    args: dict[str, Any] | str


Part = Text | Refusal | ToolCall


class Answer(msgspec.Struct, frozen=True):
    """What is sent back."""

    id: str
    model: str
    parts: tuple[Part, ...]
    tokens: Tokens = NO_TOKENS

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The parts that are calls."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def refused(self) -> bool:
        """Whether the model declined."""
        return any(isinstance(part, Refusal) for part in self.parts)


def call_id(answer: str, index: int) -> str:
    """The id of call `index` of an answer: it comes back in the history and tells whose it was."""
    return f"call_{answer}_{index}"


def count_answers(history: Iterable[str]) -> int:
    """How many answers of the model a history holds.

    Programs take answers apart: calls made at once may come back as several messages, with their
    results in between. Calls are therefore told apart by the answer their id names.

    Args:
        history: per part of it, the id of a call, "text" for text of the model, and "" for
            what is not of the model.
    """
    count, running = 0, False
    seen: set[str] = set()
    for part in history:
        if part not in ("", "text"):
            answer = part.rpartition("_")[0]
            count += answer not in seen and not running
            seen.add(answer)
        elif part:
            count += not running
        running = bool(part)
    return count


def digest_of_first(messages: Iterable[Message]) -> str:
    """A name for a conversation whose requests carry none: the digest of its first prompt."""
    first = next((each.text for each in messages if each.speaker == "user"), "")
    return hashlib.sha256(first.encode()).hexdigest()[:16]
