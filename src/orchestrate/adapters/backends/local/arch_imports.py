"""The import statements of one file and when they take effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

#: `eager` when the module is loaded, `lazy` when some function runs, `typing` never.
When = Literal["eager", "lazy", "typing"]


class ImportStatement(NamedTuple):
    """One module named by an import; fields as in `ModuleTable.targets`."""

    module: str
    names: tuple[str, ...]
    level: int
    when: When
    line: int


def imports_of(tree: ast.Module) -> Iterator[ImportStatement]:
    """All imports, in source order, also those inside functions and conditions."""
    stack: list[tuple[ast.AST, When]] = [(tree, "eager")]
    while stack:
        node, when = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportStatement(alias.name, (), 0, when, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names if alias.name != "*") or ("",)
            yield ImportStatement(node.module or "", names, node.level, when, node.lineno)
        elif not isinstance(node, ast.expr):
            stack.extend(reversed(list(_inner(node, when))))


def _inner(node: ast.AST, when: When) -> Iterator[tuple[ast.AST, When]]:
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        yield from ((child, "typing") for child in node.body)
        yield from ((child, when) for child in node.orelse)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and when == "eager":
        when = "lazy"
    for child in ast.iter_child_nodes(node):
        yield child, when


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
