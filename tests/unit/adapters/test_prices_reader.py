"""Price tables: the built-in one holds together, and mistakes in the user's are named by line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestrate.adapters.files.prices_reader import BUILT_IN, price_table, read_prices
from orchestrate.adapters.files.yaml_nodes import MAX_BYTES
from orchestrate.core.sharing.prices import WILDCARD, Rate, cost
from orchestrate.core.sharing.usage import Usage
from orchestrate.errors import ConfigurationError

GOOD = """\
version: 1
prices:
  - provider: openai
    as_of: 2026-11-20
    source: my contract
    models:
      gpt-6-sol: {input: 1, cached_input: 0.05, cache_write: 1.5, output: 5}
      house-model-*:
        {input: 0, output: 0, long_above: 1000, long: {input: 2, output: 4}}
"""


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# -- what comes with the program ---------------------------------------------------------------


def test_built_in_table_names_day_and_source_of_every_price() -> None:
    prices = read_prices(BUILT_IN)
    assert {price.provider for price in prices} == {"anthropic", "openai"}
    for price in prices:
        assert date.fromisoformat(price.as_of) >= date(2025, 1, 1), price
        assert len(price.source) > 10, price


def test_built_in_table_vouches_for_no_model_it_does_not_name() -> None:
    names = [price.model for price in read_prices(BUILT_IN)]
    assert not [name for name in names if name.endswith(WILDCARD)]
    assert len(names) == len(set(names))


def test_built_in_prices_are_of_one_shape() -> None:
    """Output is dearer than input, a cache cheaper to read; a long prompt costs more throughout."""
    for price in read_prices(BUILT_IN):
        rate, long = price.rate, price.long
        assert 0 < rate.input < rate.output, price
        assert rate.cached_input is None or 0 < rate.cached_input < rate.input, price
        assert rate.cache_write is None or rate.input < rate.cache_write, price
        if long is not None:
            assert price.long_above > 0
            assert long.input > rate.input, price
            assert long.output > rate.output, price
            assert (long.cached_input is None) == (rate.cached_input is None), price
            assert (long.cache_write is None) == (rate.cache_write is None), price


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", 3.0 + 15.0),
        ("anthropic", "claude-opus-4-20250514", 15.0 + 75.0),
        ("openai", "gpt-5-codex", 1.25 + 10.0),
        ("openai", "gpt-5-2025-08-07", 1.25 + 10.0),
        ("openai", "gpt-5-pro", 15.0 + 120.0),
    ],
)
def test_built_in_table_prices_names_as_backends_report_them(
    provider: str, model: str, usd: float
) -> None:
    # In ten calls, so that no prompt can have been a long one.
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, turns=100, model=model)
    assert cost(usage, price_table(), provider) == pytest.approx(usd)


# -- the user's corrections --------------------------------------------------------------------


def test_file_that_does_not_exist_corrects_nothing(tmp_path: Path) -> None:
    assert price_table(tmp_path / "prices.yaml") == price_table()


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_file_that_says_nothing_corrects_nothing(tmp_path: Path, text: str) -> None:
    assert read_prices(_file(tmp_path, text)) == ()


def test_own_prices_add_to_and_replace_the_built_in_ones(tmp_path: Path) -> None:
    table = price_table(_file(tmp_path, GOOD))
    own = table.find("openai", "gpt-6-sol")
    assert own is not None
    assert (own.rate, own.long, own.source) == (Rate(1.0, 5.0, 0.05, 1.5), None, "my contract")
    added = table.find("openai", "house-model-2")
    assert added is not None
    assert (added.rate, added.long) == (Rate(0.0, 0.0), Rate(2.0, 4.0))
    assert table.find("openai", "gpt-6-luna") == price_table().find("openai", "gpt-6-luna")


def _changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1\n", ":1: a mapping of names"),
        ("version: 1\n", ":1: prices is missing"),
        (_changed("version: 1", "version: 2"), ":1: version 2 is not known"),
        (_changed("prices:", "price:"), ":2: 'price' is not known here"),
        ("version: 1\nprices: none\n", ":2: prices are a list"),
        (_changed("    source: my contract\n", ""), ":3: source is missing"),
        (_changed("my contract", "[a]"), ":5: a text is expected"),
        (_changed("2026-11-20", "20 November"), ":4: '20 November' is not a day"),
        (_changed("2026-11-20", "2026-02-30"), ":4: '2026-02-30' is not a day"),
        (_changed("output: 5}", "output: five}"), ":7: 'five' is not a price"),
        (_changed("output: 5}", "output: -5}"), ":7: -5 is no price"),
        (_changed("output: 5}", "output: true}"), ":7: 'true' is not a price"),
        (_changed("output: 5}", "output: 5000000}"), ":7: 5000000 is no price"),
        (_changed(", output: 5}", "}"), ":7: output is missing"),
        (_changed("output: 5}", "outputs: 5}"), ":7: 'outputs' is not known here"),
        (_changed("cached_input: 0.05", "cached_input: 5"), ":7: cached input costs more"),
        (_changed("long_above: 1000, ", ""), ":9: long and long_above belong together"),
        (_changed("long_above: 1000", "long_above: 0"), ":9: long_above is a number"),
        (_changed("long_above: 1000", "long_above: 1.5"), ":9: long_above is a number"),
        (_changed("{input: 2, output: 4}", "{input: 2}"), ":9: output is missing"),
        (GOOD + "      gpt-6-sol: {input: 1, output: 2}\n", ":10: gpt-6-sol is given twice"),
        ("version: [1\n", ":2: not valid YAML"),
        ("version: &a 1\nprices: *a\n", ":1: anchors"),
        (b"version: \xff\n", ":1: byte 0xff is not valid UTF-8"),
        (b"#" * (MAX_BYTES + 1), ":1: the file has"),
    ],
)
def test_mistake_is_named_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigurationError) as wrong:
        price_table(path)
    assert wrong.value.message.startswith(f"{path}{said}"), wrong.value.message
    assert wrong.value.remedy
    assert "workflow" not in wrong.value.remedy


def test_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        price_table(tmp_path)
