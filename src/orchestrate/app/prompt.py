"""What an agent is told: its role, how it has to answer, and the material it works from."""

from __future__ import annotations

import msgspec

from orchestrate.ports.performer import AttemptRequest


class Prompt(msgspec.Struct, frozen=True):
    """`system` is appended to the program's own system prompt; `text` is the user's message."""

    system: str
    text: str


def compose(request: AttemptRequest) -> Prompt:
    """The prompt of an attempt; when it goes on with a session, only what is new to it."""
    system = request.profile.body if request.profile else ""
    return Prompt(system=system, text=request.prompt)
