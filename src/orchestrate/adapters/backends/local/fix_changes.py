"""A fix's diff told of the files as they were scanned.

A fix is made on a commit, and on top of the fixes merged before it, so the line numbers of its diff
are not those of the scanned file. Each block is looked for there: at its own line, then at the
nearest one. A diff of which a block is not found says nothing about the scanned files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from orchestrate.core.sharing.remediation import Replacement

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


class _Hunk(NamedTuple):
    """Lines of a hunk with their signs, and where they begin (from 1)."""

    path: str
    line: int
    body: list[str]

    @property
    def old(self) -> list[str]:
        return [text[1:] for text in self.body if text[:1] in (" ", "-")]


def replacements(diff: str, lines_of: Callable[[str], list[str]]) -> tuple[Replacement, ...]:
    """What the unified `diff` replaces in the files that `lines_of` gives by path.

    Returns nothing when any of it is not found there.
    """
    found: list[Replacement] = []
    for hunk in _hunks(diff):
        start = _nearest(lines_of(hunk.path), hunk.old, hunk.line)
        if start is None:
            return ()
        found += _replaced(hunk, start)
    return tuple(found)


def _hunks(diff: str) -> list[_Hunk]:
    found: list[_Hunk] = []
    path = ""
    body: list[str] = []
    old = new = 0
    # Not splitlines(): form feeds and the like belong to the lines of a source file.
    for text in diff.split("\n"):
        header = _HUNK.match(text)
        if old > 0 or new > 0:
            body.append(text)
            old -= text[:1] in (" ", "-")
            new -= text[:1] in (" ", "+")
        elif text.startswith("--- "):
            path = text[4:].removeprefix("a/")
        elif header is not None:
            body = []
            old = int(header[2] or 1)
            new = _count(text)
            found.append(_Hunk(path, int(header[1]) + (old == 0), body))
    return found


def _count(header: str) -> int:
    """How many lines the new side of a hunk has."""
    side = header.split("+", 1)[1].split(" ", 1)[0]
    return int(side.partition(",")[2] or 1)


def _nearest(lines: list[str], wanted: list[str], line: int) -> int | None:
    """Where `wanted` stands in `lines`, from 1, as near to `line` as possible."""
    last = len(lines) - len(wanted)
    places = sorted(range(last + 1), key=lambda at: (abs(at + 1 - line), at))
    return next((at + 1 for at in places if lines[at : at + len(wanted)] == wanted), None)


def _replaced(hunk: _Hunk, start: int) -> Iterator[Replacement]:
    """Each run of changed lines of a hunk that begins at `start` in the scanned file."""
    at, removed = start, 0
    added: list[str] = []
    for text in (*hunk.body, " "):
        sign = text[:1]
        if sign == "-":
            removed += 1
        elif sign == "+":
            added.append(text[1:])
        else:
            if removed or added:
                new = "".join(f"{each}\n" for each in added)
                yield Replacement(hunk.path, at, removed, new)
                at += removed
            removed, added = 0, []
            at += 1
