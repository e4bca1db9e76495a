"""Excerpts that show where a secret is without showing it.

Everything the security-scout quotes from a file goes through one `Redactor`, so that a finding a
line above a password does not quote the password.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from orchestrate.adapters.backends.local.repository import SourceFile, excerpt, read_text

MASK = "***"
#: A detector may report only part of a token; the rest of the run of such characters goes with it.
_TOKEN = re.compile(r"[A-Za-z0-9_+/.~$%!^&-]")
_KEY_BEGIN = re.compile(r"BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-")
_KEY_END = re.compile(r"END [A-Z0-9 ]*PRIVATE KEY|Private-MAC:")
#: A key without an end is taken to reach this far.
_LONGEST_KEY_LINES = 120
_STRING = re.compile(r"""("|')(?:\\.|(?!\1).)*\1""")


class Redactor:
    """Knows the secret places of a repository, and quotes its files without them.

    `complete` is False when the search for secrets did not finish: then only single lines are
    quoted, with every string literal masked.
    """

    def __init__(self, root: Path) -> None:
        self.complete = True
        self._root = root
        self._spans: dict[str, dict[int, list[tuple[int, int]]]] = defaultdict(dict)
        self._last: tuple[str, list[str]] = ("", [])

    def add(self, path: str, line: int, spans: Iterable[tuple[int, int]]) -> None:
        """Hide `spans` (columns from 0, end exclusive) of a line from now on."""
        self._spans[path].setdefault(line, []).extend(spans)
        self._last = ("", [])

    def excerpt(self, file: SourceFile, line: int, *, literals: bool = False) -> tuple[str, int]:
        """Lines around `line` and the number of the first; `literals` masks its strings too."""
        lines = self._lines(file)
        around = 2 if self.complete else 0
        if literals or not self.complete:
            lines = list(lines)
            for number in range(max(1, line - around), min(len(lines), line + around) + 1):
                lines[number - 1] = _STRING.sub(rf"\g<1>{MASK}\g<1>", lines[number - 1])
        return excerpt("\n".join(lines), line, before=around, after=around)

    def line(self, file: SourceFile, line: int, *, literals: bool = False) -> str:
        """One line as it may be shown and fingerprinted."""
        shown, first = self.excerpt(file, line, literals=literals)
        parts = shown.split("\n")
        return parts[min(max(line - first, 0), len(parts) - 1)]

    def _lines(self, file: SourceFile) -> list[str]:
        if self._last[0] != file.path:
            lines = read_text(self._root, file).split("\n")
            self._last = (file.path, redacted(lines, self._spans.get(file.path, {})))
        return self._last[1]


def redacted(lines: list[str], spans: dict[int, list[tuple[int, int]]]) -> list[str]:
    """`lines` with spans (line from 1 to columns) and the bodies of private keys masked."""
    result = _without_keys(lines)
    for number, places in spans.items():
        if 0 < number <= len(lines) and result[number - 1] is lines[number - 1]:
            result[number - 1] = _masked(lines[number - 1], places)
    return result


def _masked(line: str, places: list[tuple[int, int]]) -> str:
    wide = sorted(_widened(line, start, end) for start, end in places)
    shown, reached = [], 0
    for start, end in wide:
        if end <= reached:
            continue
        shown.append(line[reached : max(start, reached)])
        if start >= reached:
            shown.append(MASK)
        reached = end
    return "".join((*shown, line[reached:]))


def _widened(line: str, start: int, end: int) -> tuple[int, int]:
    start, end = max(0, min(start, len(line))), max(0, min(end, len(line)))
    while start > 0 and _TOKEN.match(line[start - 1]):
        start -= 1
    while end < len(line) and (_TOKEN.match(line[end]) or line[end] == "="):  # = pads base 64
        end += 1
    return start, end


def _without_keys(lines: list[str]) -> list[str]:
    """The lines between the first and the last of a private key masked, however it is quoted."""
    result = list(lines)
    inside = 0
    for index, line in enumerate(lines):
        begins = _KEY_BEGIN.search(line)
        ends = _KEY_END.search(line, begins.end() if begins else 0)
        if begins:
            last = "-----" + line[ends.start() :] if ends else ""
            result[index] = f"{line[: begins.end()]}-----{MASK}{last}"
            inside = 0 if ends else _LONGEST_KEY_LINES
        elif inside:
            result[index] = f"{MASK}-----{line[ends.start() :]}" if ends else MASK
            inside = 0 if ends else inside - 1
    return result
