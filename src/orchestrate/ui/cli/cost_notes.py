"""What has to be known about the figures of `cost`: where prices are from, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from orchestrate.core.sharing.prices import OLD_AFTER_DAYS, Price, PriceTable, quote
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.views.cost import AttemptCost, RunCost


def cost_notes(cost: RunCost, table: PriceTable, today: date, own_prices: str) -> tuple[str, ...]:
    """Sentences on the figures of `cost`.

    Args:
        cost: the run's.
        table: the prices in force now; those of the attempts may have been others.
        today: for the age of prices.
        own_prices: the file in which the user corrects prices.
    """
    computed = [row for row in cost.attempts if row.consumed.computed_usd]
    used = {
        (price.as_of, price.source): price
        for row in computed
        if (price := table.find(row.provider, row.model)) is not None
    }
    return (
        *(_origin(price, today, own_prices) for _, price in sorted(used.items())),
        *_long_prompts(computed, table),
        *_unpriced(cost, table, own_prices),
    )


def _origin(price: Price, today: date, own_prices: str) -> str:
    text = f"computed from prices of {price.as_of}: {price.source}"
    age = price.age_days(today)
    if age <= OLD_AFTER_DAYS:
        return text
    return f"{text}. They are {age} days old: check them, and correct them in {own_prices}"


def _long_prompts(rows: list[AttemptCost], table: PriceTable) -> Iterator[str]:
    """Models some of whose calls may have been charged more than was computed."""
    seen: dict[str, Price] = {}
    for row in rows:
        found = quote(_usage(row), table, row.provider)
        if found is not None and found.at_least:
            seen.setdefault(row.model, found.price)
    for model, price in seen.items():
        yield (
            f"calls to {model} with prompts above {price.long_above:,} tokens cost more;"
            " how long each was is not known, so it may be more than was computed"
        )


def _usage(row: AttemptCost) -> Usage:
    spent = row.consumed
    return Usage(
        input_tokens=spent.input_tokens,
        cached_tokens=spent.cached_tokens,
        cache_write_tokens=spent.cache_write_tokens,
        output_tokens=spent.output_tokens,
        turns=spent.turns,
        model=row.model,
    )


def _unpriced(cost: RunCost, table: PriceTable, own_prices: str) -> Iterator[str]:
    models = {
        row.model: row.provider
        for row in cost.attempts
        if row.consumed.unknown and row.model and table.find(row.provider, row.model) is None
    }
    for model, provider in sorted(models.items()):
        yield (
            f"no price is known for {model} of {provider or 'an unknown provider'}:"
            f" add it to {own_prices}; it counts from the next attempt on"
        )
