"""A module of tests with some of its tests only, as text; nothing of it is executed."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

#: A test function: the names of the classes around it and its own, joined with "::".
TestName = str

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def picked(source: str, names: Collection[TestName]) -> str:
    """`source` with the tests `names`, and everything in it that is not a test.

    Imports, constants, fixtures and helping functions and classes stay: what a test needs of its
    module is not worked out. Comments outside of what stays are lost.

    Raises:
        ValueError: one of the names is not in there.
    """
    lines = source.splitlines()
    found: set[TestName] = set()
    parts = [
        "\n".join(text)
        for node in ast.parse(source).body
        if (text := list(_kept(node, "", lines, names, found)))
    ]
    if missing := set(names) - found:
        raise ValueError(f"no such test: {', '.join(sorted(missing))}")
    return "\n\n".join(parts) + "\n"


def _kept(
    node: ast.stmt,
    prefix: str,
    lines: list[str],
    names: Collection[TestName],
    found: set[TestName],
) -> Iterator[str]:
    """The lines of a statement that stay."""
    if isinstance(node, _Function) and node.name.startswith("test"):
        name = prefix + node.name
        if name in names:
            found.add(name)
            yield from _lines(node, lines)
    elif isinstance(node, ast.ClassDef) and _holds_tests(node):
        inner = f"{prefix}{node.name}::"
        if any(name.startswith(inner) for name in names):
            yield from lines[_start(node) - 1 : _start(node.body[0]) - 1]
            for each in node.body:
                yield from (*_kept(each, inner, lines, names, found), "")
    elif not _is_main_guard(node):
        yield from _lines(node, lines)


def _holds_tests(node: ast.ClassDef) -> bool:
    """A class without tests of its own may be what the tests are about, or what they inherit."""
    return any(
        isinstance(each, _Function) and each.name.startswith("test") for each in ast.walk(node)
    )


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _lines(node: ast.stmt, lines: list[str]) -> list[str]:
    return lines[_start(node) - 1 : node.end_lineno]


def _start(node: ast.stmt) -> int:
    """The first line of a statement, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])
