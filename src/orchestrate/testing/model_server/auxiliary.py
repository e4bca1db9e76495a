"""Requests that agent programs make beside the conversation, and harmless answers to them."""

from __future__ import annotations

import re
from typing import Any

from orchestrate.testing.model_server.conversation import Answer, Conversation, Text
from orchestrate.testing.model_server.scenario import NO_TOKENS

#: What an auxiliary answer reports as used: nothing, so that sums are of the script alone.
_FREE = NO_TOKENS
# How Claude Code and opencode ask for the name of a session.
_TITLE = re.compile(r"title generator|generate an? [^.\n]{0,60}title", re.IGNORECASE)


def purpose(conversation: Conversation) -> str:
    """Why a request is not part of the scripted conversation; empty when it is.

    Only requests that offer no tool are looked at: agents are offered some.
    """
    if conversation.tools:
        return ""
    if conversation.output_limit == 1:
        return "probe"
    return "title" if _TITLE.search(conversation.system) else ""


def answer(conversation: Conversation, answer_id: str) -> Answer:
    """A short answer that is right as text and as JSON."""
    text = '{"title":"Scripted"}' if conversation.structured else "Scripted"
    return Answer(answer_id, conversation.model, (Text(text),), _FREE)


def plain(method: str, path: str) -> tuple[str, int, Any] | None:
    """Purpose, status and body for requests that are no conversation; None for one that is."""
    if method == "HEAD":
        return "reachable", 200, None
    if path.endswith("/messages/count_tokens"):
        return "count tokens", 200, {"input_tokens": 100}
    if path.endswith(":countTokens"):
        return "count tokens", 200, {"totalTokens": 100}
    if method == "GET" and path.endswith("/models"):
        return "models", 200, {"object": "list", "data": [], "models": [], "has_more": False}
    if method != "POST":
        return "unknown", 404, None
    return None
