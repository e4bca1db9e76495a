"""Gates with a limit: coverage, the size of a diff, new findings."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrate.core.sharing.evidence import CheckCommand, Counts, Coverage, Evidence, Verdict
from orchestrate.core.sharing.findings import Finding, Location, Severity
from orchestrate.core.sharing.limits import judge_coverage, judge_diff, judge_new_findings
from orchestrate.core.sharing.work import Work


def measured(covered: int, lines: int, verdict: Verdict = "passed") -> Evidence:
    command = CheckCommand("coverage", "pytest", ("pytest",))
    return Evidence(command, "r", "t", verdict, coverage=Coverage(covered, lines))


@pytest.mark.parametrize(
    ("covered", "minimum", "verdict"),
    [(80, 80.0, "passed"), (79, 80.0, "failed"), (100, None, "passed")],
)
def test_threshold(covered: int, minimum: float | None, verdict: Verdict) -> None:
    assert judge_coverage(measured(covered, 100), minimum).verdict == verdict


def test_just_below_is_below() -> None:
    judged = judge_coverage(measured(79_999, 100_000), 80)
    assert (judged.verdict, judged.cause) == ("failed", "79.99 % of lines covered, below 80 %")


def test_falling_coverage_fails() -> None:
    judged = judge_coverage(measured(85, 100), 80, measured(90, 100))
    assert (judged.verdict, judged.cause) == ("failed", "coverage fell from 90.00 % to 85.00 %")
    assert judge_coverage(measured(9, 10), 80, measured(90, 100)).verdict == "passed"


def test_taking_covered_lines_away_is_no_loss() -> None:
    assert judge_coverage(measured(80, 90), None, measured(90, 100)).verdict == "passed"
    assert judge_coverage(measured(80, 91), None, measured(90, 100)).verdict == "failed"


def red(covered: int, *failing: str) -> Evidence:
    """Tests of which some fail, and what they cover."""
    return replace(measured(covered, 100, "failed"), failing=failing, counts=Counts(failed=1))


def test_coverage_counts_where_the_same_tests_were_red_before() -> None:
    assert judge_coverage(red(90, "a"), None, red(90, "a")).verdict == "passed"
    assert judge_coverage(red(80, "a"), None, red(90, "a")).verdict == "failed"
    assert judge_coverage(red(90, "b"), None, red(90, "a")).verdict == "failed"
    assert judge_coverage(measured(90, 100), None, red(90, "a")).verdict == "passed"


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (measured(9, 10, "failed"), "failed"),
        (measured(9, 10, "unknown"), "unknown"),
        (measured(0, 0), "unknown"),
        (Evidence(CheckCommand("test", "pytest", ()), "r", "t", "passed"), "unknown"),
    ],
)
def test_coverage_of_a_run_that_did_not_pass_does_not_pass(
    evidence: Evidence, verdict: Verdict
) -> None:
    assert judge_coverage(evidence, 0).verdict == verdict


def test_unknown_coverage_before_is_unknown() -> None:
    assert judge_coverage(measured(9, 10), 80, measured(9, 10, "unknown")).verdict == "unknown"


WORK = Work(commit="c", base="b", tree="t", paths=("a", "b"), added=7, removed=3)


@pytest.mark.parametrize(
    ("files", "lines", "verdict", "cause"),
    [
        (2, 10, "passed", "2 files and 10 lines changed"),
        (1, None, "failed", "2 files changed, more than 1"),
        (1, 9, "failed", "2 files changed, more than 1; 10 lines changed, more than 9"),
    ],
)
def test_size_of_a_diff(files: int | None, lines: int | None, verdict: str, cause: str) -> None:
    judged = judge_diff(WORK, max_files=files, max_lines=lines)
    assert (judged.verdict, judged.cause) == (verdict, cause)


def test_binary_files_have_no_lines_to_judge() -> None:
    work = Work(commit="c", base="b", tree="t", paths=("a.png",), binaries=1)
    assert judge_diff(work, max_lines=5).verdict == "unknown"
    assert judge_diff(work, max_files=1).verdict == "passed"


def finding(fingerprint: str, severity: Severity = "high", listed: str = "") -> Finding:
    return Finding(
        rule="R", title="Flaw", message="m", category="code", severity=severity,
        confidence="high", location=Location("a.py", 3), fingerprint=fingerprint,
        properties={"fingerprints": listed} if listed else {},
    )  # fmt: skip


def test_only_new_findings_of_the_severity_count() -> None:
    before = [finding("one"), finding("two")]
    assert judge_new_findings(before, before).verdict == "passed"
    milder = [*before, finding("three", "low")]
    assert judge_new_findings(before, milder, severity="medium").verdict == "passed"
    judged = judge_new_findings(before, milder)
    assert judged.verdict == "failed"
    assert judged.cause == ("1 new finding at or above info, more than 0; first: Flaw at a.py:3")
    assert judge_new_findings(before, milder, limit=1).verdict == "passed"


def test_merged_finding_is_known_by_any_of_its_fingerprints() -> None:
    assert (
        judge_new_findings([finding("one")], [finding("new", listed="one x")]).verdict == "passed"
    )


def test_finding_without_fingerprint_is_new() -> None:
    assert judge_new_findings([finding("")], [finding("")]).verdict == "failed"


def test_scan_that_could_not_look_proves_nothing() -> None:
    judged = judge_new_findings([], [], unknown=("bandit: crashed",))
    assert (judged.verdict, judged.cause) == ("unknown", "could not be confirmed: bandit: crashed")
