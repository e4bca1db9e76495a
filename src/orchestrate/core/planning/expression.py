"""The conditions of `when:` and of condition gates: parsed once, decided from a run's values.

Values are of three kinds: text, number, and true or false. Nothing is converted: comparing two
kinds, joining a text with `and`, or naming something that has no value raises ExpressionError. So
what is unknown is never silently true, and never silently false either. `and` and `or` stop at the
first operand that decides, which makes guards possible:

    'findings.high' in tasks.scan.metrics and tasks.scan.metrics.findings.high == 0

The grammar is in `syntax`, the spelling of names in `reference`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from orchestrate.core.planning.parsing import read
from orchestrate.core.planning.reference import Reference, UnknownNameError, lookup
from orchestrate.core.planning.syntax import (
    Comparison,
    ExpressionError,
    Length,
    Literal,
    Logical,
    Name,
    Node,
    Not,
)

__all__ = ["Expression", "ExpressionError", "evaluate", "nodes", "parse"]


class Expression(msgspec.Struct, frozen=True):
    """A condition that has been read. `names` are the values it refers to, in order."""

    text: str
    root: Node
    names: tuple[Reference, ...]


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Read a condition.

    Raises:
        ExpressionError: with the offset of the first mistake.
    """
    root = read(text)
    names = tuple(node.reference for node in nodes(root) if isinstance(node, Name))
    return Expression(text, root, names)


def nodes(root: Node) -> Iterator[Node]:
    """`root` and everything below it, in the order of the text."""
    yield root
    if isinstance(root, Logical):
        for operand in root.operands:
            yield from nodes(operand)
    elif isinstance(root, Comparison):
        yield from nodes(root.left)
        yield from nodes(root.right)
    elif isinstance(root, Not | Length):
        yield from nodes(root.operand)


def evaluate(expression: Expression, scope: Mapping[str, Any]) -> Any:
    """The value of `expression`, where names are looked up in `scope`, a nest of mappings.

    Raises:
        ExpressionError: a name that is needed has no value, or kinds do not fit.
    """
    return _value(expression.root, scope)


def _value(node: Node, scope: Mapping[str, Any]) -> Any:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return _named(node, scope)
    if isinstance(node, Length):
        return _length(node, scope)
    if isinstance(node, Not):
        return not _truth(node.operand, scope, "not")
    if isinstance(node, Logical):
        decides = node.operator == "or"
        for operand in node.operands:
            if _truth(operand, scope, node.operator) is decides:
                return decides
        return not decides
    return _compare(node, scope)


def _named(node: Name, scope: Mapping[str, Any]) -> Any:
    try:
        return lookup(scope, node.reference)
    except UnknownNameError as error:
        raise ExpressionError(
            str(error),
            node.offset,
            remedy=f"there is: {', '.join(error.known)}" if error.known else "",
        ) from None


def _truth(node: Node, scope: Mapping[str, Any], operator_: str) -> bool:
    value = _value(node, scope)
    if isinstance(value, bool):
        return value
    raise ExpressionError(
        f"`{operator_}` joins what is true or false, and this is a {kind_of(value)}",
        node.offset,
        remedy="compare it with something",
    )


def _length(node: Length, scope: Mapping[str, Any]) -> int:
    value = _value(node.operand, scope)
    if isinstance(value, str | tuple | Mapping):
        return len(value)
    raise ExpressionError(f"a {kind_of(value)} has no length", node.operand.offset)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def kind_of(value: object) -> str:
    """What a value is called in messages."""
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        # Every comparison with it is false, so `not (x > 1)` would hold.
        return "number" if value == value else "number that is not one (NaN)"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, tuple) else "group of values"


def _compare(node: Comparison, scope: Mapping[str, Any]) -> bool:
    left, right = _value(node.left, scope), _value(node.right, scope)
    if node.operator in ("in", "not in"):
        return _contains(node, left, right) is (node.operator == "in")
    kinds = kind_of(left), kind_of(right)
    if kinds[0] != kinds[1]:
        raise ExpressionError(
            f"`{node.operator}` compares a {kinds[0]} with a {kinds[1]}",
            node.offset,
            remedy="compare values of one kind",
        )
    ordered = ("text", "number")
    if kinds[0] not in (ordered if node.operator[0] in "<>" else (*ordered, "truth value")):
        raise ExpressionError(f"`{node.operator}` cannot compare a {kinds[0]}", node.offset)
    return _COMPARE[node.operator](left, right)


def _contains(node: Comparison, left: Any, right: Any) -> bool:
    if isinstance(right, tuple):
        wrong = next((item for item in right if kind_of(item) != kind_of(left)), None)
        if wrong is None:
            return left in right
        found = f"a {kind_of(left)} in a list that holds a {kind_of(wrong)}"
    elif isinstance(left, str) and isinstance(right, str | Mapping):
        return left in right
    else:
        found = f"a {kind_of(left)} in a {kind_of(right)}"
    raise ExpressionError(
        f"`{node.operator}` cannot look for {found}",
        node.offset,
        remedy="look for a value in a list of its kind, or for a text in a text",
    )
