"""Who performs a task, and who does when that does not go well."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Budget


class Assignee(msgspec.Struct, frozen=True, omit_defaults=True):
    """One agent through one backend.

    `provider` is whose rate limits and prices apply, empty for a backend that needs none. `paid`:
    using it costs money, tokens or a subscription's allowance. `allowance` is the most one attempt
    may consume; with `hard` the backend itself stops at its cost, otherwise the host watches and
    stops it (soft). `priced`: the cost of `model` is known, from the backend or from the prices.
    `script` is the file that says what a scripted performer does; empty for everybody else.
    `max_parallel` is how many tasks of a run the agent does at once, None for any number.
    """

    agent: str
    backend: str
    model: str = ""
    provider: str = ""
    paid: bool = False
    hard: bool = False
    priced: bool = True
    allowance: Budget = UNLIMITED
    script: str = ""
    max_parallel: int | None = None


class HandOver(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task may be handed to a person, who has `deadline_s` seconds; None for as long as it takes.

    `message` is what they are told besides the prompt.
    """

    deadline_s: float | None = None
    message: str = ""
