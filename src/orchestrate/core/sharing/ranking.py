"""From the reports of several specialists to one ranked analysis.

Theory of operation. Findings are deduplicated, then ordered by

    score = severity × confidence × exposure

Severity uses the middle of each CVSS v3 band, so that scores read on a scale people know. The
other two factors only ever lower it. Everything is a function of the set of reports: their order
does not matter, and analysing the outcome again changes nothing.

`unknown` is kept apart from findings: a tool that could not look, and a specialist whose report is
absent, are never read as "nothing found".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orchestrate.core.sharing.assembly import assembled
from orchestrate.core.sharing.deduplication import STATED_CONFIDENCE, deduplicate, tools_of
from orchestrate.core.sharing.findings import (
    Analysis,
    Confidence,
    Exposure,
    Finding,
    Severity,
    SpecialistReport,
)

#: Middle of the CVSS v3.1 band (9.0-10, 7.0-8.9, 4.0-6.9, 0.1-3.9). `info` has no band: it is
#: kept just above nothing, so that it sorts last and still has an order of its own.
SEVERITY_WEIGHT: dict[Severity, float] = {
    "critical": 9.5,
    "high": 8.0,
    "medium": 5.5,
    "low": 2.0,
    "info": 0.5,
}
#: A finding a tool is unsure of costs the reader a look, which it should be worth: a medium
#: severity that is certain (5.5) comes close to a high one that is probable (5.6).
CONFIDENCE_WEIGHT: dict[Confidence, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}
#: Who runs the code. Build code runs with developers' credentials; examples are copied into
#: products; docs and tests run on trusted input: a critical flaw in a test (1.4) stays below a
#: certain low one in shipped code (2.0).
EXPOSURE_WEIGHT: dict[Exposure, float] = {
    "shipped": 1.0,
    "build": 0.6,
    "example": 0.4,
    "docs": 0.2,
    "test": 0.15,
}
#: Highest possible score.
MAX_SCORE = SEVERITY_WEIGHT["critical"]

_EXPOSURE_WORDS: dict[Exposure, str] = {
    "shipped": "shipped code",
    "build": "build code",
    "example": "an example",
    "docs": "documentation",
    "test": "test code",
}


def score_of(finding: Finding) -> float:
    """The product of the three weights, rounded to 3 digits."""
    product = (
        SEVERITY_WEIGHT[finding.severity]
        * CONFIDENCE_WEIGHT[finding.confidence]
        * EXPOSURE_WEIGHT[finding.exposure]
    )
    return round(product, 3)


def analyse(
    reports: Sequence[SpecialistReport],
    *,
    subject: str,
    request: str = "",
    revision: str = "",
    absent: Mapping[str, str] | None = None,
) -> Analysis:
    """Merge, deduplicate and rank.

    Args:
        absent: required specialist -> why its report is not there. Each becomes an unknown.
    """
    stated = [_attributed(report) for report in reports]
    given = {msgspec.json.encode(f, order="deterministic"): f for part in stated for f in part}
    findings = deduplicate(given.values())
    analysis = assembled(reports, absent or {})
    return msgspec.structs.replace(
        analysis,
        subject=subject,
        request=request,
        revision=revision,
        findings=rank(findings),
        merged=len(given) - len(findings),
    )


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """`findings` with `score` and `why`, most urgent first; ties by path, line, column, rule."""
    scored = [msgspec.structs.replace(f, score=score_of(f), why=why(f)) for f in findings]
    return tuple(sorted(scored, key=_rank_order))


def why(finding: Finding) -> str:
    """The sentence that explains the score, from the factors it was computed of."""
    severity, confidence, exposure = finding.severity, finding.confidence, finding.exposure
    sentence = (
        f"{severity.capitalize()} severity ({SEVERITY_WEIGHT[severity]:g})"
        f" × {confidence} confidence ({CONFIDENCE_WEIGHT[confidence]:g})"
        f" × {_EXPOSURE_WORDS[exposure]} ({EXPOSURE_WEIGHT[exposure]:g})"
        f" = {score_of(finding):g}."
    )
    stated = finding.properties.get(STATED_CONFIDENCE)
    tools = sorted(tools_of(finding))
    if stated and stated != confidence:
        sentence += (
            f" Confidence was {stated}; {' and '.join(tools)} agree independently, which raised it."
        )
    elif len(tools) > 1:
        sentence += f" Reported by {' and '.join(tools)}."
    return sentence


def _attributed(report: SpecialistReport) -> tuple[Finding, ...]:
    """The report's findings, each naming the agent that reported it."""
    return tuple(
        finding
        if report.agent in finding.agents
        else msgspec.structs.replace(finding, agents=(*finding.agents, report.agent))
        for finding in report.findings
    )


def _rank_order(finding: Finding) -> tuple[float, str, int, int, str, str]:
    place = finding.location
    return (
        -finding.score,
        place.path,
        place.line,
        place.column or 0,
        finding.rule,
        finding.fingerprint,
    )
