"""What can be told about a condition before any run: the kinds of its values, and constancy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from orchestrate.core.planning.definition import InputSpec, InputType
from orchestrate.core.planning.expression import Expression, evaluate, kind_of, nodes
from orchestrate.core.planning.reference import ITEM, Reference, misspelling
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

_TRUTH, _NUMBER, _TEXT, _GROUP = "truth value", "number", "text", "group of values"
_INPUT_KIND: Mapping[InputType, str] = {
    "string": _TEXT,
    "path": _TEXT,
    "integer": _NUMBER,
    "number": _NUMBER,
    "boolean": _TRUTH,
}
_TASK_KIND = {"ok": _TRUTH, "attempts": _NUMBER, "metrics": _NUMBER}

#: The value of a name as far as it is known: a one-element tuple, or None.
Known = Callable[[Reference], tuple[Any] | None]


class Misfit(NamedTuple):
    """Something about a condition that can never work; `offset` counts from 0."""

    offset: int
    message: str
    fix: str


def kind_of_name(name: Reference, inputs: Mapping[str, InputSpec]) -> str | None:
    """The kind of value `name` has whenever it has one; None if that is not certain."""
    if misspelling(name.path):
        return None
    root, *rest = name.path
    if root == ITEM:
        return None
    if root == "inputs" and rest:
        return _INPUT_KIND[inputs[rest[0]].type] if rest[0] in inputs else None
    if root == "inputs" or rest[1:] in (["metrics"], ["outputs"]):
        return _GROUP
    return _TASK_KIND.get(rest[1], _TEXT) if root == "tasks" else _TEXT


def misfits(expression: Expression, inputs: Mapping[str, InputSpec]) -> Iterator[Misfit]:
    """Operands of the wrong kind, and a whole that is neither true nor false."""

    def kind(node: Node) -> str | None:
        if isinstance(node, Literal):
            return kind_of(node.value)
        if isinstance(node, Name):
            return kind_of_name(node.reference, inputs)
        return _NUMBER if isinstance(node, Length) else _TRUTH

    for node in nodes(expression.root):
        if isinstance(node, Comparison):
            yield from _uncomparable(node, kind(node.left), kind(node.right))
        for operand in _truths(node):
            if kind(operand) not in (_TRUTH, None):
                yield _untrue(operand, kind(operand))
    if kind(expression.root) not in (_TRUTH, None):
        yield _untrue(expression.root, kind(expression.root))


def _truths(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Logical):
        return node.operands
    return (node.operand,) if isinstance(node, Not) else ()


def _untrue(node: Node, kind: str | None) -> Misfit:
    return Misfit(
        node.offset, f"this is a {kind}, neither true nor false", "compare it with something"
    )


def _uncomparable(node: Comparison, left: str | None, right: str | None) -> Iterator[Misfit]:
    if left is None or right is None or node.operator in ("in", "not in"):
        return
    if left != right:
        yield Misfit(
            node.offset,
            f"`{node.operator}` compares a {left} with a {right}",
            "put texts in quotes, and numbers not",
        )


def settled(expression: Expression, known: Known) -> bool | None:
    """The truth of the condition when it is the same whatever the unknown names are, else None."""
    return _settled(expression.root, known)


def _settled(node: Node, known: Known) -> bool | None:
    if isinstance(node, Not):
        inner = _settled(node.operand, known)
        return None if inner is None else not inner
    if isinstance(node, Logical):
        decides = node.operator == "or"
        each = [_settled(operand, known) for operand in node.operands]
        if decides in each:
            return decides
        return None if None in each else not decides
    scope: dict[str, Any] = {}
    for inner_node in nodes(node):
        if isinstance(inner_node, Name):
            value = known(inner_node.reference)
            if value is None:
                return None
            _put(scope, inner_node.reference.path, value[0])
    try:
        value = evaluate(Expression("", node, ()), scope)
    except ExpressionError:
        return None
    return value if isinstance(value, bool) else None


def _put(scope: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for segment in path[:-1]:
        scope = scope.setdefault(segment, {})
    scope[path[-1]] = value
