"""JSON with the line of every value, and with keys given twice kept apart.

The standard library says neither, and of equal keys it keeps the last: where a file says what is
not allowed, that loses a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["object", "array", "string", "other"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:\s"]+')


class JsonValue(NamedTuple):
    """One value: the keys and indexes that lead to it, what it is, and its line, from 1.

    `text` is the value of a string, and what stands there of any other scalar.
    """

    path: tuple[str | int, ...]
    kind: Kind
    line: int
    text: str = ""


class BrokenJsonError(Exception):
    """It is not JSON; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def values(text: str) -> Iterator[JsonValue]:
    """Every value in `text`, each container before what is in it.

    Raises:
        BrokenJsonError: it is not one JSON document.
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenJsonError(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise BrokenJsonError("it is nested too deeply", 1, 1) from None
    except ValueError as error:  # numbers with more digits than Python converts
        raise BrokenJsonError(str(error), 1, 1) from None
    return _walk(text)


def _walk(text: str) -> Iterator[JsonValue]:
    """The values of a document that is known to be valid."""
    path: list[str | int] = []
    expects_key: list[bool] = []
    line, end = 1, 0
    for match in _TOKEN.finditer(text):
        part = match[0]
        line += text.count("\n", end, match.start())
        end = match.start()
        if part in "}]":
            expects_key.pop()
            path.pop()
        elif part == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            else:
                expects_key[-1] = True
        elif part == ":":
            expects_key[-1] = False
        elif expects_key and expects_key[-1]:
            path[-1] = json.loads(part)
        else:
            yield _value(tuple(path), part, line)
            if part in "{[":
                path.append("" if part == "{" else 0)
                expects_key.append(part == "{")


def _value(path: tuple[str | int, ...], part: str, line: int) -> JsonValue:
    if part in "{[":
        return JsonValue(path, "object" if part == "{" else "array", line)
    if part.startswith('"'):
        return JsonValue(path, "string", line, json.loads(part))
    return JsonValue(path, "other", line, part)
