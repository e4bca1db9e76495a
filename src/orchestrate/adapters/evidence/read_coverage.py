"""Finding and reading the coverage report of a command that ended."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrate.adapters.evidence.read_cobertura import read_cobertura
from orchestrate.adapters.evidence.report_files import read_report, written_since
from orchestrate.core.sharing.evidence import Coverage
from orchestrate.core.sharing.outcomes import UnreadableReportError
from orchestrate.core.sharing.readers.coverage import (
    read_coverage_json,
    read_go_cover,
    read_lcov,
)

#: Where reports are asked for, and where tools put them by themselves; first come, first taken.
_ASKED_FOR = ("coverage.json", "coverage/lcov.info", "lcov.info", "cover.out", "coverage.xml")
_USUAL = (
    "coverage.json",
    "coverage/lcov.info",
    "lcov.info",
    "coverage.xml",
    "coverage/cobertura-coverage.xml",
    "cobertura.xml",
    "cover.out",
    "coverage.out",
)
_MODULE = re.compile(rb"^module[ \t]+\"?([^\s\"]+)", re.M)


def read_coverage(
    reports: Path, folder: Path, since: float
) -> tuple[Coverage | None, tuple[str, ...]]:
    """The first report that can be read, and notes on those that could not.

    Reports in `folder`, where the command ran, count only if they are not older than `since`.
    """
    notes: list[str] = []
    places = [reports / name for name in _ASKED_FOR]
    places += [folder / name for name in _USUAL if written_since(folder / name, since)]
    for place in places:
        data = read_report(place)
        if data is None:
            continue
        try:
            return _read(place.name, data, folder), tuple(notes)
        except UnreadableReportError as error:
            notes.append(error.message)
    return None, tuple(notes)


def _read(name: str, data: bytes, folder: Path) -> Coverage:
    if name.endswith(".json"):
        return read_coverage_json(data, str(folder))
    if name.endswith(".info"):
        return read_lcov(data, str(folder))
    if name.endswith(".xml"):
        return read_cobertura(data, str(folder))
    module = _MODULE.search(read_report(folder / "go.mod") or b"")
    return read_go_cover(data, module[1].decode("utf-8", "replace") if module is not None else "")
