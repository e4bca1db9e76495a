"""Parsing one Python file and walking it with the scopes its names live in.

Nothing here imports or runs the code it reads. Values are per file and are dropped after use, so
a scan's memory does not grow with the repository.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestrate.adapters.backends.local.python_scopes import (
    ClassNode,
    FunctionNode,
    Scope,
    build_scope,
)


class Unparsable(Exception):
    """The file is not Python that this interpreter can read; the text says why."""


@dataclass(frozen=True)
class Site:
    """One node in context.

    `scope` is where its names are looked up, `symbol` the enclosing function or class
    (`Class.method`, empty at module level), `statement` the innermost statement around it.
    """

    node: ast.AST
    scope: Scope
    symbol: str
    statement: ast.stmt | None
    path: str

    @cached_property
    def called(self) -> str:
        """The dotted name of what a call calls, "" if unknown or `node` is no call."""
        return self.scope.qualified(self.node.func) if isinstance(self.node, ast.Call) else ""

    @property
    def call(self) -> ast.Call:
        """`node`, for checks registered for calls only."""
        assert isinstance(self.node, ast.Call)
        return self.node


@dataclass(frozen=True, slots=True)
class PythonSource:
    """One parsed file: its path relative to the repository, text, tree and module scope."""

    path: str
    text: str
    tree: ast.Module
    scope: Scope

    def sites(self) -> Iterator[Site]:
        """Every node once, parents before children, in source order."""
        stack = [Site(self.tree, self.scope, "", None, self.path)]
        while stack:
            site = stack.pop()
            yield site
            stack.extend(reversed(_children(site)))


def parse(path: str, text: str) -> PythonSource:
    """Read `text` as Python.

    Raises:
        Unparsable: on a syntax error, null bytes, or nesting that the parser refuses.
    """
    try:
        with warnings.catch_warnings():
            # Invalid escapes in other people's strings are not ours to report.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise Unparsable(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unparsable(str(error) or type(error).__name__) from None
    return PythonSource(path, text, tree, build_scope(tree, None))


def _children(site: Site) -> list[Site]:
    node, scope, symbol = site.node, site.scope, site.symbol
    statement = node if isinstance(node, ast.stmt) else site.statement
    if isinstance(node, FunctionNode | ClassNode):
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        inside = f"{symbol}.{name}" if symbol else name
        if isinstance(node, ast.Lambda):
            inside = symbol
        inner = build_scope(node, scope)
        body = {id(child) for child in _body(node)}
        return [
            Site(child, inner if id(child) in body else scope, inside, statement, site.path)
            for child in ast.iter_child_nodes(node)
        ]
    return [
        Site(child, scope, symbol, statement, site.path) for child in ast.iter_child_nodes(node)
    ]


def _body(node: ast.AST) -> list[ast.AST]:
    """The children that are evaluated in the node's own scope."""
    body = getattr(node, "body", [])
    return list(body) if isinstance(body, list) else [body]
