"""What two versions of a program differ in, piece by piece, and the file without some of it."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from orchestrate.core.sharing.layout_of_tests import is_test_path

#: Folders and files of a source distribution that are no part of the program.
_BESIDE = frozenset(
    ["bin", "build", "conf.py", "dev", "doc", "docs", "examples", "scripts", "setup.py", "tools"]
)


class Hunk(msgspec.Struct, frozen=True):
    """Lines `start` to `end` (counted from 0, `end` not included) of `path` become `lines`.

    `unit` is what belongs together: the same for all hunks of one function, another one for each
    hunk outside of functions.
    """

    path: str
    start: int
    end: int
    lines: tuple[str, ...]
    unit: str


def python_files(root: Path) -> dict[str, str]:
    """The text of each Python file below `root`, by its relative path, in order."""
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in sorted(root.rglob("*.py"))
    }


def is_program(path: str) -> bool:
    """Whether a Python file is part of what the distribution is about."""
    return not is_test_path(path) and not _BESIDE.intersection(PurePosixPath(path).parts)


def hunks(older: Mapping[str, str], newer: Mapping[str, str]) -> tuple[Hunk, ...]:
    """Every difference between files that are in both, in order of path and line."""
    return tuple(
        hunk
        for path, text in sorted(older.items())
        if path in newer
        for hunk in _file_hunks(path, text, newer[path])
    )


def patched(older: Mapping[str, str], chosen: Iterable[Hunk]) -> dict[str, str]:
    """The text of each file that `chosen` touches, with these differences and no others."""
    wanted = sorted(chosen, key=lambda hunk: (hunk.path, hunk.start), reverse=True)
    lines = {hunk.path: older[hunk.path].splitlines(keepends=True) for hunk in wanted}
    for hunk in wanted:  # from the end, so that the line numbers before it stay right
        lines[hunk.path][hunk.start : hunk.end] = hunk.lines
    return {path: "".join(lines[path]) for path in sorted(lines)}


def _file_hunks(path: str, older: str, newer: str) -> Iterator[Hunk]:
    before, after = older.splitlines(keepends=True), newer.splitlines(keepends=True)
    functions = _functions(older)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind != "equal":
            unit = f"{path}:{_function_at(functions, start)}"
            yield Hunk(path, start, end, tuple(after[new_start:new_end]), unit)


def _functions(source: str) -> list[range]:
    """The lines of each function, counted from 0, outer ones before those within them."""
    return [
        range(node.lineno - 1, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _function_at(functions: list[range], line: int) -> int:
    """The first line of the outermost function that `line` is in; `line` itself outside of any."""
    return next((lines.start for lines in functions if line in lines), line)
