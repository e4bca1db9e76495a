"""Reading what an ended command left: its reports, and its output where it writes none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from orchestrate.adapters.evidence.read_coverage import read_coverage
from orchestrate.adapters.evidence.read_junit import read_junit
from orchestrate.adapters.evidence.report_files import read_log, read_report
from orchestrate.core.sharing.evidence import CheckCommand
from orchestrate.core.sharing.outcomes import Outcomes, Reading, UnreadableReportError
from orchestrate.core.sharing.readers.cargo_text import read_cargo_text
from orchestrate.core.sharing.readers.go_json import read_go_json
from orchestrate.core.sharing.readers.jest_json import read_jest_json
from orchestrate.core.sharing.readers.lint_text import count_problems
from orchestrate.core.sharing.readers.network import refusal, refused_tests
from orchestrate.core.sharing.readers.plain_text import plain
from orchestrate.core.sharing.readers.pytest_text import read_pytest_text, unexpected_passes
from orchestrate.core.sharing.readers.summary_text import (
    coverage_complaint,
    last_error,
    read_any_text,
)
from orchestrate.core.sharing.readers.unittest_report import read_unittest_json, read_unittest_text

_REPORT = "{report}/"
_NO_MODULE = re.compile(r"^\S*python[\d.]*(?:\.exe)?: No module named '?([\w.]+)'?$", re.M)
_NO_COVERAGE = re.compile(r"^coverage\.py is not installed for ", re.M)
#: How each report is read, by how its name ends.
_FORMS: tuple[tuple[str, Callable[[bytes, Path], Outcomes]], ...] = (
    ("unittest.json", lambda data, _: read_unittest_json(data)),
    ("jest.json", lambda data, folder: read_jest_json(data, str(folder))),
    ("vitest.json", lambda data, folder: read_jest_json(data, str(folder))),
    (".xml", read_junit),
)


class _Ended(msgspec.Struct, frozen=True):
    """An ended command: where it ran, where its reports are, and what it printed."""

    command: CheckCommand
    reports: Path
    folder: Path
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Both streams, one after the other."""
        return plain(self.stdout) + "\n" + plain(self.stderr)


def read_evidence(
    command: CheckCommand, reports: Path, logs: Path, folder: Path, since: float
) -> Reading:
    """Everything the command said. Never raises for anything it wrote.

    Args:
        reports: what `{report}` stood for.
        logs: the folder with `stdout.log` and `stderr.log`.
        folder: where the command ran, absolute.
        since: Unix time at which it was started; reports in `folder` that are older, because they
            were committed, are not taken for its own.
    """
    ended = _Ended(
        command, reports, folder, read_log(logs / "stdout.log"), read_log(logs / "stderr.log")
    )
    outcomes, missing = Outcomes(), ""
    if command.kind in ("test", "coverage"):
        try:
            outcomes, missing = _outcomes(ended)
        except UnreadableReportError as error:
            outcomes, missing = Outcomes(first_error=last_error(ended.text)), error.message
    elif command.kind != "benchmark":
        outcomes = Outcomes(first_error=last_error(ended.text))
    measured = command.kind == "coverage"
    coverage, notes = read_coverage(reports, folder, since) if measured else (None, ())
    lint = command.kind == "lint"
    return Reading(
        outcomes=outcomes,
        coverage=coverage,
        missing=missing,
        unavailable=_unavailable(ended),
        refused=refused_tests(outcomes.texts),
        network_refused="" if outcomes.counts is not None else refusal(ended.text),
        problems=count_problems(command.runner, ended.text) if lint else None,
        notes=notes,
    )


def _outcomes(ended: _Ended) -> tuple[Outcomes, str]:
    """What was read, and which report is missing."""
    name = _expected(ended.command)
    if name:
        data = read_report(ended.reports / name)
        if data is None:
            said = _from_text(ended)
            error = said.first_error or last_error(ended.text)
            return Outcomes(first_error=error), f"it wrote no report ({name})"
        read = next(form for suffix, form in _FORMS if name.endswith(suffix))(data, ended.folder)
        return _completed(read, ended), ""
    read = _from_text(ended)
    if read.counts is None and not read.first_error:
        read = msgspec.structs.replace(read, first_error=last_error(ended.text))
    return read, ""


def _expected(command: CheckCommand) -> str:
    """The test report that the command is asked to write, relative to the report folder."""
    for argument in command.argv:
        name = argument.rpartition(_REPORT)[2] if _REPORT in argument else ""
        if any(name.endswith(suffix) for suffix, _ in _FORMS):
            return name
    return ""


def _from_text(ended: _Ended) -> Outcomes:
    if ended.command.runner == "pytest":
        return read_pytest_text(ended.stdout + b"\n" + ended.stderr)
    if ended.command.runner == "unittest":
        return read_unittest_text(ended.stderr + b"\n" + ended.stdout)
    if ended.command.runner == "go":
        return read_go_json(ended.stdout, ended.stderr)
    if ended.command.runner == "cargo":
        return read_cargo_text(ended.stdout, ended.stderr)
    return read_any_text(ended.stdout, ended.stderr)


def _completed(read: Outcomes, ended: _Ended) -> Outcomes:
    """What the report cannot say: unexpected passes, thresholds, why nothing was run."""
    if ended.command.runner != "pytest":
        complaint = read.complaint or coverage_complaint(ended.text)
        return msgspec.structs.replace(read, complaint=complaint)
    said = read_pytest_text(ended.stdout)
    counts = read.counts
    unexpected = len(unexpected_passes(ended.stdout))
    if said.counts is not None:
        unexpected = said.counts.xpassed
    if counts is not None and 0 < unexpected <= counts.passed:
        counts = msgspec.structs.replace(
            counts, passed=counts.passed - unexpected, xpassed=unexpected
        )
    return msgspec.structs.replace(
        read,
        counts=counts,
        complaint=read.complaint or said.complaint,
        first_error=read.first_error or said.first_error,
    )


def _unavailable(ended: _Ended) -> str:
    """Which tool was not there to run, as Python itself says it."""
    argv = ended.command.argv
    text = plain(ended.stderr)
    if _NO_COVERAGE.search(text):
        return "coverage.py is not installed in the project's environment"
    module = argv[argv.index("-m") + 1] if "-m" in argv[:-1] else ""
    found = _NO_MODULE.search(text)
    if module and found is not None and found[1].split(".")[0] == module.split(".")[0]:
        return f"{module} is not installed in the project's environment"
    return ""
