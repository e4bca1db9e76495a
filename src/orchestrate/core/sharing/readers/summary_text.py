"""What can be told from terminal output alone: tests run by a wrapper, and the last error in it.

A wrapper (make, tox, an npm script) cannot be asked for a report, so every known form is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrate.core.sharing.evidence import Counts
from orchestrate.core.sharing.outcomes import MAX_QUOTE, Outcomes, is_exception
from orchestrate.core.sharing.readers.cargo_text import read_cargo_text
from orchestrate.core.sharing.readers.go_json import read_go_json
from orchestrate.core.sharing.readers.plain_text import plain
from orchestrate.core.sharing.readers.pytest_text import read_pytest_text
from orchestrate.core.sharing.readers.tap import read_tap
from orchestrate.core.sharing.readers.unittest_report import read_unittest_text

# jest: `Tests:       1 failed, 1 skipped, 2 passed, 4 total`
_JEST = re.compile(r"^Tests: {2,}((?:\d{1,9} [a-z]+(?:, )?)+)$", re.M)
# vitest: `      Tests  1 failed | 1 passed | 1 skipped (3)`
_VITEST = re.compile(r"^ *Tests {2}((?:\d{1,9} [a-z]+(?: \| )?)+) \(\d{1,9}\)$", re.M)
# jest and vitest count a file that could not be loaded apart from tests.
_SUITES = re.compile(r"^(?:Test Suites: +| *Test Files  )(\d{1,9}) failed\b", re.M)
# mocha: `  2 passing (5ms)`
_MOCHA = re.compile(r"^ {2}(\d{1,9}) (passing|failing|pending)\b", re.M)
_COUNT = re.compile(r"(\d+) ([a-z]+)")
_THRESHOLD = re.compile(
    r".*\bcoverage threshold for .* not met|.*\bCoverage for .* does not meet .*threshold"
)
_ERROR = re.compile(r"(?:\S+: )?(?:fatal |internal )?error\b.*", re.I)
#: Lines at the end of an output in which an error is looked for, and how long one may be.
_LAST_LINES = 400
_LONGEST_LINE = 2_000


def read_any_text(stdout: bytes, stderr: bytes) -> Outcomes:
    """The first known form that names at least one test; `counts` is None when none does.

    Raises:
        UnreadableReportError: the output is too long to be read whole.
    """
    both = stdout + b"\n" + stderr
    forms: tuple[Callable[[], Outcomes], ...] = (
        lambda: read_go_json(stdout, stderr),
        lambda: read_tap(stdout),
        lambda: read_pytest_text(both),
        lambda: read_unittest_text(both),
        lambda: read_cargo_text(stdout, stderr),
        lambda: read_script_text(both),
    )
    first = Outcomes()
    for form in forms:
        read = form()
        if read.counts is not None and read.counts.total:
            return read
        if read.counts is not None and first.counts is None:
            first = read
    return first


def read_script_text(output: bytes | str) -> Outcomes:
    """The closing lines of jest, vitest and mocha. No test is named."""
    text = plain(output)
    found = _JEST.findall(text) or _VITEST.findall(text)
    pairs = [pair for line in found for pair in _COUNT.findall(line)]
    if not pairs:
        pairs = [(number, word) for number, word in _MOCHA.findall(text)]
    if not pairs:
        return Outcomes()
    number: dict[str, int] = {}
    for digits, word in pairs:
        number[word] = number.get(word, 0) + int(digits)
    failed = number.get("failed", 0) + number.get("failing", 0)
    suites = sum(int(digits) for digits in _SUITES.findall(text))
    skipped = sum(number.get(word, 0) for word in ("skipped", "pending", "todo"))
    counts = Counts(
        passed=number.get("passed", 0) + number.get("passing", 0),
        failed=failed,
        errors=suites if not failed else 0,
        skipped=skipped,
    )
    return Outcomes(counts=counts, complaint=coverage_complaint(text), partial=True)


def coverage_complaint(text: str) -> str:
    """jest's or vitest's sentence about coverage below the project's threshold; else empty."""
    for line in text.splitlines():
        if "hreshold" in line and len(line) <= _LONGEST_LINE and _THRESHOLD.match(line):
            return " ".join(line.split())[:MAX_QUOTE]
    return ""


def last_error(text: str) -> str:
    """The last line that ends a traceback or starts with the word error, cut to length."""
    for line in reversed(text.splitlines()[-_LAST_LINES:]):
        line = line.strip()[:_LONGEST_LINE]
        if is_exception(line) or _ERROR.fullmatch(line):
            return line[:MAX_QUOTE]
    return ""
