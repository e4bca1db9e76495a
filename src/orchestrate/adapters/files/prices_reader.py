"""Reads price tables: the one that comes with the program, and the user's corrections to it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from orchestrate import library
from orchestrate.adapters.files.yaml_nodes import MAX_BYTES, Node, UnreadableYamlError, read_yaml
from orchestrate.core.sharing.prices import Price, PriceTable, Rate
from orchestrate.errors import ConfigurationError

BUILT_IN = Path(library.__path__[0]) / "prices.yaml"
VERSION = 1

#: What to do instead of what the reader of workflows advises.
_REMEDIES = {
    "alias": "write the numbers themselves",
    "too-large": "a price table has a few hundred lines; remove what is not one",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: No model costs near as much; a price per token, or one in cents, is a slip of the pen.
_MOST = 100_000.0
_RATES = ("input", "output", "cached_input", "cache_write")
_LEAST = ("input", "output")
_LONG = ("long", "long_above")


def price_table(*overrides: Path) -> PriceTable:
    """The built-in prices, added to and replaced by those in `overrides`, later files winning.

    A file that does not exist overrides nothing.

    Raises:
        ConfigurationError: a file cannot be read or is wrong; names file and line.
    """
    prices = [*read_prices(BUILT_IN)]
    for path in overrides:
        prices += read_prices(path)
    return PriceTable.of(prices)


def read_prices(path: Path) -> tuple[Price, ...]:
    """The prices in `path`, in the order of the file; none when it does not exist.

    Raises:
        ConfigurationError: unreadable, not YAML, or wrong somewhere; names file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return tuple(_File(path).prices(read_yaml(data)))
    except UnreadableYamlError as error:
        if error.code == "empty-file":
            return ()
        remedy = _REMEDIES.get(error.code, error.fix)
        raise ConfigurationError(f"{path}:{error.line}: {error.message}", remedy=remedy) from None


class _File:
    """One file, whose path begins every message."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prices(self, root: Node) -> Iterator[Price]:
        """The prices of the whole file."""
        top = self._fields(root, ("version", "prices"), ("version", "prices"))
        if top["version"].value != VERSION:
            raise self._wrong(
                top["version"], f"version {top['version'].text} is not known", "write `version: 1`"
            )
        if top["prices"].kind != "list":
            raise self._wrong(top["prices"], "prices are a list of groups", "begin with `- `")
        for group in top["prices"].items:
            yield from self._group(group)

    def _group(self, node: Node) -> Iterator[Price]:
        names = ("provider", "as_of", "source", "models")
        group = self._fields(node, names, names)
        provider, source = self._text(group["provider"]), self._text(group["source"])
        as_of = self._day(group["as_of"])
        models = group["models"]
        self._fields(models, None, ())
        for model, entry in models.entries.items():
            found = self._fields(entry, (*_RATES, *_LONG), _LEAST)
            rate = self._rate(entry, found)
            long, above = self._long(entry, found)
            yield Price(provider, model, rate, as_of, source, long, above)

    def _rate(self, node: Node, found: dict[str, Node]) -> Rate:
        rate = Rate(**{name: self._usd(found[name]) for name in _RATES if name in found})
        if rate.cached_input is not None and rate.cached_input > rate.input:
            raise self._wrong(
                found.get("cached_input", node),
                "cached input costs more than input",
                "exchange the two numbers, or remove cached_input",
            )
        return rate

    def _long(self, entry: Node, found: dict[str, Node]) -> tuple[Rate | None, int]:
        given = [name for name in _LONG if name in found]
        if not given:
            return None, 0
        if len(given) == 1:
            raise self._wrong(
                entry, "long and long_above belong together", f"give both, or remove {given[0]}"
            )
        above = found["long_above"]
        if not isinstance(above.value, int) or isinstance(above.value, bool) or above.value < 1:
            raise self._wrong(above, "long_above is a number of tokens", "write a whole number")
        node = found["long"]
        return self._rate(node, self._fields(node, _RATES, _LEAST)), above.value

    def _fields(
        self, node: Node, known: tuple[str, ...] | None, needed: tuple[str, ...]
    ) -> dict[str, Node]:
        """The entries of a mapping; every name may stand in it when `known` is None."""
        if node.kind != "mapping":
            raise self._wrong(node, "a mapping of names to values is expected", "write `name: …`")
        for again in node.repeated:
            raise self._wrong(again, f"{again.text} is given twice", "keep one of them")
        for name, key in node.keys.items():
            if known is not None and name not in known:
                raise self._wrong(key, f"{name!r} is not known here", f"known: {', '.join(known)}")
        for name in needed:
            if name not in node.entries:
                raise self._wrong(node, f"{name} is missing", f"add `{name}: …`")
        return node.entries

    def _usd(self, node: Node) -> float:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(node, f"{node.text!r} is not a price", "write a number of dollars")
        if not (math.isfinite(value) and 0 <= value <= _MOST):
            raise self._wrong(
                node, f"{node.text} is no price in USD per million tokens", "correct the number"
            )
        return float(value)

    def _day(self, node: Node) -> str:
        try:
            if _DAY.fullmatch(node.text):
                return date.fromisoformat(node.text).isoformat()
        except ValueError:
            pass
        raise self._wrong(node, f"{node.text!r} is not a day", "write it as YYYY-MM-DD")

    def _text(self, node: Node) -> str:
        if node.kind != "scalar" or not node.text.strip():
            raise self._wrong(node, "a text is expected", "write one")
        return node.text.strip()

    def _wrong(self, node: Node, message: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}:{node.line}: {message}", remedy=remedy)
