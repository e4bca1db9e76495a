"""What is said of fixes: figures that are counted, and findings that belong to them."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrate.core.sharing.findings import Finding, Location, Severity
from orchestrate.core.sharing.remediation import (
    NO_FIXES,
    STANDINGS,
    FixCheck,
    FixOutcome,
    NotFixed,
    Standing,
    by_fingerprint,
    check_of,
    fix_for,
    reasons,
    remediation,
    said_by_tests,
    sentence,
)


def finding(mark: str, severity: Severity = "high") -> Finding:
    return Finding(
        rule="R",
        title=f"title {mark}",
        message="",
        category="code",
        severity=severity,
        confidence="high",
        location=Location(f"{mark}.py", 3),
        fingerprint=mark,
    )


def outcome(standing: Standing, *marks: str) -> FixOutcome:
    return FixOutcome(
        key="k",
        task="fix.k",
        rule="R",
        title="a fix",
        severity="high",
        path="a.py",
        line=3,
        standing=standing,
        fingerprints=marks,
    )


def left(mark: str, reason: str, severity: Severity = "low") -> NotFixed:
    return NotFixed("R", mark, f"{mark}.py", 3, severity, f"title {mark}", reason)


def test_totals_count_fixes_and_name_every_standing() -> None:
    fixes = [outcome("merged", "a", "b"), outcome("merged", "c"), outcome("taken back", "d")]
    found = remediation(fixes, (), [finding(mark) for mark in "abcd"], branch="orchestrate/r")

    assert set(found.totals) == set(STANDINGS)
    assert {name: n for name, n in found.totals.items() if n} == {"merged": 2, "taken back": 1}
    assert found.standing("taken back", "failed") == (fixes[2],)
    assert sentence(found) == "3 fixes: 2 proven and merged, 1 taken back."


def test_the_sentence_says_what_was_not_asked_planned_or_fixable() -> None:
    assert sentence(NO_FIXES) == ""
    assert sentence(remediation((), (), (), branch="b")) == "No finding has an automatic fix."
    failed = remediation((), (), (), branch="b", problem="the plan of fixes was not made")
    assert sentence(failed) == "No fix was tried: the plan of fixes was not made."
    one = remediation([outcome("kept off")], (), (), branch="b")
    assert sentence(one) == "1 fix: 1 not verified and kept off the branch."


def test_a_finding_finds_its_fix_by_any_of_its_fingerprints() -> None:
    fixes = by_fingerprint(
        remediation([outcome("merged", "x"), outcome("failed", "b", "c")], (), (), branch="b")
    )
    merged = replace(finding("a"), properties={"fingerprints": "c d"})

    found = fix_for(merged, fixes)

    assert found is not None
    assert (found[0], found[1].standing) == (2, "failed")
    assert fix_for(finding("nobody"), fixes) is None


def test_only_findings_that_stand_are_listed_as_not_fixed_most_urgent_first() -> None:
    findings = [finding("b"), finding("a")]
    plan = [left("a", "one"), left("suppressed", "two"), left("b", "one")]

    found = remediation((), plan, findings, branch="b")

    assert [each.fingerprint for each in found.not_fixed] == ["b", "a"]


def test_what_is_not_fixed_is_counted_by_reason_and_severity() -> None:
    grouped = reasons(
        [left("a", "one", "high"), left("b", "two"), left("c", "one"), left("d", "one")]
    )

    assert [(each.reason, each.counts) for each in grouped] == [
        ("one", {"high": 1, "low": 2}),
        ("two", {"low": 1}),
    ]
    assert [each.fingerprint for each in grouped[0].findings] == ["a", "c", "d"]


def test_tests_are_told_with_what_they_said_before() -> None:
    def said(*checks: FixCheck) -> str:
        return said_by_tests(replace(outcome("merged"), checks=checks))

    assert said() == "not run"
    assert said(FixCheck("tests", "t", "passed", "3 passed", "2 passed")) == (
        "passed: before 2 passed, after 3 passed"
    )
    assert said(FixCheck("tests", "t", "unknown", "pytest is not installed", "2 passed")) == (
        "unknown: pytest is not installed"
    )
    assert said(FixCheck("tests", "t", "failed")) == "failed"


def test_of_two_checks_of_one_kind_the_later_one_counts() -> None:
    checks = (FixCheck("tests", "one", "unknown"), FixCheck("tests", "two", "passed"))
    found = check_of(replace(outcome("merged"), checks=checks), "tests")

    assert found is not None
    assert found.name == "two"
    assert check_of(outcome("merged"), "tests") is None
