"""pytest's terminal output: the last line's counts, and the names its summary lists.

The XML report is read first; this gives what it cannot say (unexpected passes, why the run ended)
and stands in for it where pytest was called by something else.
"""

from __future__ import annotations

import re

from orchestrate.core.sharing.evidence import Counts
from orchestrate.core.sharing.outcomes import MAX_QUOTE, Outcomes
from orchestrate.core.sharing.readers.plain_text import plain

_LAST = re.compile(
    r"^=* ?(?P<counts>(?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+ ?s(?:econds)?\b[^\n]*$", re.M
)
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
_LISTED = re.compile(r"^(FAILED|ERROR|XPASS) (\S.*)$", re.M)
# One test on a line of its own (`-v`), before or after its result; xdist prints the result first.
_VERBOSE = re.compile(
    r"(?:\[gw\d+\] \[ *\d+%\] )?(?:(?P<before>[A-Z]+) )?(?P<node>\S+::.*?)"
    r"(?: (?P<after>PASSED|FAILED|ERROR|XPASS)(?: +\[ *\d+%\])?)?"
)
#: Longer lines are no test's own line; the limit bounds the time spent on a hostile one.
_LONGEST_LINE = 2_000
_COVERAGE_GATE = re.compile(
    r"^(?:FAIL |ERROR: )?(Required test coverage of .* not reached.*)$", re.M
)
_ERROR_LINE = re.compile(r"^E {2,}(\S.*)$", re.M)
_USAGE = re.compile(r"^(?:ERROR: |INTERNALERROR> |.*?: error: )(\S.*)$", re.M)


def read_pytest_text(output: bytes | str) -> Outcomes:
    """What the terminal says. `counts` is None when there is no closing line of pytest."""
    text = plain(output)
    last = _last_line(text)
    failing: dict[str, None] = {}
    for word, rest in _LISTED.findall(text):
        if word != "XPASS":
            failing.setdefault(_node(rest))
    names = tuple(failing)
    passing = [name for name in _verbose_passes(text) if name not in failing]
    counts = _counts(last) if last is not None else None
    return Outcomes(
        counts=counts,
        passing=tuple(passing),
        failing=names,
        broken=tuple(name for name in names if "::" not in name),
        complaint=next(iter(_COVERAGE_GATE.findall(text)), ""),
        first_error=first_error(text),
        partial=counts is None or len(passing) < counts.passed + counts.xpassed,
    )


def unexpected_passes(output: bytes | str) -> tuple[str, ...]:
    """Names that the summary lists as XPASS (`-rX`)."""
    listed = _LISTED.findall(plain(output))
    return tuple(dict.fromkeys(_node(rest) for word, rest in listed if word == "XPASS"))


def first_error(text: str) -> str:
    """The first error pytest printed: a line marked `E`, else what it says about its own call."""
    found = next(iter(_ERROR_LINE.findall(text)), "") or next(iter(_USAGE.findall(text)), "")
    return found[:MAX_QUOTE]


def _verbose_passes(text: str) -> list[str]:
    passing: dict[str, None] = {}
    for line in text.splitlines():
        if "::" not in line or len(line) > _LONGEST_LINE:
            continue
        found = _VERBOSE.fullmatch(line.rstrip())
        if found is not None and (found["before"] or found["after"]) in ("PASSED", "XPASS"):
            passing.setdefault(found["node"])
    return list(passing)


def _last_line(text: str) -> str | None:
    found = list(_LAST.finditer(text))
    return found[-1]["counts"] if found else None


def _counts(line: str) -> Counts:
    number = {
        word.rstrip("s") if word == "errors" else word: int(n) for n, word in _COUNT.findall(line)
    }
    return Counts(
        passed=number.get("passed", 0),
        failed=number.get("failed", 0),
        errors=number.get("error", 0),
        skipped=number.get("skipped", 0),
        xfailed=number.get("xfailed", 0),
        xpassed=number.get("xpassed", 0),
    )


def _node(rest: str) -> str:
    """The node id at the start of a summary line; ` - ` inside `[…]` belongs to a parameter."""
    depth = 0
    for position, char in enumerate(rest):
        if char == "[":
            depth += 1
        elif char == "]":
            depth = max(0, depth - 1)
        elif depth == 0 and rest.startswith(" - ", position):
            return rest[:position]
    cut = rest.find("] - ")
    return rest[: cut + 1] if cut >= 0 else rest
