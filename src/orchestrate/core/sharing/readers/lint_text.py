"""Linters: how many problems they report, where their text says so."""

from __future__ import annotations

import re

from orchestrate.core.sharing.readers.plain_text import plain

_TOTALS = {
    "ruff": re.compile(r"^Found (\d{1,9}) errors?\b", re.M),
    "mypy": re.compile(r"^Found (\d{1,9}) errors? in \d+ files?", re.M),
    "eslint": re.compile(r"^✖ (\d{1,9}) problems?\b", re.M),
}
_LINES = {
    "flake8": re.compile(r"^[^\s:][^:\n]*:\d+:\d+: [A-Z]+\d+ ", re.M),
    "pylint": re.compile(r"^[^\s:][^:\n]*:\d+:\d+: [A-Z]\d{4}: ", re.M),
    "mypy": re.compile(r"^[^\s:][^:\n]*:\d+(?::\d+)?: error: ", re.M),
    "tsc": re.compile(r"^[^\s(][^(\n]*\(\d+,\d+\): error TS\d+: ", re.M),
    "go": re.compile(r"^[^\s:#][^:\n]*\.go:\d+:\d+: ", re.M),
}


def count_problems(runner: str, output: bytes | str) -> int | None:
    """Problems in `output` of the linter `runner`; None when it does not say."""
    text = plain(output)
    total = _TOTALS.get(runner)
    found = total.findall(text) if total is not None else []
    if found:
        return sum(int(number) for number in found)
    lines = _LINES.get(runner)
    number = len(lines.findall(text)) if lines is not None else 0
    return number or None
