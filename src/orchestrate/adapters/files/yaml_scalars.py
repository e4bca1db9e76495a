"""Scalars of a YAML file: what they mean, and where in the file each of their characters is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Value = str | int | float | bool | None
#: Offset of a character in a scalar's text -> line and column in the file, from 1.
Locator = Callable[[int], tuple[int, int]]

# Every character the parser counts as the end of a line.
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def resolve(text: str) -> Value:
    """The value of a plain scalar under the core schema of YAML 1.2, without its infinities."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0 if text[:2] in ("0x", "0o") else 10)
    if len(text) < 64 and _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) < 1e300 else text
    return text


def split_lines(text: str) -> list[str]:
    """Lines as the parser numbers them, without their ends."""
    return _BREAK.split(text)


def locator(event: Any, text: str, lines: list[str]) -> Locator | None:
    """How to place a character of the scalar `text`; None where only its beginning is certain.

    Folded scalars and texts with escapes are rewritten on the way, so they are not certain.
    """
    first, last = event.start_mark, event.end_mark
    if event.style == "|":
        return _literal(first.line + 1, text, lines)
    if first.line != last.line or first.line >= len(lines):
        return None
    shift = first.column + (event.style in ("'", '"'))
    if lines[first.line][shift : shift + len(text)] != text:
        return None
    return lambda offset: (first.line + 1, shift + offset + 1)


def _literal(start: int, text: str, lines: list[str]) -> Locator | None:
    written = text.split("\n")
    filled = next((number for number, line in enumerate(written) if line.strip()), None)
    if filled is None or start + filled >= len(lines):
        return None
    source = lines[start + filled]
    if not source.endswith(written[filled]):
        return None
    indent = len(source) - len(written[filled])

    def place(offset: int) -> tuple[int, int]:
        before = text[:offset]
        row = before.count("\n")
        return start + row + 1, indent + offset - (before.rfind("\n") + 1) + 1

    return place
