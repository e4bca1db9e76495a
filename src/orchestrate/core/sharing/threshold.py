"""`--fail-on`: whether an analysis passes a severity threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from orchestrate.core.sharing.assembly import unknown_entry
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Analysis, Finding, Severity
from orchestrate.core.sharing.summary import counted

#: The most severe finding that a tool can report, for tools that cannot report everything. Such a
#: tool being unable to look says nothing about findings above that.
WORST: Mapping[str, Severity] = {"licence-audit": "medium", "radon": "low", "vulture": "low"}


class ThresholdVerdict(msgspec.Struct, frozen=True):
    """`unknown` is not a pass. `reasons` are sentences, the deciding one first."""

    verdict: Literal["passed", "failed", "unknown"]
    reasons: tuple[str, ...]


def threshold_verdict(
    analysis: Analysis, fail_on: Severity | None, allow_unknown: bool = False
) -> ThresholdVerdict:
    """Decide by severity alone; confidence and exposure order findings, they do not excuse them.

    Args:
        fail_on: the mildest severity that fails; None lets every finding pass.
        allow_unknown: let things that could not be confirmed pass; they are still named.

    Returns:
        `failed` when an unsuppressed finding reaches the threshold, whatever is unknown; else
        `unknown` when something that could hold a finding at or above the threshold could not be
        confirmed and that is not allowed; else `passed`.
    """
    unknown = tuple(f"could not be confirmed: {each}" for each in analysis.unknown)
    if not analysis.tools and not unknown:
        unknown = ("could not be confirmed: no tool ran",)
    if fail_on is not None:
        reached = reaching(analysis.findings, fail_on)
        if reached:
            return ThresholdVerdict("failed", (_failure(reached, fail_on), *unknown))
    if _undecided(analysis, fail_on) and not allow_unknown:
        return ThresholdVerdict("unknown", unknown)
    below = "no threshold was given" if fail_on is None else f"no finding is {fail_on} or worse"
    return ThresholdVerdict("passed", (below, *unknown))


def _undecided(analysis: Analysis, fail_on: Severity | None) -> bool:
    """Whether something nobody could look at might hold a finding that matters."""
    beside = {
        unknown_entry(run)
        for run in analysis.tools
        if fail_on is not None and not can_report(run.tool, fail_on)
    }
    return not analysis.tools or any(entry not in beside for entry in analysis.unknown)


def can_report(tool: str, severity: Severity) -> bool:
    """Whether `tool` might have reported something of `severity` or worse, had it looked."""
    worst = WORST.get(tool, "critical")
    return SEVERITY_ORDER.index(worst) <= SEVERITY_ORDER.index(severity)


def reaching(findings: tuple[Finding, ...], severity: Severity) -> tuple[Finding, ...]:
    """Findings of `severity` or worse, in the given order."""
    worst = SEVERITY_ORDER[: SEVERITY_ORDER.index(severity) + 1]
    return tuple(finding for finding in findings if finding.severity in worst)


def _failure(reached: tuple[Finding, ...], fail_on: Severity) -> str:
    shipped = sum(1 for finding in reached if finding.exposure == "shipped")
    first = reached[0]
    return (
        f"{counted(reached)} at or above {fail_on}, {shipped} of them in shipped code; first: "
        f"{first.title} at {first.location.path}:{first.location.line}"
    )
