"""What a codemod finds in a module, and what it would change there."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import libcst as cst

from orchestrate.adapters.backends.local.fixes.module_view import ModuleView

#: Makes the new node from the old one, whose parts may have been changed already.
Edit: TypeAlias = Callable[[cst.CSTNode], cst.CSTNode]


class Refused(Exception):
    """A flaw is there and must not be touched; the text says why."""


@dataclass(frozen=True, slots=True)
class NewImport:
    """`import module`, or `from module import name` if `name` is given, beside another import."""

    module: str
    beside: cst.Import | cst.ImportFrom
    name: str = ""


@dataclass(slots=True)
class Change:
    """Everything one flaw's removal does to a module.

    `edits` are by original node. `before` and `after` hold statements to put around a statement.
    `released` are names that are no longer used where they stood; an import that nothing else uses
    goes with them.
    """

    edits: dict[cst.CSTNode, Edit] = field(default_factory=dict)
    before: dict[cst.BaseStatement, list[cst.SimpleStatementLine]] = field(default_factory=dict)
    after: dict[cst.BaseStatement, list[cst.SimpleStatementLine]] = field(default_factory=dict)
    imports: list[NewImport] = field(default_factory=list)
    released: set[cst.Name] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def replace(self, node: cst.CSTNode, edit: Edit) -> None:
        """Have `edit` applied to `node`, after what is asked for it already."""
        earlier = self.edits.get(node)
        self.edits[node] = edit if earlier is None else lambda new: edit(earlier(new))


@dataclass(frozen=True, slots=True, eq=False)
class Flaw:
    """One flawed call or setting.

    `change` is None exactly when `refusal` says why there is none. Lines are from 1, `column` from
    1 in characters. `source` is the flaw's text, normalised so that its layout does not matter.
    """

    node: cst.CSTNode
    symbol: str
    line: int
    end_line: int
    column: int
    source: str
    change: Change | None = None
    refusal: str = ""

    @property
    def digest(self) -> str:
        """Identifies the flaw within its symbol, whatever line it stands on."""
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()[:16]


Finder: TypeAlias = Callable[[ModuleView], Iterator[Flaw]]


@dataclass(frozen=True, slots=True)
class Codemod:
    """One kind of fix. `rules` are the findings it answers, `watched` the modules whose calls its
    security test looks at."""

    name: str
    title: str
    rules: frozenset[str]
    watched: tuple[str, ...]
    find: Finder


def flaw_at(view: ModuleView, node: cst.CSTNode, make: Callable[[Change], None]) -> Flaw:
    """The flaw at `node`; `make` fills in the change or raises `Refused`."""
    change: Change | None = Change()
    refusal = ""
    try:
        assert change is not None
        make(change)
    except Refused as error:
        change, refusal = None, str(error)
    place = view.positions[node]
    return Flaw(
        node=node,
        symbol=view.symbol(node),
        line=place.start.line,
        end_line=place.end.line,
        column=place.start.column + 1,
        source=normalised(view.code(node)),
        change=change,
        refusal=refusal,
    )


def normalised(code: str) -> str:
    """`code` in one layout and with one kind of quotes; as it is if it cannot be parsed alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.unparse(ast.parse(f"({code}\n)", mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return " ".join(code.split())
