"""Fields of a mapping, by type. What is absent or of another type gives the default.

The structure check reports wrong types, so nothing is reported here but durations, which a schema
can only describe roughly.
"""

from __future__ import annotations

from typing import Any, TypeVar

from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.duration import parse_duration

_T = TypeVar("_T", float, float | None)
_I = TypeVar("_I", int, int | None)


def text(node: Node, key: str) -> str:
    """A text; empty by default."""
    found = node.entries.get(key)
    return found.value if found is not None and isinstance(found.value, str) else ""


def texts(node: Node, key: str) -> tuple[str, ...]:
    """The distinct texts of a list, in order."""
    found = (item.value for item in sequence(node, key))
    return tuple(dict.fromkeys(value for value in found if isinstance(value, str)))


def boolean(node: Node, key: str, default: bool) -> bool:
    """True or false."""
    found = node.entries.get(key)
    return found.value if found is not None and isinstance(found.value, bool) else default


def number(node: Node, key: str, default: _T) -> float | _T:
    """A number, as a float."""
    found = node.entries.get(key)
    if found is None or isinstance(found.value, bool) or not isinstance(found.value, int | float):
        return default
    return float(found.value)


def integer(node: Node, key: str, default: _I) -> int | _I:
    """A whole number, also when written as `3.0`."""
    value = number(node, key, None)
    return int(value) if value is not None and value == int(value) else default


def sequence(node: Node, key: str) -> list[Node]:
    """The items of a list; empty by default."""
    found = node.entries.get(key)
    return found.items if found is not None else []


def mapping(node: Node, key: str) -> Node:
    """A mapping; an empty one by default."""
    found = node.entries.get(key)
    if found is None or found.kind != "mapping":
        return Node("mapping", node.line, node.column)
    return found


def duration(
    node: Node, key: str, default: _T, report: Report, *, positive: bool = False
) -> float | _T:
    """Seconds; what cannot be read is reported and gives the default.

    Args:
        positive: zero is a mistake too.
    """
    found = node.entries.get(key)
    if (
        found is None
        or isinstance(found.value, bool)
        or not isinstance(found.value, str | int | float)
    ):
        return default
    try:
        seconds = parse_duration(found.value)
        if positive and not seconds:
            raise ValueError(f"`{key}` is more than zero")
    except ValueError as error:
        report.add("bad-duration", found, str(error), "write for example 90s, 5m or 1h30m")
        return default
    return seconds


def condition(node: Node, key: str) -> str | None:
    """A condition may be written as `true` or `false`, which YAML makes a truth value."""
    found = node.entries.get(key)
    if found is None or found.kind != "scalar":
        return None
    if isinstance(found.value, bool):
        return str(found.value).lower()
    return found.value if isinstance(found.value, str) else None


def scalar(node: Node | None) -> Any:
    """The value of a scalar node; None for anything else."""
    return node.value if node is not None and node.kind == "scalar" else None


def one_of(word: str, known: tuple[str, ...], otherwise: str) -> Any:
    """`word` if it is known; typed loosely so that it can stand for a literal type."""
    return word if word in known else otherwise
