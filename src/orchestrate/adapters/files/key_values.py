"""The keys of a map, each of which can be asked for what it should hold.

What a key holds instead of that is kept beside the unknown keys, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.files.profile_keys import Spellings
from orchestrate.adapters.files.profile_notes import ProfileNotes
from orchestrate.adapters.files.yaml_repair import Entry
from orchestrate.adapters.files.yaml_values import Value, as_data, resolved, scalars


class KeyedValues:
    """Known keys by their plain name; `extra` holds unknown keys and misfits, as read."""

    def __init__(self, entries: list[Entry], spellings: Spellings, notes: ProfileNotes) -> None:
        self.notes = notes
        self.extra: dict[str, Any] = {}
        self._known: dict[str, Entry] = {}
        for entry in entries:
            self._add(entry, spellings)

    def _add(self, entry: Entry, spellings: Spellings) -> None:
        key = spellings.meant(entry.key)
        if (key or entry.key) in (self._known if key else self.extra):
            self.notes.warn("duplicate-key", entry.line, entry.column, key=key or entry.key)
        elif key is None:
            self.extra[entry.key] = as_data(entry.value)
        else:
            self._known[key] = entry
            if entry.key not in spellings.accepted:
                self.notes.warn(
                    "key-spelling", entry.line, entry.column, written=entry.key, key=key
                )

    def entry(self, key: str) -> Entry | None:
        """What was given for `key`, whatever it is."""
        return self._known.get(key)

    def given(self, key: str) -> Entry | None:
        """What was given for an optional `key`; warns when that is nothing."""
        entry = self._known.get(key)
        if entry is not None and is_blank(entry.value):
            self.notes.warn("empty-value", entry.line, entry.column, key=entry.key)
            return None
        return entry

    def warn(self, code: str, key: str, **facts: object) -> None:
        """Warn about the value of `key`."""
        value = self._known[key].value
        self.notes.warn(code, value.line, value.column, key=self._known[key].key, **facts)

    def keep(self, key: str) -> None:
        """Keep what was given for `key` as it is, since it is not what it should be."""
        self.extra[key] = as_data(self._known[key].value)

    def text(self, key: str) -> str | None:
        """Text, None if not given."""
        entry = self.given(key)
        if entry is None:
            return None
        if entry.value.kind != "scalar":
            self.warn("value-not-text", key)
            return entry.value.source
        return entry.value.text.strip()

    def names(self, key: str) -> tuple[str, ...]:
        """A list, or text separated by commas."""
        entry = self.given(key)
        if entry is None:
            return ()
        value = entry.value
        if value.kind == "map" or any(item.kind != "scalar" for item in value.items):
            self.warn("value-not-list", key)
            self.keep(key)
        return names_in(value)

    def number(self, key: str, expected: str) -> int | float | None:
        """A number, None if not given or not one."""
        entry = self.given(key)
        if entry is None:
            return None
        number = as_number(entry.value)
        if number is None:
            self.refuse_number(key, expected)
        return number

    def refuse_number(self, key: str, expected: str) -> None:
        """Keep a value that is not the number it should be."""
        self.warn("value-not-number", key, expected=expected)
        self.keep(key)

    def integer(self, key: str, least: int | None = None) -> int | None:
        """A whole number of at least `least`."""
        expected = "a whole number" if least is None else f"a whole number from {least}"
        number = self.number(key, expected)
        if number is None or (isinstance(number, int) and (least is None or number >= least)):
            return number
        self.refuse_number(key, expected)
        return None

    def seconds(self, key: str) -> float | None:
        """A number of seconds above 0."""
        expected = "a number of seconds above 0"
        number = self.number(key, expected)
        if number is None or number > 0:
            return None if number is None else float(number)
        self.refuse_number(key, expected)
        return None


def is_blank(value: Value) -> bool:
    """Whether nothing is given, or only spaces."""
    return value.kind == "scalar" and (value.empty or not value.text.strip())


def as_number(value: Value) -> int | float | None:
    """The number a scalar stands for, quoted or not."""
    if value.kind != "scalar":
        return None
    plain = Value("scalar", value.line, value.column, value.text.strip(), plain=True)
    number = resolved(plain)
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def names_in(value: Value) -> tuple[str, ...]:
    """Names in order, each once."""
    found = (name for scalar in scalars(value) for name in _split(scalar.text))
    return tuple(dict.fromkeys(found))


def _split(text: str) -> Iterator[str]:
    """Names separated by commas or line breaks outside parentheses, without list punctuation."""
    depth = start = 0
    inner = text.strip()
    if inner.startswith("["):
        inner = inner[1:].removesuffix("]")
    for end, character in enumerate(inner + ","):
        if character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        elif (character == "," and (depth == 0 or end == len(inner))) or character == "\n":
            name = _bare(inner[start:end])
            start = end + 1
            if name:
                yield name


def _bare(written: str) -> str:
    """A name without the hyphen or quotes of a list item."""
    name = written.strip().removeprefix("- ").strip()
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    return name[1:-1].strip() if quoted else name
