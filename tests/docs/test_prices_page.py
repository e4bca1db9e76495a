"""The page on prices says what the table says, and its example is one that is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrate.adapters.files.prices_reader import BUILT_IN, price_table, read_prices
from orchestrate.core.running import rate_gate
from orchestrate.core.sharing.prices import OLD_AFTER_DAYS, Price, Rate

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "prices.md").read_text(encoding="utf-8")
MONEY = " ".join((DOCS / "explanation" / "money.md").read_text(encoding="utf-8").split())
PRICES = read_prices(BUILT_IN)


def _usd(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _rate(rate: Rate) -> list[str]:
    return [_usd(each) for each in (rate.input, rate.cached_input, rate.cache_write, rate.output)]


def _row(price: Price) -> str:
    above = "–" if price.long is None else f"{price.long_above:,}: {', '.join(_rate(price.long))}"
    cells = (f"`{price.model}`", *_rate(price.rate), above, price.as_of)
    return f"| {' | '.join(cells)} |"


def test_every_built_in_price_has_its_row() -> None:
    rows = re.findall(r"^\| `[^`]+` (?:\| [^|]+ ){5}\| [\d-]{10} \|$", PAGE, flags=re.M)
    assert rows == [_row(price) for price in PRICES]


def test_every_source_is_named() -> None:
    named = dict.fromkeys(f"| {p.provider} | {p.as_of} | {p.source} |" for p in PRICES)
    assert re.findall(r"^\| \w+ \| [\d-]{10} \| .+ \|$", PAGE, flags=re.M) == list(named)


def test_example_is_understood(tmp_path: Path) -> None:
    [example] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.M | re.S)
    path = tmp_path / "prices.yaml"
    path.write_text(example)
    table = price_table(path)
    own = table.find("openai", "gpt-6-sol")
    assert own is not None
    assert own.rate == Rate(1.8, 9.0, 0.18, 2.25)
    assert table.find("openai", "house-model-2") is not None


@pytest.mark.parametrize("name", ["claude-sonnet-4-5-20250929", "gpt-5-2025-08-07", "gpt-5-pro"])
def test_names_on_the_page_are_matched(name: str) -> None:
    assert name in PAGE
    assert any(price_table().find(who, name) for who in ("anthropic", "openai"))


def test_constants_on_the_pages_are_the_ones_used() -> None:
    assert f"older than {OLD_AFTER_DAYS} days" in PAGE
    assert f"up to {rate_gate.WIDEST} attempts" in MONEY
    assert f"{rate_gate.FIRST_WAIT_S:.0f} s, since" in MONEY
    assert f"up to {rate_gate.LONGEST_WAIT_S / 60:.0f} min" in MONEY
    assert f"at least {rate_gate.LEAST_TOLD_S:.0f} s, at most a day" in MONEY
    assert rate_gate.LONGEST_TOLD_S == 24 * 3600
