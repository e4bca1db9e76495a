"""Reads conditions; the grammar and the tree are in `syntax`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from orchestrate.core.planning.reference import PATH, reference
from orchestrate.core.planning.syntax import (
    MAX_DEPTH,
    MAX_LENGTH,
    Comparison,
    ExpressionError,
    Length,
    Literal,
    Logical,
    Name,
    Node,
    Not,
    Scalar,
)


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
    rf"|(?P<name>{PATH})"
    r"|(?P<text>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<symbol>==|!=|<=|>=|[<>()\[\],])"
)
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
#: What people write who know another language -> what is meant.
_FOREIGN = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "=": "compare with `==`",
    "$": "write the name alone, without `$`",
    "{": "write the name alone, without braces",
    "'": "close the text with another quote",
    '"': "close the text with another quote",
}
_WORDS = {"and", "or", "not", "in", "true", "false"}
_MISSPELT = {
    "True": "true",
    "False": "false",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "IN": "in",
    "is": "==",
}


def read(text: str) -> Node:
    """The tree of `text`. Raises ExpressionError at the first mistake."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"a condition has at most {MAX_LENGTH} characters, this one has {len(text)}",
            MAX_LENGTH,
            remedy="compute the value in a task and compare one of its metrics",
        )
    return _Parser(text).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKENS.match(text, offset)
        if match is None:
            raise ExpressionError(
                f"unexpected {text[offset]!r}", offset, remedy=_FOREIGN.get(text[offset], "")
            )
        kind = str(match.lastgroup)
        if kind == "name" and match.group() in _WORDS:
            kind = "word"
        if kind != "space":
            found.append(_Token(kind, match.group(), offset))
        offset = match.end()
    found.append(_Token("end", "", len(text)))
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._next.kind == "end":
            raise ExpressionError("the condition is empty", remedy="write one, or remove the key")
        node = self._either()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")
        return node

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> _Token | None:
        """The next token, consumed, if it is one of these words or symbols."""
        token = self._next
        if token.kind not in ("word", "symbol") or token.text not in texts:
            return None
        self._at += 1
        return token

    def _unexpected(self, wanted: str) -> ExpressionError:
        token = self._next
        found = f"{token.text!r}" if token.kind != "end" else "the end"
        remedy = ""
        if token.text in _MISSPELT:
            remedy = f"write `{_MISSPELT[token.text]}`"
        return ExpressionError(f"expected {wanted}, found {found}", token.offset, remedy=remedy)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                f"nested more than {MAX_DEPTH} deep", self._next.offset, remedy="simplify it"
            )

    def _either(self) -> Node:
        return self._joined("or", self._both)

    def _both(self) -> Node:
        return self._joined("and", self._negation)

    def _joined(self, operator: str, operand: Callable[[], Node]) -> Node:
        operands = [operand()]
        first = self._next
        while self._take(operator):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return Logical(operator, tuple(operands), first.offset)

    def _negation(self) -> Node:
        token = self._take("not")
        if token is None:
            return self._comparison()
        self._deeper()
        node = Not(self._negation(), token.offset)
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._operand()
        token = self._operator()
        if token is None:
            return left
        right = self._operand()
        if self._operator() is not None:
            raise ExpressionError(
                "comparisons do not chain",
                self._tokens[self._at - 1].offset,
                remedy="compare two values at a time and join them with `and`",
            )
        return Comparison(token.text, left, right, token.offset)

    def _operator(self) -> _Token | None:
        token = self._take("==", "!=", "<", "<=", ">", ">=", "in")
        if token is not None:
            return token
        token = self._take("not")
        if token is None:
            return None
        if self._take("in") is None:
            raise self._unexpected("`in` after `not`")
        return _Token("word", "not in", token.offset)

    def _operand(self) -> Node:
        token = self._next
        if token.kind == "name" and token.text != "len":
            self._at += 1
            if token.text in _MISSPELT:
                self._at -= 1
                raise self._unexpected("a value")
            return Name(reference(token.text, token.offset))
        if token.kind == "name" or self._take("("):
            return self._enclosed(token)
        if self._take("["):
            return self._list(token)
        return self._literal()

    def _enclosed(self, token: _Token) -> Node:
        """`len(…)` or `(…)`; the parenthesis of the latter is already consumed."""
        self._deeper()
        if token.text == "len":
            self._at += 1
            if not self._take("("):
                raise self._unexpected("`(` after `len`")
        inner = self._either()
        if not self._take(")"):
            raise self._unexpected("`)`")
        self._depth -= 1
        return Length(inner, token.offset) if token.text == "len" else inner

    def _list(self, opening: _Token) -> Literal:
        values: list[Scalar] = []
        while not self._take("]"):
            if values and not self._take(","):
                raise self._unexpected("`,` or `]`")
            value = self._literal().value
            assert not isinstance(value, tuple)
            values.append(value)
        return Literal(tuple(values), opening.offset)

    def _literal(self) -> Literal:
        token = self._next
        if token.kind == "number":
            value: Scalar = _number(token)
        elif token.kind == "text":
            value = _unquoted(token)
        elif token.kind == "word" and token.text in ("true", "false"):
            value = token.text == "true"
        else:
            raise self._unexpected("a value")
        self._at += 1
        return Literal(value, token.offset)


def _number(token: _Token) -> int | float:
    if token.text.lstrip("-").isdigit():
        return int(token.text)
    value = float(token.text)
    if math.isinf(value):
        raise ExpressionError("this number is too large", token.offset)
    return value


def _unquoted(token: _Token) -> str:
    def plain(match: re.Match[str]) -> str:
        try:
            return _ESCAPES[match.group(1)]
        except KeyError:
            raise ExpressionError(
                f"unknown escape {match.group()}",
                token.offset + 1 + match.start(),
                remedy=r"write \\ for a backslash",
            ) from None

    return re.sub(r"\\(.)", plain, token.text[1:-1])
