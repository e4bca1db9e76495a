"""Counts of an analysis, the sentence that tells its outcome, and the published report document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from orchestrate.core.sharing.deduplication import EXPOSURE_ORDER
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Analysis,
    Exposure,
    Finding,
    Severity,
    TimelineEntry,
)
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation

#: `findings`: there are some. `unknown`: there are none, and something could not be confirmed.
#: `none`: there are none, and everything that was asked to look did.
Outcome = Literal["findings", "unknown", "none"]

#: How many unconfirmed things the verdict names before it only counts.
_NAMED_UNKNOWNS = 3


class Summary(msgspec.Struct, frozen=True):
    """Figures of one analysis. Suppressed findings are in `suppressed` only.

    `severities` and `exposures` have a key for every severity and exposure; `matrix` maps exposure
    to severity to count.
    """

    outcome: Outcome
    verdict: str
    severities: dict[Severity, int]
    exposures: dict[Exposure, int]
    matrix: dict[Exposure, dict[Severity, int]]
    suppressed: int
    unknown: int
    not_examined: int
    merged: int


class Generator(msgspec.Struct, frozen=True):
    """What wrote a report."""

    name: str
    version: str


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`report.json`. `version` changes when a reader of the old form would misread the new one."""

    version: Literal[1] = 1
    generator: Generator
    summary: Summary
    analysis: Analysis
    timeline: tuple[TimelineEntry, ...] = ()
    remediation: Remediation = NO_FIXES


def summarise(analysis: Analysis) -> Summary:
    """Count everything the reports show."""
    matrix: dict[Exposure, dict[Severity, int]] = {
        exposure: dict.fromkeys(SEVERITY_ORDER, 0) for exposure in EXPOSURE_ORDER
    }
    for finding in analysis.findings:
        matrix[finding.exposure][finding.severity] += 1
    severities = {
        severity: sum(row[severity] for row in matrix.values()) for severity in SEVERITY_ORDER
    }
    return Summary(
        outcome=outcome_of(analysis),
        verdict=verdict_sentence(analysis),
        severities=severities,
        exposures={exposure: sum(row.values()) for exposure, row in matrix.items()},
        matrix=matrix,
        suppressed=len(analysis.suppressed),
        unknown=len(analysis.unknown),
        not_examined=sum(entry.count for entry in analysis.not_examined),
        merged=analysis.merged,
    )


def outcome_of(analysis: Analysis) -> Outcome:
    """`none` only when nothing was found and nothing is unknown."""
    if analysis.findings:
        return "findings"
    return "unknown" if analysis.unknown or not analysis.tools else "none"


def verdict_sentence(analysis: Analysis) -> str:
    """What a hurried reader must know: what was found, and what could not be confirmed."""
    unknown = _unknown_clause(analysis.unknown)
    ran = sum(1 for run in analysis.tools if run.conclusive)
    if analysis.findings:
        sentence = f"{counted(analysis.findings)}."
    elif unknown:
        sentence = "Nothing was found, but this scan is not conclusive."
    elif not analysis.tools:
        return "Nothing was looked at: no tool ran."
    else:
        tools = "1 tool" if ran == 1 else f"all {ran} tools"
        sentence = f"No findings; {tools} ran to the end."
    if analysis.suppressed:
        sentence += f" {len(analysis.suppressed)} suppressed with a reason."
    return f"{sentence} {unknown}".strip()


def counted(findings: Sequence[Finding]) -> str:
    """`1 critical, 3 high and 12 low findings`; `no findings` for none."""
    counts = {s: sum(1 for f in findings if f.severity == s) for s in SEVERITY_ORDER}
    parts = [f"{count} {severity}" for severity, count in counts.items() if count]
    if not parts:
        return "no findings"
    noun = "finding" if len(findings) == 1 else "findings"
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{listed} {noun}"


def _unknown_clause(unknown: Sequence[str]) -> str:
    if not unknown:
        return ""
    names = [each.partition(": ")[0] for each in unknown]
    more = len(names) - _NAMED_UNKNOWNS
    shown = "; ".join(names[:_NAMED_UNKNOWNS]) + (f"; and {more} more" if more > 0 else "")
    things = "1 check" if len(names) == 1 else f"{len(names)} checks"
    return f"{things} could not be confirmed: {shown}."
