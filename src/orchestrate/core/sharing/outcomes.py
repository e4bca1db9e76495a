"""What a tool said about the tests it ran, whatever the form it said it in.

A reader turns a report into cases; `collected` turns cases into counts and names. Names are stable
from run to run, and two tests of one report never share one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from orchestrate.core.sharing.evidence import Counts, Coverage
from orchestrate.errors import AgentError

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

#: Characters kept of what one failing test printed.
MAX_TEXT = 20_000
#: Characters of a line that is quoted as a cause.
MAX_QUOTE = 300
#: Tests of one report; the largest suites known (CPython, LLVM) have fewer than a tenth of that.
MAX_CASES = 1_000_000

_WORST: tuple[Outcome, ...] = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")


class UnreadableReportError(AgentError):
    """A report is not what the tool documents, is cut off, or is larger than what is read."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"{what} cannot be read: {why}", remedy="look at the output of the command"
        )


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test. `text` is what it said when it failed; `broken` marks what could not be loaded."""

    name: str
    outcome: Outcome
    text: str = ""
    broken: bool = False


class Outcomes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tests of one run.

    `counts` is None when the output names none. `failing` holds tests that failed or broke, `texts`
    what each of them said. `broken` are those of `failing` that are no tests: files that could not
    be loaded, packages that could not be built. `complaint` is why the tool failed although no test
    did; `first_error` quotes the first error it met before or instead of running tests.
    `partial`: names are missing, so a test that is not named may have run all the same.
    """

    counts: Counts | None = None
    passing: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    broken: tuple[str, ...] = ()
    complaint: str = ""
    first_error: str = ""
    partial: bool = False


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that was read after a command ended.

    `missing` says which report the command should have written and did not, or why it cannot be
    read. `unavailable` says which tool is not installed. `refused` are failing tests whose text
    shows that the network was refused; `network_refused` is the line that shows it of a command
    without tests. `problems` is what a linter counted.
    """

    outcomes: Outcomes = Outcomes()
    coverage: Coverage | None = None
    missing: str = ""
    unavailable: str = ""
    refused: tuple[str, ...] = ()
    network_refused: str = ""
    problems: int | None = None
    notes: tuple[str, ...] = ()


def collected(
    cases: Iterable[Case], *, merge: bool = False, complaint: str = "", first_error: str = ""
) -> Outcomes:
    """Counts and names of `cases`, in their order.

    Args:
        merge: cases of one name are stages of one test, and the worst decides (pytest reports a
            failing teardown apart). Otherwise they are different tests of one title, told apart as
            `name (2)`, `name (3)`, ….

    Raises:
        UnreadableReportError: there are more than MAX_CASES.
    """
    named: dict[str, Case] = {}
    seen: dict[str, int] = {}
    for number, case in enumerate(cases):
        if number >= MAX_CASES:
            raise UnreadableReportError("the test report", f"it has more than {MAX_CASES} tests")
        if merge:
            held = named.get(case.name)
            named[case.name] = case if held is None else max(held, case, key=_badness)
            continue
        seen[case.name] = seen.get(case.name, 0) + 1
        name = case.name if seen[case.name] == 1 else f"{case.name} ({seen[case.name]})"
        while name in named:  # a test may itself be called `name (2)`
            name += "'"
        named[name] = case
    return _summed(named, complaint, first_error)


def _badness(case: Case) -> int:
    return _WORST.index(case.outcome)


def _summed(named: dict[str, Case], complaint: str, first_error: str) -> Outcomes:
    number: dict[Outcome, int] = dict.fromkeys(_WORST, 0)
    for case in named.values():
        number[case.outcome] += 1
    bad = {name: case for name, case in named.items() if case.outcome in ("failed", "error")}
    return Outcomes(
        counts=Counts(
            passed=number["passed"],
            failed=number["failed"],
            errors=number["error"],
            skipped=number["skipped"],
            xfailed=number["xfailed"],
            xpassed=number["xpassed"],
        ),
        passing=tuple(n for n, case in named.items() if case.outcome in ("passed", "xpassed")),
        failing=tuple(bad),
        texts={name: case.text[:MAX_TEXT] for name, case in bad.items() if case.text},
        broken=tuple(name for name, case in bad.items() if case.broken),
        complaint=complaint,
        first_error=first_error or _first_error(bad.values()),
    )


def _first_error(bad: Iterable[Case]) -> str:
    return next((quoted(case.text) for case in bad if case.broken and case.text), "")


def quoted(text: str) -> str:
    """The line of `text` that says most about what went wrong, on one line and cut to length.

    For a Python traceback that is the exception, for other text its first line that is not blank.
    """
    lines = [line.strip().removeprefix("E   ").strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    found = next(
        (line for line in reversed(lines) if is_exception(line)), lines[0] if lines else ""
    )
    return found[:MAX_QUOTE]


def is_exception(line: str) -> bool:
    """Whether `line` is how Python ends a traceback: `package.NameError: message`."""
    name = line.partition(":")[0].rstrip()
    last = name.rpartition(".")[2]
    return name.replace(".", "").replace("_", "").isalnum() and last.endswith(
        ("Error", "Exception", "Warning", "Exit", "Interrupt", "NotFound")
    )
