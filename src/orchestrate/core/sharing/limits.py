"""Gates that compare a number with a limit: coverage, the size of a diff, new findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from orchestrate.core.sharing.comparison import compare
from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.evidence import Evidence
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Finding, Severity
from orchestrate.core.sharing.threshold import reaching
from orchestrate.core.sharing.verdict import Judgement
from orchestrate.core.sharing.work import Work
from orchestrate.core.wording import count


def judge_coverage(
    evidence: Evidence, minimum: float | None, before: Evidence | None = None
) -> Judgement:
    """Whether coverage reaches `minimum` percent and, given `before`, has not gone down.

    It has gone down when the percentage fell and more lines are left out than before: taking
    covered lines away leaves nothing uncovered that was not. Tests that failed fail the gate as
    well, because what a broken run covers says nothing, unless they failed before, too.
    """
    if evidence.verdict != "passed" and not _red_as_before(evidence, before):
        return Judgement(evidence.verdict, evidence.cause)
    if evidence.coverage is None:
        return Judgement("unknown", "no coverage was reported")
    if evidence.coverage.lines == 0:
        return Judgement("unknown", "the coverage report names no line")
    percent = evidence.coverage.percent
    if minimum is not None and percent < minimum:
        return Judgement("failed", f"{_shown(percent)} of lines covered, below {minimum:g} %")
    if before is None:
        return Judgement("passed", f"{_shown(percent)} of lines covered")
    if before.verdict == "unknown" or before.coverage is None:
        return Judgement("unknown", f"coverage before the change: {before.cause or 'not reported'}")
    left_out = evidence.coverage.lines - evidence.coverage.covered
    left_out_before = before.coverage.lines - before.coverage.covered
    if percent < before.coverage.percent and left_out > left_out_before:
        fell = f"coverage fell from {_shown(before.coverage.percent)} to {_shown(percent)}"
        return Judgement("failed", fell)
    return Judgement("passed", f"{_shown(percent)} of lines covered")


def _red_as_before(evidence: Evidence, before: Evidence | None) -> bool:
    """Whether all that fails in `evidence` failed in `before`, too."""
    return before is not None and compare(before, evidence).verdict == "passed"


def judge_diff(
    work: Work, *, max_files: int | None = None, max_lines: int | None = None
) -> Judgement:
    """Whether the work stays within limits. Lines are those added and removed together.

    Binary files have no lines, so with a limit on lines they cannot be judged: unknown.
    """
    over = []
    files, lines = len(work.paths), work.added + work.removed
    if max_files is not None and files > max_files:
        over.append(f"{count(files, 'file')} changed, more than {max_files}")
    if max_lines is not None and lines > max_lines:
        over.append(f"{count(lines, 'line')} changed, more than {max_lines}")
    if over:
        return Judgement("failed", "; ".join(over))
    if max_lines is not None and work.binaries:
        binary = count(work.binaries, "changed binary file")
        return Judgement("unknown", f"{binary} without lines to count")
    return Judgement("passed", f"{count(files, 'file')} and {count(lines, 'line')} changed")


def judge_new_findings(
    before: Iterable[Finding],
    after: Sequence[Finding],
    *,
    severity: Severity = SEVERITY_ORDER[-1],
    limit: int = 0,
    unknown: Sequence[str] = (),
) -> Judgement:
    """Whether at most `limit` findings of `severity` or worse are new.

    A finding is known when any of its fingerprints occurred before. `unknown` lists what the later
    scan could not confirm (`Analysis.unknown`): with it, few findings prove nothing.
    """
    new = reaching(new_findings(before, after), severity)
    if len(new) > limit:
        first = new[0]
        place = f"{first.location.path}:{first.location.line}"
        found = f"{count(len(new), 'new finding')} at or above {severity}"
        return Judgement("failed", f"{found}, more than {limit}; first: {first.title} at {place}")
    if unknown:
        return Judgement("unknown", f"could not be confirmed: {unknown[0]}")
    return Judgement("passed", f"{len(new)} new findings at or above {severity}")


def new_findings(before: Iterable[Finding], after: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings of `after` none of whose fingerprints occurs in `before`, in their order."""
    known = frozenset[str]().union(*map(fingerprints_of, before))
    return tuple(each for each in after if known.isdisjoint(fingerprints_of(each)))


def _shown(percent: float) -> str:
    # Cut, not rounded: what is below a limit must not read as the limit.
    return f"{math.floor(percent * 100) / 100:.2f} %"
