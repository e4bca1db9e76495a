"""Coverage reports that are text: coverage.py's JSON, lcov, and Go's cover profile."""

from __future__ import annotations

import re

import msgspec

from orchestrate.core.sharing.evidence import Coverage
from orchestrate.core.sharing.outcomes import UnreadableReportError
from orchestrate.core.sharing.readers.decoding import MAX_REPORT_BYTES, decoded
from orchestrate.core.sharing.readers.jest_json import relative

_GO_BLOCK = re.compile(r"(.+):(\d{1,9}\.\d{1,9},\d{1,9}\.\d{1,9}) (\d{1,9}) (\d+)")


class _Summary(msgspec.Struct, frozen=True):
    covered_lines: int
    num_statements: int


class _File(msgspec.Struct, frozen=True):
    summary: _Summary


class _CoverageJson(msgspec.Struct, frozen=True):
    files: dict[str, _File]


def read_coverage_json(data: bytes, folder: str = "") -> Coverage:
    """coverage.py's `json` report. Lines are statements, as coverage.py counts them.

    Raises:
        UnreadableReportError: it is another file, or cut off.
    """
    report = decoded(data, _CoverageJson, "the coverage report")
    return summed(
        {
            relative(path, folder): (file.summary.covered_lines, file.summary.num_statements)
            for path, file in report.files.items()
        },
        "the coverage report",
    )


def read_lcov(data: bytes, folder: str = "") -> Coverage:
    """An lcov tracefile. A file that occurs several times is merged line by line.

    Raises:
        UnreadableReportError: there is no whole record in it, or a record is cut off.
    """
    what = "the lcov report"
    _check_size(data, what)
    lines: dict[str, dict[int, bool]] = {}
    path, records = "", 0
    for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), start=1):
        if line.startswith("SF:"):
            path = relative(line[3:].strip(), folder)
            lines.setdefault(path, {})
        elif line.startswith("DA:"):
            fields = line[3:].split(",")
            if not path or len(fields) < 2 or not _is_count(fields[0]):
                raise UnreadableReportError(what, f"line {number} is no line record: {line[:80]!r}")
            hit = fields[1].strip().lstrip("+")
            row = int(fields[0])
            lines[path][row] = lines[path].get(row, False) or hit.strip("0.-=") != ""
        elif line.strip() == "end_of_record":
            path, records = "", records + 1
    if path or not records:
        raise UnreadableReportError(what, "it ends inside a record" if path else "it has no record")
    return by_line(lines, what)


def read_go_cover(data: bytes, module: str = "") -> Coverage:
    """A Go cover profile. Its unit is the statement; a block reported twice counts once.

    Args:
        module: the module's path, taken off the front of the file names.

    Raises:
        UnreadableReportError: it is no cover profile.
    """
    what = "the cover profile"
    _check_size(data, what)
    rows = data.decode("utf-8", errors="replace").splitlines()
    if not rows or not rows[0].startswith("mode: "):
        raise UnreadableReportError(what, "its first line is no mode")
    blocks: dict[str, dict[str, tuple[int, bool]]] = {}
    for number, row in enumerate(rows[1:], start=2):
        found = _GO_BLOCK.fullmatch(row)
        if found is None:
            raise UnreadableReportError(what, f"line {number} is no block: {row[:80]!r}")
        path, place, statements, hits = found.groups()
        held = blocks.setdefault(path, {})
        hit = hits.strip("0") != "" or held.get(place, (0, False))[1]
        held[place] = (int(statements), hit)
    prefix = f"{module}/" if module else ""
    return summed(
        {
            path.removeprefix(prefix): (
                sum(count for count, hit in held.values() if hit),
                sum(count for count, _ in held.values()),
            )
            for path, held in blocks.items()
        },
        what,
    )


def by_line(files: dict[str, dict[int, bool]], what: str) -> Coverage:
    """Coverage from `path -> line -> whether it ran`."""
    return summed({path: (sum(rows.values()), len(rows)) for path, rows in files.items()}, what)


def summed(files: dict[str, tuple[int, int]], what: str) -> Coverage:
    """Coverage of all `files`, sorted by path.

    Raises:
        UnreadableReportError: a file has more lines covered than lines, or fewer than none.
    """
    for path, (covered, lines) in files.items():
        if not 0 <= covered <= lines:
            raise UnreadableReportError(what, f"{path} has {covered} of {lines} lines covered")
    return Coverage(
        covered=sum(covered for covered, _ in files.values()),
        lines=sum(lines for _, lines in files.values()),
        files=dict(sorted(files.items())),
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _check_size(data: bytes, what: str) -> None:
    if len(data) > MAX_REPORT_BYTES:
        raise UnreadableReportError(what, f"it has more than {MAX_REPORT_BYTES} bytes")
