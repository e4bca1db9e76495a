"""Cobertura XML: coverage by line, as coverage.py, nyc, tarpaulin and others write it."""

from __future__ import annotations

from orchestrate.adapters.evidence.read_xml import read_elements
from orchestrate.core.sharing.evidence import Coverage
from orchestrate.core.sharing.outcomes import UnreadableReportError
from orchestrate.core.sharing.readers.coverage import by_line
from orchestrate.core.sharing.readers.jest_json import relative

_WHAT = "the Cobertura report"


def read_cobertura(data: bytes, folder: str = "") -> Coverage:
    """Lines by file; the classes of one file are merged line by line.

    A file name counts from the report's one source folder, where it has one below `folder`.

    Raises:
        UnreadableReportError: it is no Cobertura report, or is cut off.
    """
    reader = _Reader()
    read_elements(data, _WHAT, reader.start, reader.end, keep=frozenset({"source"}))
    if not reader.is_cobertura:
        raise UnreadableReportError(_WHAT, "its first element is not coverage")
    prefix = _prefix(reader.sources, folder)
    return by_line(
        {prefix + relative(path, folder): lines for path, lines in reader.files.items()}, _WHAT
    )


class _Reader:
    def __init__(self) -> None:
        self.files: dict[str, dict[int, bool]] = {}
        self.sources: list[str] = []
        self.is_cobertura = False
        self._lines: dict[int, bool] | None = None
        self._first = True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._first:
            self._first, self.is_cobertura = False, tag == "coverage"
        if tag == "class":
            self._lines = self.files.setdefault(attributes.get("filename", ""), {})
        elif tag == "line" and self._lines is not None:
            number, hits = attributes.get("number", ""), attributes.get("hits", "")
            if not (_is_count(number) and _is_count(hits)):
                raise UnreadableReportError(_WHAT, f"a line has number {number!r}, hits {hits!r}")
            row = int(number)
            self._lines[row] = self._lines.get(row, False) or int(hits) > 0

    def end(self, tag: str, text: str) -> None:
        if tag == "class":
            self._lines = None
        elif tag == "source":
            self.sources.append(text.strip())


def _prefix(sources: list[str], folder: str) -> str:
    if len(sources) != 1:
        return ""
    inside = relative(sources[0], folder)
    outside = inside.startswith("/") or inside in ("", ".") or ":" in inside
    return "" if outside else f"{inside.rstrip('/')}/"


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
