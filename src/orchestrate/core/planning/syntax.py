"""The grammar of conditions: text to a tree.

    condition  = either
    either     = both { "or" both }
    both       = negation { "and" negation }
    negation   = "not" negation | comparison
    comparison = operand [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand ]
    operand    = literal | list | name | "len" "(" either ")" | "(" either ")"
    list       = "[" [ literal { "," literal } ] "]"
    literal    = number | text in '…' or "…" | "true" | "false"

There is no arithmetic and nothing is called but `len`, so evaluating costs no more than reading.
Length and depth are bounded, which bounds the recursion of everything that walks the tree.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.reference import Reference
from orchestrate.errors import DefinitionError

#: Characters of a condition. The longest in use anywhere is far below.
MAX_LENGTH = 2_000
#: Nesting of parentheses, `not` and `len`.
MAX_DEPTH = 32

Scalar = str | int | float | bool


class ExpressionError(DefinitionError):
    """A condition that cannot be read, or cannot be decided from the values there are.

    Attributes:
        offset: character of the text, from 0, where the trouble is.
    """

    def __init__(self, message: str, offset: int = 0, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.offset = offset


class Literal(msgspec.Struct, frozen=True, tag=True):
    """A value written in the text; a tuple for a list."""

    value: Scalar | tuple[Scalar, ...]
    offset: int


class Name(msgspec.Struct, frozen=True, tag=True):
    """A reference to a value of the run."""

    reference: Reference

    @property
    def offset(self) -> int:
        """Where it begins."""
        return self.reference.offset


class Length(msgspec.Struct, frozen=True, tag=True):
    """`len(operand)`."""

    operand: Node
    offset: int


class Not(msgspec.Struct, frozen=True, tag=True):
    """`not operand`."""

    operand: Node
    offset: int


class Logical(msgspec.Struct, frozen=True, tag=True):
    """Operands joined by all `and` or all `or`, decided from left to right."""

    operator: str
    operands: tuple[Node, ...]
    offset: int


class Comparison(msgspec.Struct, frozen=True, tag=True):
    """`left operator right`; `offset` is that of the operator."""

    operator: str
    left: Node
    right: Node
    offset: int


Node = Literal | Name | Length | Not | Logical | Comparison
