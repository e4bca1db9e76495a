"""The model interfaces that are spoken, by path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from orchestrate.testing.model_server import anthropic, chat, gemini, responses
from orchestrate.testing.model_server.conversation import Answer, Conversation
from orchestrate.testing.model_server.sse import Event


class Interface(msgspec.Struct, frozen=True):
    """How one provider's requests are read, and its answers and errors written."""

    parse: Callable[[Mapping[str, Any], Mapping[str, str], str], Conversation]
    whole: Callable[[Answer], dict[str, Any]]
    events: Callable[[Answer], Iterator[Event]]
    error: Callable[[int, str], dict[str, Any]]


MESSAGES = Interface(anthropic.parse, anthropic.whole, anthropic.events, anthropic.error)
RESPONSES = Interface(responses.parse, responses.whole, responses.events, responses.error)
CHAT = Interface(chat.parse, chat.whole, chat.events, chat.error)
GEMINI = Interface(gemini.parse, gemini.whole, gemini.events, gemini.error)

_PATHS: tuple[tuple[re.Pattern[str], Interface], ...] = (
    (re.compile(r"/messages$"), MESSAGES),
    (re.compile(r"/responses$"), RESPONSES),
    (re.compile(r"/chat/completions$"), CHAT),
    (re.compile(r"/models/[^/:]+:(generateContent|streamGenerateContent)$"), GEMINI),
)


def interface(path: str) -> Interface | None:
    """The interface behind a path without query; None if there is none."""
    return next((found for pattern, found in _PATHS if pattern.search(path)), None)
