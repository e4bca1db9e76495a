"""unittest: the report of `unittest_record.py`, and what unittest prints, as a fallback."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from orchestrate.core.sharing.evidence import Counts
from orchestrate.core.sharing.outcomes import (
    Case,
    Outcome,
    Outcomes,
    collected,
    quoted,
)
from orchestrate.core.sharing.readers.decoding import decoded
from orchestrate.core.sharing.readers.plain_text import plain

_RAN = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.M)
_RESULT = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \(([^)\n]*)\))?$", re.M)
_HEADING = re.compile(r"^(FAIL|ERROR|UNEXPECTED SUCCESS): (\S+)(?: \(([\w.]+)\))?", re.M)
_VERBOSE = re.compile(r"^(\w+) \(([\w.]+)\)(?:\n[^\n]{0,500})?? \.\.\. (ok|FAIL|ERROR)$", re.M)
_LOADING = ("unittest.loader._FailedTest.", "unittest.loader.ModuleImportFailure.")
_FIXTURES = ("setUpClass", "tearDownClass", "setUpModule", "tearDownModule")
#: A row of dashes or equal signs; unittest draws them 70 wide.
_RULE = re.compile(r"^[=-]{70}$", re.M)


class _Recorded(msgspec.Struct, frozen=True):
    id: str
    outcome: Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
    text: str = ""
    broken: bool = False


class _Report(msgspec.Struct, frozen=True):
    version: Literal[1]
    tests: list[_Recorded]


def read_unittest_json(data: bytes) -> Outcomes:
    """The report of `unittest_record.py`.

    Raises:
        UnreadableReportError: it is another file, or cut off.
    """
    report = decoded(data, _Report, "the unittest report")
    return collected(
        (Case(test.id, test.outcome, test.text, test.broken) for test in report.tests), merge=True
    )


def read_unittest_text(output: bytes | str) -> Outcomes:
    """What unittest or Django prints on stderr. Passing tests are named with `-v` only."""
    text = plain(output)
    ran = [int(number) for number in _RAN.findall(text)]
    results = _RESULT.findall(text)
    cases = _headings(text)
    failing = tuple(dict.fromkeys(case.name for case in cases if case.outcome != "xpassed"))
    well = [_name(m, c) for m, c, word in _VERBOSE.findall(text) if word == "ok"]
    well += [case.name for case in cases if case.outcome == "xpassed"]
    passing = tuple(dict.fromkeys(well))
    first = next((quoted(case.text) for case in cases if case.broken), "")
    if not ran or not results:
        return Outcomes(failing=failing, passing=passing, first_error=first, partial=True)
    counts = _counts(ran[-1], results[-1], [n for n in failing if not n.startswith(_FIXTURES)])
    return Outcomes(
        counts=counts,
        passing=tuple(name for name in passing if name not in failing),
        failing=failing,
        texts={case.name: case.text for case in cases if case.text},
        broken=tuple(dict.fromkeys(case.name for case in cases if case.broken)),
        first_error=first,
        partial=len(passing) < counts.passed + counts.xpassed,
    )


def _headings(text: str) -> list[Case]:
    """One case for each `FAIL:` or `ERROR:` heading, with the text up to the next rule."""
    cases = []
    found = list(_HEADING.finditer(text))
    for index, heading in enumerate(found):
        word, method, holder = heading.groups()
        if word == "UNEXPECTED SUCCESS":
            cases.append(Case(_name(method, holder or ""), "xpassed"))
            continue
        end = found[index + 1].start() if index + 1 < len(found) else len(text)
        parts = [part.strip() for part in _RULE.split(text[heading.end() : end])]
        name = _name(method, holder or "")
        broken = any(name.startswith(prefix) for prefix in _LOADING)
        for prefix in _LOADING:
            name = name.removeprefix(prefix)
        outcome: Outcome = "failed" if word == "FAIL" else "error"
        cases.append(Case(name, outcome, parts[1] if len(parts) > 1 else "", broken))
    return cases


def _name(method: str, holder: str) -> str:
    """`module.Class.method`; before Python 3.11 the parentheses hold no method."""
    if method in _FIXTURES and holder:
        return f"{method} ({holder})"
    if not holder or holder == method or holder.endswith(f".{method}"):
        return holder or method
    return f"{holder}.{method}"


def _counts(ran: int, detail: str, failing: list[str]) -> Counts:
    """Counts from the closing lines. `failing` are tests, each once, without fixtures: sub-tests
    and fixtures are counted as failures but not as tests that ran."""
    number: dict[str, int] = {}
    for part in detail.split(","):
        word, equals, digits = part.strip().partition("=")
        if equals and digits.isdecimal():
            number[word] = int(digits)
    failed, errors = number.get("failures", 0), number.get("errors", 0)
    skipped, xfailed = number.get("skipped", 0), number.get("expected failures", 0)
    xpassed = number.get("unexpected successes", 0)
    passed = max(0, ran - len(failing) - skipped - xfailed - xpassed)
    return Counts(passed, failed, errors, skipped, xfailed, xpassed)
