"""Whether a change broke anything: one command's evidence before it and after it."""

from __future__ import annotations

import msgspec

from orchestrate.core.sharing.evidence import Evidence, Verdict
from orchestrate.core.sharing.verdict import named


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tests by what became of them, in the order of the later run (`missing`: of the earlier one).

    `newly_failing` fail now and did not before, whether they were there or not; `fixed` passed
    now and failed before; `still_failing` failed both times; `missing` passed before and were not
    run, or were skipped, now; `added` were not there before. Flaky tests count as passing.
    """

    verdict: Verdict
    cause: str = ""
    newly_failing: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def compare(before: Evidence, after: Evidence) -> Comparison:
    """Passed only if nothing that passed before fails now or is missing, as far as can be told.

    Unknown on either side is unknown, and so is a pair of different commands. A run that was red
    before and is red for the same tests passes, and the cause names them.
    """
    if _identity(before) != _identity(after):
        return Comparison("unknown", "two different commands were run")
    for when, side in (("before", before), ("after", after)):
        if side.verdict == "unknown":
            cause = side.cause or "no reason was given"
            return Comparison("unknown", f"unknown {when} the change: {cause}")
    return _judged(_sorted_out(before, after), before, after)


def _identity(evidence: Evidence) -> tuple[str, str, tuple[str, ...], str]:
    command = evidence.command
    return command.kind, command.runner, command.argv, command.folder


def _sorted_out(before: Evidence, after: Evidence) -> Comparison:
    passed_before, passed_now = {*before.passing, *before.flaky}, {*after.passing, *after.flaky}
    failed_before, failing_now = set(before.failing), set(after.failing)
    now = (*after.failing, *after.passing, *after.flaky)
    return Comparison(
        "passed",
        newly_failing=tuple(name for name in after.failing if name not in failed_before),
        fixed=tuple(name for name in now if name in passed_now & failed_before),
        still_failing=tuple(name for name in after.failing if name in failed_before),
        missing=tuple(
            name
            for name in dict.fromkeys((*before.passing, *before.flaky))
            if name not in passed_now | failing_now
        ),
        added=tuple(
            name for name in dict.fromkeys(now) if name not in passed_before | failed_before
        ),
    )


def _judged(found: Comparison, before: Evidence, after: Evidence) -> Comparison:
    reasons = []
    if found.newly_failing:
        reasons.append(f"newly failing: {named(found.newly_failing)}")
    if found.missing and _complete(after):
        reasons.append(f"passed before and not run any more: {named(found.missing)}")
    if reasons:
        return _with(found, "failed", "; ".join(reasons))
    if not _complete(before) or not _complete(after):
        cause = _by_counts(before, after)
        if cause:
            return _with(found, "unknown", cause)
    if after.verdict == "passed":
        return found
    if not found.still_failing:
        if before.verdict == "passed":
            return _with(found, "failed", after.cause or "it passed before and fails now")
        return _with(found, "unknown", f"it failed before and fails now: {after.cause}")
    return _with(found, "passed", f"failing before and after: {named(found.still_failing)}")


def _complete(evidence: Evidence) -> bool:
    """Whether every test that passed and failed is named."""
    counts = evidence.counts
    if counts is None:
        return False
    passed, failed = counts.passed + counts.xpassed, counts.failed + counts.errors
    named_passing = {*evidence.passing, *evidence.flaky}
    return len(named_passing) >= passed and len(set(evidence.failing)) >= failed


def _by_counts(before: Evidence, after: Evidence) -> str:
    """What the numbers alone cannot rule out; empty if they can, or if there are none."""
    if before.counts is None or after.counts is None:
        return ""
    fewer = before.counts.passed - after.counts.passed
    if fewer > 0:
        tests = f"{fewer} tests fewer pass" if fewer > 1 else "1 test fewer passes"
        return f"{tests} than before, and not every test is named"
    return ""


def _with(found: Comparison, verdict: Verdict, cause: str) -> Comparison:
    return msgspec.structs.replace(found, verdict=verdict, cause=cause)
