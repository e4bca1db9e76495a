"""What tokens cost by a table, and how a model's name is found in it."""

from __future__ import annotations

from datetime import date

import pytest

from orchestrate.core.sharing.prices import (
    OLD_AFTER_DAYS,
    Price,
    PriceTable,
    Rate,
    cost,
    priced,
    quote,
)
from orchestrate.core.sharing.usage import Usage

DAY = "2026-11-19"


def _price(model: str, rate: Rate | None = None, **more: object) -> Price:
    found = rate or Rate(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75)
    return Price("acme", model, found, DAY, "price list", **more)  # type: ignore[arg-type]


def _table(*models: str) -> PriceTable:
    return PriceTable.of(_price(model) for model in models)


def _found(table: PriceTable, model: str) -> str | None:
    price = table.find("acme", model)
    return price.model if price is not None else None


@pytest.mark.parametrize(
    ("model", "entry"),
    [
        ("sonnet-4-5", "sonnet-4-5"),
        ("sonnet-4-5-20250929", "sonnet-4-5"),
        ("sonnet-4-5-latest", "sonnet-4-5"),
        ("g-5-2025-08-07", "g-5"),
        ("g-5-codex-2025-09-15", "g-5-codex"),
        # Another model, or nobody knows: each of these costs something else than its beginning.
        ("g-5-pro", None),
        ("sonnet-4-6", None),
        ("sonnet-4", None),
        ("sonnet-4-5-1", None),
        ("g-55", None),
        ("g-5-202508", None),
        ("G-5", None),
        ("", None),
    ],
)
def test_name_is_found_as_it_is_or_without_the_date_of_a_snapshot(
    model: str, entry: str | None
) -> None:
    assert _found(_table("sonnet-4-5", "g-5", "g-5-codex"), model) == entry


def test_entry_of_a_snapshot_beats_that_of_its_model() -> None:
    assert _found(_table("g-5", "g-5-2025-08-07"), "g-5-2025-08-07") == "g-5-2025-08-07"


def test_longest_entry_that_ends_in_a_star_stands_for_what_follows() -> None:
    table = _table("g-5-*", "g-5-codex-*", "g-5")
    assert _found(table, "g-5-codex-mini") == "g-5-codex-*"
    assert _found(table, "g-5-pro") == "g-5-*"
    assert _found(table, "g-5") == "g-5"
    assert _found(table, "g-55") is None


def test_prices_are_those_of_one_provider() -> None:
    assert _table("g-5").find("other", "g-5") is None
    assert _table("g-5").find("", "g-5") is None


def test_later_price_of_a_model_replaces_an_earlier_one() -> None:
    table = PriceTable.of([_price("g-5"), _price("g-6"), _price("g-5", Rate(1.0, 2.0))])
    assert cost(Usage(input_tokens=1_000_000), table, "acme", "g-5") == 1.0
    assert cost(Usage(input_tokens=1_000_000), table, "acme", "g-6") == 3.0


def test_every_kind_of_token_has_its_price() -> None:
    usage = Usage(
        input_tokens=1_000, cached_tokens=20_000, cache_write_tokens=4_000, output_tokens=500
    )
    assert cost(usage, _table("g-5"), "acme", "g-5") == pytest.approx(
        0.003 + 0.006 + 0.015 + 0.0075
    )


def test_reasoning_is_part_of_the_output_and_not_paid_twice() -> None:
    usage = Usage(output_tokens=1_000, reasoning_tokens=900)
    assert cost(usage, _table("g-5"), "acme", "g-5") == pytest.approx(0.015)


def test_cache_without_a_price_of_its_own_costs_as_input() -> None:
    table = PriceTable.of([_price("g-5", Rate(input=2.0, output=8.0))])
    usage = Usage(cached_tokens=1_000_000, cache_write_tokens=1_000_000)
    assert cost(usage, table, "acme", "g-5") == 4.0


def test_model_that_was_really_used_is_priced() -> None:
    table = PriceTable.of([_price("g-5"), _price("g-6", Rate(1.0, 2.0))])
    usage = Usage(input_tokens=1_000_000, model="g-6")
    assert cost(usage, table, "acme", "g-5") == 1.0


def test_unknown_model_costs_an_unknown_amount_and_not_nothing() -> None:
    usage = Usage(input_tokens=1_000)
    assert cost(usage, _table("g-5"), "acme", "g-7") is None
    found = priced(usage, _table("g-5"), "acme", "g-7")
    assert (found.cost_usd, found.cost_source) == (None, "unknown")


def test_price_fills_in_what_the_backend_did_not_say() -> None:
    found = priced(Usage(output_tokens=1_000), _table("g-5"), "acme", "g-5")
    assert (found.cost_usd, found.cost_source) == (0.015, "prices")


def test_what_a_backend_reported_stands() -> None:
    usage = Usage(output_tokens=1_000, cost_usd=0.0, cost_source="reported")
    assert priced(usage, _table("g-5"), "acme", "g-5") == usage


LONG = {"long": Rate(input=6.0, output=30.0), "long_above": 100_000}


def test_prompts_that_were_long_on_average_are_charged_as_long() -> None:
    table = PriceTable.of([_price("g-5", Rate(3.0, 15.0), **LONG)])
    found = quote(Usage(input_tokens=300_000, turns=2), table, "acme", "g-5")
    assert found is not None
    assert (found.cost_usd, found.at_least) == (1.8, False)


def test_short_prompts_that_may_hide_long_ones_cost_at_least_what_is_said() -> None:
    table = PriceTable.of([_price("g-5", Rate(3.0, 15.0), **LONG)])
    found = quote(Usage(input_tokens=300_000, turns=30), table, "acme", "g-5")
    assert found is not None
    assert (found.cost_usd, found.at_least) == (0.9, True)
    nobody_counted = quote(Usage(input_tokens=300_000), table, "acme", "g-5")
    assert nobody_counted is not None
    assert (nobody_counted.cost_usd, nobody_counted.at_least) == (0.9, True)


def test_prompts_that_cannot_have_been_long_are_certain() -> None:
    table = PriceTable.of([_price("g-5", Rate(3.0, 15.0), **LONG)])
    found = quote(Usage(input_tokens=100_000, output_tokens=9_000, turns=9), table, "acme", "g-5")
    assert found is not None
    assert not found.at_least


def test_age_is_counted_in_days_and_never_negative() -> None:
    price = _price("g-5")
    assert price.age_days(date(2026, 11, 20)) == 1
    assert price.age_days(date(2026, 1, 1)) == 0
    assert price.age_days(date(2027, 11, 19)) > OLD_AFTER_DAYS
