"""What models cost: a dated table, and what an attempt's tokens come to by it.

Prices are in US dollars per million tokens. A model that the table does not have costs an unknown
amount, never nothing. Names are matched narrowly, because a near name is another price: `gpt-5` is
the beginning of `gpt-5-pro`, which costs twelve times as much. A name is looked for

1. as it is;
2. without the date of a snapshot at its end (`-20250929`, `-2025-08-07`) or `-latest`;
3. by the longest entry that ends in `-*`, which stands for whatever follows. The built-in table has
   no such entry: whoever writes one vouches for models that do not exist yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from orchestrate.core.planning.budget import DECIMALS
from orchestrate.core.sharing.usage import Usage

#: Days after which a price is called old. In the year of the built-in table vendors changed prices
#: of models on sale in July, September and October.
OLD_AFTER_DAYS = 90

PER = 1_000_000
WILDCARD = "-*"
_SNAPSHOT = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


class Rate(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """USD per million tokens of each kind; a cache that has no price of its own costs as input."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None

    def of(self, usage: Usage) -> float:
        """What the tokens of `usage` come to, in USD."""
        cached = self.input if self.cached_input is None else self.cached_input
        write = self.input if self.cache_write is None else self.cache_write
        total = (
            usage.input_tokens * self.input
            + usage.cached_tokens * cached
            + usage.cache_write_tokens * write
            + usage.output_tokens * self.output
        )
        return round(total / PER, DECIMALS)


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one model costs.

    `as_of` is the day (YYYY-MM-DD) the source said so, and `source` names it. A call whose prompt
    (input of every kind) is longer than `long_above` tokens is charged by `long` altogether.
    """

    provider: str
    model: str
    rate: Rate
    as_of: str
    source: str
    long: Rate | None = None
    long_above: int = 0

    def age_days(self, today: date) -> int:
        """Days since `as_of`; never negative."""
        return max(0, (today - date.fromisoformat(self.as_of)).days)


class Quote(msgspec.Struct, frozen=True):
    """What usage comes to. `at_least`: some of its calls may have been charged as long ones."""

    cost_usd: float
    price: Price
    at_least: bool = False


class PriceTable(msgspec.Struct, frozen=True):
    """Prices by provider and model."""

    prices: Mapping[str, Mapping[str, Price]] = {}

    @classmethod
    def of(cls, prices: Iterable[Price]) -> PriceTable:
        """A table of `prices`, later ones replacing earlier ones of the same model."""
        found: dict[str, dict[str, Price]] = {}
        for price in prices:
            found.setdefault(price.provider, {})[price.model] = price
        return cls(found)

    def find(self, provider: str, model: str) -> Price | None:
        """The price of `model`, or None if it is not known."""
        known = self.prices.get(provider, {})
        exact = known.get(model) or known.get(_SNAPSHOT.sub("", model))
        if exact is not None:
            return exact
        wild = [name for name in known if name.endswith(WILDCARD) and model.startswith(name[:-1])]
        return known[max(wild, key=len)] if wild else None


def quote(usage: Usage, table: PriceTable, provider: str, model: str = "") -> Quote | None:
    """What `usage` comes to; None where the price is not known.

    The model is the one `usage` names, else `model`. How long each prompt was is not known, only
    their sum and the number of calls: calls are charged as long ones if they were on average.
    """
    price = table.find(provider, usage.model or model)
    if price is None:
        return None
    if price.long is None:
        return Quote(price.rate.of(usage), price)
    prompts = usage.tokens - usage.output_tokens
    if usage.turns and prompts > price.long_above * usage.turns:
        return Quote(price.long.of(usage), price)
    may_be_more = usage.turns != 1 and prompts > price.long_above
    return Quote(price.rate.of(usage), price, at_least=may_be_more)


def cost(usage: Usage, table: PriceTable, provider: str, model: str = "") -> float | None:
    """What `usage` comes to in USD; None where the price is not known."""
    found = quote(usage, table, provider, model)
    return None if found is None else found.cost_usd


def priced(usage: Usage, table: PriceTable, provider: str, model: str = "") -> Usage:
    """`usage` with its cost by the table, unless its backend reported one."""
    if usage.cost_usd is not None:
        return usage
    cost_usd = cost(usage, table, provider, model)
    if cost_usd is None:
        return msgspec.structs.replace(usage, cost_source="unknown")
    return msgspec.structs.replace(usage, cost_usd=cost_usd, cost_source="prices")
