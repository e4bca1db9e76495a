"""What an attempt consumed, as its backend told or as it could be observed."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrate.core.planning.budget import DECIMALS, Amount

#: Who says what it cost: the agent's own report, our price table, or nobody. What a script says was
#: never spent.
CostSource = Literal["reported", "prices", "unknown", "scripted"]


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens by kind, model calls, and money, of one attempt alone (never cumulative).

    The four kinds of tokens do not overlap: `input_tokens` were neither read from nor written to a
    cache. `reasoning_tokens` are part of `output_tokens`. `cost_usd` is None where nobody knows it,
    which is not the same as 0. `complete` is false where the attempt was cut off: at least this
    much was consumed. `model` is the one that was really used, as the backend named it.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    turns: int = 0
    cost_usd: float | None = None
    cost_source: CostSource = "unknown"
    model: str = ""
    complete: bool = True

    @property
    def tokens(self) -> int:
        """All tokens that went in or came out."""
        return self.input_tokens + self.cached_tokens + self.cache_write_tokens + self.output_tokens

    def amount(self, duration_s: float) -> Amount:
        """As an amount of a budget; what is unknown counts as nothing here."""
        cost_usd = 0.0 if self.cost_usd is None else round(self.cost_usd, DECIMALS)
        return Amount(cost_usd, self.tokens, self.turns, round(duration_s, DECIMALS))


class AgentSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """One live conversation with an agent, to go on with.

    `id` is the backend's own; only `backend` can go on with it. It took place in the workspace
    called `workspace` (empty: in none), which started from `base`. `cost_usd` and `tokens` are what
    was accounted for since the session began, for backends whose reports are cumulative.
    """

    id: str
    backend: str
    workspace: str = ""
    base: str = ""
    cost_usd: float = 0.0
    tokens: int = 0


class Denial(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call that was not allowed, as the agent's program reported it."""

    tool: str
    detail: str = ""
