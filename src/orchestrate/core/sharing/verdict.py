"""What follows from what was seen: passed, failed or unknown.

Theory of operation. Reasons to have learnt nothing come first, in the order in which they would
spoil everything after them: the command did not start, was stopped, was killed, tested other code.
Then the exit code and the counts have to agree; where they do not, the counts are not believed and
neither is the exit code. Only then is a test run passed or failed. A run that tested nothing is
never passed.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.sharing.evidence import Counts, Evidence, EvidenceKind, Verdict
from orchestrate.core.sharing.outcomes import MAX_QUOTE, Reading

#: Tests named in a cause; the evidence has all of them.
SHOWN = 5

_STOPPED = {
    "timeout": "it was stopped at its time limit",
    "output_limit": "it was stopped for printing more than its limit",
    "cancelled": "it was cancelled",
    "driver_gone": "it was stopped because orchestrate ended",
}
#: What a shell says instead of running a command (POSIX, 2.8.2).
_SHELL_EXITS = {126: "a program it calls cannot be executed", 127: "a program it calls is missing"}
# https://docs.pytest.org/en/stable/reference/exit-codes.html
_PYTEST_EXITS = {
    2: "pytest was interrupted before the tests ran",
    3: "pytest itself broke",
    4: "pytest could not be set up",
    5: "pytest found no test",
}
#: Exit codes by which a linter says that it could not look, apart from finding something.
_LINTER_BROKE = {"ruff": 2, "mypy": 2, "eslint": 2, "pylint": 32}


class Judgement(msgspec.Struct, frozen=True):
    """`cause` says why the verdict is not *passed*; it may also add to a pass."""

    verdict: Verdict
    cause: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a command, as the engine saw it.

    Exactly one of `exit_code` and `signal` is set unless the command could not be started, in
    which case `error` says why. `stopped` is as in a process outcome. `origin_problem` says why the
    tested code is not proven to come from the workspace; it is empty when it is, and when there is
    nothing to prove. `refused` are failing tests known to have been refused the network, besides
    those whose own text shows it. `attempts` counts connections out that were refused in all.
    """

    kind: EvidenceKind
    runner: str
    exit_code: int | None = None
    signal: int | None = None
    stopped: str = ""
    error: str = ""
    reading: Reading = Reading()
    origin_problem: str = ""
    refused: tuple[str, ...] = ()
    attempts: int = 0


def judge(seen: Seen, baseline: Evidence | None = None) -> Judgement:
    """The verdict on one run. `baseline` only adds to the cause which failures are not new."""
    reading = seen.reading
    if seen.error:
        return _unknown(f"it could not be started: {seen.error}")
    if seen.stopped:
        return _unknown(_STOPPED.get(seen.stopped, f"it was stopped: {seen.stopped}"))
    if seen.exit_code is None:
        return _unknown(f"it was killed by signal {seen.signal}")
    if reading.unavailable:
        return _unknown(reading.unavailable)
    if seen.origin_problem:
        return _unknown(seen.origin_problem)
    if seen.exit_code in _SHELL_EXITS:
        return _unknown(f"{_SHELL_EXITS[seen.exit_code]} (exit code {seen.exit_code})")
    if seen.kind in ("test", "coverage"):
        judged = _tests(seen, seen.exit_code)
        if judged.verdict == "passed" and seen.kind == "coverage" and reading.coverage is None:
            return _unknown(reading.missing or "no coverage was reported")
        return _with_baseline(judged, seen, baseline)
    return _other(seen, seen.exit_code)


def named(names: tuple[str, ...]) -> str:
    """The first few of `names`, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _unknown(cause: str) -> Judgement:
    return Judgement("unknown", cause)


def _tests(seen: Seen, exit_code: int) -> Judgement:
    reading, outcomes = seen.reading, seen.reading.outcomes
    counts = outcomes.counts
    if seen.runner == "pytest" and exit_code in _PYTEST_EXITS:
        return _unknown(_because(_PYTEST_EXITS[exit_code], outcomes.first_error, seen))
    if counts is None:
        what = reading.missing or "nothing in its output says that a test ran"
        return _unknown(_because(f"exit code {exit_code}, and {what}", outcomes.first_error, seen))
    if counts.total == 0:
        return _unknown(_because("no test ran", outcomes.first_error, seen))
    failed = counts.failed + counts.errors
    if exit_code == 0:
        return _ended_well(seen, counts, failed)
    if failed:
        return _ended_badly(seen, counts)
    if outcomes.complaint:
        return Judgement("failed", outcomes.complaint)
    if counts.xpassed:
        return Judgement("failed", f"{_tests_word(counts.xpassed)} passed that should have failed")
    return _unknown(_because(f"exit code {exit_code} though no test failed", "", seen))


def _ended_well(seen: Seen, counts: Counts, failed: int) -> Judgement:
    if failed:
        return _unknown(f"exit code 0 though {_tests_word(failed)} failed")
    if seen.reading.outcomes.complaint:
        return _unknown(f"exit code 0, and yet: {seen.reading.outcomes.complaint}")
    if counts.passed + counts.xpassed == 0:
        if counts.skipped == counts.total:
            return _unknown(f"no test ran: all {counts.skipped} were skipped")
        return _unknown("no test passed; those that ran are expected to fail")
    return Judgement("passed")


def _ended_badly(seen: Seen, counts: Counts) -> Judgement:
    """Some tests failed: whether that says anything about the code."""
    outcomes = seen.reading.outcomes
    failing = outcomes.failing
    refused = set(seen.refused) | set(seen.reading.refused)
    if failing and refused.issuperset(failing):
        return _unknown(f"the network was refused to {named(failing)}")
    if failing and set(outcomes.broken).issuperset(failing) and not counts.passed:
        first = f": {outcomes.first_error}" if outcomes.first_error else ""
        return _unknown(f"no test could be loaded: {named(failing)}{first}")
    if not failing:
        return Judgement("failed", f"{_tests_word(counts.failed + counts.errors)} failed")
    real = tuple(name for name in failing if name not in refused)
    spared = len(failing) - len(real)
    beside = f"; the network was refused to {spared} more" if spared else ""
    return Judgement("failed", f"{_tests_word(len(real))} failed: {named(real)}{beside}")


def _with_baseline(judged: Judgement, seen: Seen, baseline: Evidence | None) -> Judgement:
    if judged.verdict != "failed" or baseline is None or baseline.verdict != "failed":
        return judged
    failing = seen.reading.outcomes.failing
    old = [name for name in failing if name in set(baseline.failing)]
    if not old:
        return judged
    which = "all of them" if len(old) == len(failing) else f"{len(old)} of them"
    return Judgement("failed", f"{judged.cause}; {which} failed before as well")


def _other(seen: Seen, exit_code: int) -> Judgement:
    """Lint, build, benchmark, command: by exit code."""
    if exit_code == 0:
        return Judgement("passed")
    if seen.reading.network_refused:
        return _unknown(f"the network was refused: {seen.reading.network_refused}")
    problems = seen.reading.problems
    broke = seen.kind == "lint" and exit_code & _LINTER_BROKE.get(seen.runner, 0)
    if broke and problems is None:
        first = seen.reading.outcomes.first_error
        return _unknown(
            _because(f"{seen.runner} could not look (exit code {exit_code})", first, seen)
        )
    if problems is not None:
        return Judgement("failed", f"{problems} problem{'' if problems == 1 else 's'}")
    first = seen.reading.outcomes.first_error
    return Judgement("failed", f"exit code {exit_code}{': ' + first if first else ''}")


def _because(what: str, error: str, seen: Seen) -> str:
    """`what`, with the first error, and with the refused network where that may be why."""
    parts = [what, *([error[:MAX_QUOTE]] if error else [])]
    text = ": ".join(parts)
    if seen.reading.network_refused:
        return f"{text}; the network was refused: {seen.reading.network_refused}"
    return f"{text}; {seen.attempts} connections out were refused" if seen.attempts else text


def _tests_word(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"
