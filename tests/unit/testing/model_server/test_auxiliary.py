"""What programs ask beside the conversation is recognised, and nothing else is."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.testing.model_server import auxiliary
from tests.unit.testing.model_server.requests_of_programs import claude, opencode


@pytest.mark.parametrize(
    ("method", "path", "purpose"),
    [
        ("HEAD", "/s/x/api/hello", "reachable"),
        ("POST", "/s/x/v1/messages/count_tokens", "count tokens"),
        ("POST", "/s/x/v1beta/models/m:countTokens", "count tokens"),
        ("GET", "/s/x/v1/models", "models"),
        ("GET", "/s/x/favicon", "unknown"),
    ],
)
def test_requests_that_are_no_conversation(method: str, path: str, purpose: str) -> None:
    found = auxiliary.plain(method, path)
    assert found is not None
    assert found[0] == purpose


@pytest.mark.parametrize("path", ["/s/x/v1/messages", "/s/x/v1/responses"])
def test_conversations_are_not_taken_for_them(path: str) -> None:
    assert auxiliary.plain("POST", path) is None


def test_title_and_probe_are_told_by_what_they_ask() -> None:
    bare = claude(tools=())
    title = msgspec.structs.replace(bare, system="Generate a concise title for this.")
    assert auxiliary.purpose(title) == "title"
    assert auxiliary.purpose(msgspec.structs.replace(bare, output_limit=1)) == "probe"


def test_agents_are_never_auxiliary() -> None:
    assert auxiliary.purpose(claude(tools=())) == ""
    speaking = msgspec.structs.replace(claude(tools=()), system="Check the title of the session.")
    assert auxiliary.purpose(speaking) == ""
    named = msgspec.structs.replace(opencode(), system="Generate a title.")
    assert auxiliary.purpose(named) == ""
