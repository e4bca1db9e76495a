"""From hits in one file to findings: positions, excerpts without secrets, and a bound."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.repository import SourceFile, excerpt
from orchestrate.adapters.backends.local.rule import Hit, Lines
from orchestrate.core.sharing.findings import Finding, Location, Source

#: A hit, the symbol around it, and the tool that says so.
Located: TypeAlias = tuple[Hit, str, Source]
#: Findings of one rule kept per file. A generated file must not fill the report, or memory.
MOST_PER_RULE = 50
MASK = "***"


class FileFindings:
    """Turns the hits of one file into findings, in the order they come.

    Strings that are secrets are masked before any excerpt is cut, so a finding on the next line
    does not show them either. `left_out` counts what went past MOST_PER_RULE, by rule id.
    """

    def __init__(self, file: SourceFile, text: str, hits: Iterable[Located]) -> None:
        self.left_out: Counter[str] = Counter()
        self._file = file
        self._text = text
        self._hits = list(hits)

    def __iter__(self) -> Iterator[Finding]:
        lines = self._text.split("\n")
        masked = mask(self._text, (hit.node for hit, _, _ in self._hits if hit.secret))
        ordinals = Ordinals()
        kept: Counter[str] = Counter()
        for hit, symbol, source in self._hits:
            if self._file.exposure == "test" and not _matters_in_tests(hit):
                continue
            kept[hit.rule.id] += 1
            if kept[hit.rule.id] > MOST_PER_RULE:
                self.left_out[hit.rule.id] += 1
                continue
            found = _finding(hit, symbol, source, self._file, masked, lines)
            shown = _line_of(found.location)
            mark = ordinals.fingerprint(hit.rule.id, self._file.path, shown)
            yield msgspec.structs.replace(found, fingerprint=mark)


def _matters_in_tests(hit: Hit) -> bool:
    return hit.rule.in_tests and (hit.confidence or hit.rule.confidence) != "low"


def _line_of(location: Location) -> str:
    """The source line of a finding as its excerpt shows it, that is without secrets."""
    first = location.excerpt_line or location.line
    shown = location.excerpt.split("\n")
    return shown[min(location.line - first, len(shown) - 1)]


def _finding(
    hit: Hit, symbol: str, source: Source, file: SourceFile, masked: str, lines: list[str]
) -> Finding:
    rule = hit.rule
    return Finding(
        rule=rule.id,
        title=rule.title,
        message=hit.message,
        category=rule.category,
        severity=hit.severity or rule.severity,
        confidence=hit.confidence or rule.confidence,
        location=_location(hit.node, file.path, masked, lines),
        exposure=file.exposure,
        cwe=hit.cwe or rule.cwe,
        sources=(source,),
        symbol=symbol,
        remedy=rule.remedy,
        references=_references(hit.cwe or rule.cwe),
    )


def _references(cwe: int | None) -> tuple[str, ...]:
    return (f"https://cwe.mitre.org/data/definitions/{cwe}.html",) if cwe else ()


def _location(node: ast.AST | Lines, path: str, masked: str, lines: list[str]) -> Location:
    if isinstance(node, Lines):
        shown, first = excerpt(masked, node.first)
        return Location(path, node.first, node.last, excerpt=shown, excerpt_line=first)
    line = getattr(node, "lineno", 1)
    end = getattr(node, "end_lineno", None) or line
    shown, first = excerpt(masked, line)
    return Location(
        path=path,
        line=line,
        end_line=end,
        column=_column(lines, line, getattr(node, "col_offset", 0)) + 1,
        end_column=_column(lines, end, getattr(node, "end_col_offset", None) or 0) + 1,
        excerpt=shown,
        excerpt_line=first,
    )


def _column(lines: list[str], line: int, offset_bytes: int) -> int:
    """Characters before a position that `ast` gives in UTF-8 bytes."""
    if line > len(lines):
        return offset_bytes
    return len(
        lines[line - 1].encode("utf-8", "surrogatepass")[:offset_bytes].decode("utf-8", "ignore")
    )


def mask(text: str, nodes: Iterable[ast.AST | Lines]) -> str:
    """`text` with every string inside `nodes` replaced by MASK; the number of lines is kept."""
    lines: list[str] | None = None
    spans = {span for node in nodes if isinstance(node, ast.AST) for span in _strings(node)}
    for first, start, last, end in sorted(spans, reverse=True):
        lines = text.split("\n") if lines is None else lines
        for number in range(last, first - 1, -1):
            whole = lines[number - 1].encode("utf-8", "surrogatepass")
            left = whole[:start] if number == first else b""
            right = whole[end:] if number == last else b""
            shown = left + MASK.encode() + right
            lines[number - 1] = shown.decode("utf-8", "replace")
    return text if lines is None else "\n".join(lines)


def _strings(node: ast.AST) -> Iterator[tuple[int, int, int, int]]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str | bytes):
            last = inner.end_lineno or inner.lineno
            yield inner.lineno, inner.col_offset, last, inner.end_col_offset or 0
