from __future__ import annotations

import pytest

from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Analysis,
    Finding,
    Location,
    Severity,
    ToolRun,
)
from orchestrate.core.sharing.summary import outcome_of, summarise, verdict_sentence
from orchestrate.core.sharing.threshold import threshold_verdict

RAN = ToolRun(tool="bandit", version="1", status="ran")


def finding(severity: Severity, suppressed: str = "") -> Finding:
    return Finding(
        rule="R",
        title="Shell command",
        message="m",
        category="code",
        severity=severity,
        confidence="low",
        exposure="test",
        location=Location("a.py", 3),
        suppressed=suppressed,
    )


def analysis(*severities: Severity, unknown: tuple[str, ...] = ()) -> Analysis:
    return Analysis(
        subject="s", findings=tuple(map(finding, severities)), tools=(RAN,), unknown=unknown
    )


@pytest.mark.parametrize("worst", SEVERITY_ORDER)
@pytest.mark.parametrize("fail_on", SEVERITY_ORDER)
def test_a_finding_fails_exactly_the_thresholds_it_reaches(
    worst: Severity, fail_on: Severity
) -> None:
    reached = SEVERITY_ORDER.index(worst) <= SEVERITY_ORDER.index(fail_on)

    verdict = threshold_verdict(analysis(worst, "info"), fail_on)

    assert verdict.verdict == ("failed" if reached or fail_on == "info" else "passed")


def test_failure_says_how_many_where_and_what_is_unknown_besides() -> None:
    verdict = threshold_verdict(analysis("high", "low", unknown=("audit: no data",)), "high")

    assert verdict.verdict == "failed"
    assert verdict.reasons == (
        "1 high finding at or above high, 0 of them in shipped code; "
        "first: Shell command at a.py:3",
        "could not be confirmed: audit: no data",
    )


def test_unknown_does_not_pass_unless_allowed_and_is_named_even_then() -> None:
    unsure = analysis("low", unknown=("audit: no data",))

    assert threshold_verdict(unsure, "high").verdict == "unknown"
    assert threshold_verdict(unsure, None).verdict == "unknown"
    allowed = threshold_verdict(unsure, "high", allow_unknown=True)
    assert allowed.verdict == "passed"
    assert allowed.reasons == (
        "no finding is high or worse",
        "could not be confirmed: audit: no data",
    )


def test_a_scan_in_which_nothing_ran_is_unknown() -> None:
    empty = Analysis(subject="s")

    assert threshold_verdict(empty, "high").verdict == "unknown"
    assert outcome_of(empty) == "unknown"
    assert verdict_sentence(empty) == "Nothing was looked at: no tool ran."


def test_suppressed_findings_do_not_fail_but_are_counted() -> None:
    accepted = Analysis(
        subject="s", suppressed=(finding("critical", "inline: tested"),), tools=(RAN,)
    )

    assert threshold_verdict(accepted, "low").verdict == "passed"
    assert summarise(accepted).suppressed == 1
    assert verdict_sentence(accepted) == (
        "No findings; 1 tool ran to the end. 1 suppressed with a reason."
    )


def test_verdict_sentence_counts_and_names_what_could_not_be_confirmed() -> None:
    unknown = tuple(f"check {n}: because" for n in range(5))

    assert verdict_sentence(analysis("high", "high", "low", unknown=unknown)) == (
        "2 high and 1 low findings. "
        "5 checks could not be confirmed: check 0; check 1; check 2; and 2 more."
    )
    assert verdict_sentence(analysis(unknown=unknown[:1])) == (
        "Nothing was found, but this scan is not conclusive. "
        "1 check could not be confirmed: check 0."
    )


def test_summary_counts_every_severity_and_exposure_also_zero() -> None:
    summary = summarise(analysis("high", "low"))

    assert summary.outcome == "findings"
    assert summary.severities == {"critical": 0, "high": 1, "medium": 0, "low": 1, "info": 0}
    assert summary.exposures == {"shipped": 0, "build": 0, "example": 0, "docs": 0, "test": 2}
    assert summary.matrix["test"]["high"] == 1


@pytest.mark.parametrize(
    ("fail_on", "verdict"), [("high", "passed"), ("medium", "unknown"), ("low", "unknown")]
)
def test_a_tool_that_cannot_reach_the_threshold_leaves_nothing_open(
    fail_on: Severity, verdict: str
) -> None:
    licences = ToolRun("licence-audit", "1", "partial", purpose="licences", reason="not stated")
    scanned = Analysis(
        subject="s",
        tools=(RAN, licences),
        unknown=("licences (licence-audit 1): looked at a part only; not stated",),
    )

    found = threshold_verdict(scanned, fail_on)

    assert found.verdict == verdict
    assert any("licences" in reason for reason in found.reasons)


def test_a_missing_report_is_open_at_every_threshold() -> None:
    assert (
        threshold_verdict(
            analysis(unknown=("architect: no report; it failed",)), "critical"
        ).verdict
        == "unknown"
    )
