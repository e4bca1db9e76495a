"""What a scripted model says: scenarios of roles, roles of steps, steps of actions.

An action is written without regard to the program that asks: `Write("a.txt", "x")` becomes a call
of whatever tool that program offers for writing files (see `tools`).
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

#: What a scenario may be called: part of a URL.
NAME = re.compile(r"[\w.-]+", re.ASCII)

#: "status": an error answer. "hang": no answer until released. "stall": half an answer, the rest
#: when released. "drop": half an answer, then the connection ends. "malformed": half an answer,
#: then an event that is not JSON.
FaultKind = Literal["status", "hang", "stall", "drop", "malformed"]


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Text. `{cwd}` stands for the program's working directory."""

    text: str


class Json(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A structured answer: a call of the program's tool for it if there is one, else JSON text."""

    value: Any


class Refuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model declines, in the way its provider reports that."""

    text: str = "I cannot help with that."


class Write(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write a file, replacing what is there; `path` is absolute or below the working directory."""

    path: str
    content: str


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace the only occurrence of `old` in a file."""

    path: str
    old: str
    new: str


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read a file."""

    path: str


class Bash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Run a shell command in the working directory, which `{cwd}` stands for."""

    command: str


class Mcp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Call a tool of an MCP server by the names the user gave them."""

    server: str
    tool: str
    args: dict[str, Any] = {}


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Call a tool by the name the program offers it under, with arguments as they are."""

    name: str
    args: dict[str, Any] = {}


Action = Say | Json | Refuse | Write | Edit | Read | Bash | Mcp | Call


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one answer reports as used. The four kinds do not overlap, as in `core.sharing.usage`.

    Where a provider counts cached tokens as input tokens too, its answer does so.
    """

    input_tokens: int = 100
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 10

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.output_tokens + other.output_tokens,
        )

    @property
    def total(self) -> int:
        """All four kinds together."""
        return self.input_tokens + self.cached_tokens + self.cache_write_tokens + self.output_tokens


NO_TOKENS = Tokens(0, 0, 0, 0)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong the first `times` times (None: always), before the script goes on.

    Args:
        kind: what goes wrong.
        times: how many requests it befalls, counted over the whole scenario.
        status: of kind "status", the HTTP status.
        retry_after_s: of kind "status", the header `retry-after`; None: no such header.
        message: of kind "status", the text of the provider's error; empty: one that fits.
        until: of kinds "hang" and "stall", the name to be released.
    """

    kind: FaultKind
    times: int | None = 1
    status: int = 500
    retry_after_s: int | None = None
    message: str = ""
    until: str = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of the model: its actions in order, what it used, and what goes wrong before."""

    actions: tuple[Action, ...]
    tokens: Tokens = Tokens()
    faults: tuple[Fault, ...] = ()


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The script of one role: the answer to a conversation with n answers in it is step n.

    Args:
        name: unique in its scenario.
        steps: steps, or actions that are a step each.
        marker: texts that must all occur in the instructions or the prompts of a conversation
            for this role to answer it; none: any conversation.
        later: steps for the second, third, … conversation of the role; the last of them stays.
        faults: befall the role's requests, whatever the step.
        repeat_last: answer with the last step again when the steps are used up, instead of with
            an error.
    """

    name: str
    steps: tuple[Step | Action, ...]
    marker: tuple[str, ...] | str = ()
    later: tuple[tuple[Step | Action, ...], ...] = ()
    faults: tuple[Fault, ...] = ()
    repeat_last: bool = False

    @property
    def markers(self) -> tuple[str, ...]:
        """The marker texts, however they were given."""
        return (self.marker,) if isinstance(self.marker, str) else self.marker

    def take(self, number: int) -> tuple[Step, ...]:
        """The steps for conversation `number` of this role, counted from 0."""
        takes = (self.steps, *self.later)
        return tuple(as_step(each) for each in takes[min(number, len(takes) - 1)])


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Roles under one name; the first one whose markers are all found answers."""

    name: str
    roles: tuple[Role, ...]


def as_step(step: Step | Action) -> Step:
    """`step`, or the step that is this action alone."""
    return step if isinstance(step, Step) else Step((step,))


def turn(*actions: Action, tokens: Tokens | None = None, faults: tuple[Fault, ...] = ()) -> Step:
    """A step of several actions at once, such as a text and two calls."""
    return Step(actions, Tokens() if tokens is None else tokens, faults)
