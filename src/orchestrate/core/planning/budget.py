"""Amounts of what agents consume, and limits on them.

Money is in US dollars, rounded to a billionth at every step so that sums agree whatever the order
of their parts. A limit that is None limits nothing.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

N = TypeVar("N", int, float)

#: Decimals that sums of money are rounded to: token prices have six, times fractions of a cent.
DECIMALS = 9


class Amount(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much of everything: dollars, tokens of all kinds, model calls, seconds of an agent."""

    cost_usd: float = 0.0
    tokens: int = 0
    turns: int = 0
    time_s: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            round(self.cost_usd + other.cost_usd, DECIMALS),
            self.tokens + other.tokens,
            self.turns + other.turns,
            round(self.time_s + other.time_s, DECIMALS),
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            round(self.cost_usd - other.cost_usd, DECIMALS),
            self.tokens - other.tokens,
            self.turns - other.turns,
            round(self.time_s - other.time_s, DECIMALS),
        )


NOTHING = Amount()


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """The most that may be consumed; None for no limit of that kind."""

    cost_usd: float | None = None
    tokens: int | None = None
    turns: int | None = None
    time_s: float | None = None

    @property
    def limits(self) -> bool:
        """Whether it limits anything."""
        return self != UNLIMITED

    def capped(self, other: Budget) -> Budget:
        """The stricter of both, kind by kind."""
        return Budget(
            _stricter(self.cost_usd, other.cost_usd),
            _stricter(self.tokens, other.tokens),
            _stricter(self.turns, other.turns),
            _stricter(self.time_s, other.time_s),
        )

    def less(self, used: Amount) -> Budget:
        """What is left of it after `used`; may be negative where more was used."""
        return Budget(
            None if self.cost_usd is None else round(self.cost_usd - used.cost_usd, DECIMALS),
            None if self.tokens is None else self.tokens - used.tokens,
            None if self.turns is None else self.turns - used.turns,
            None if self.time_s is None else round(self.time_s - used.time_s, DECIMALS),
        )


UNLIMITED = Budget()


def _stricter(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
