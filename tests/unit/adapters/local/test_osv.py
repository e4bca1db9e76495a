"""CVSS scores and whether versions are affected by advisories in OSV form."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.adapters.backends.local.cvss import base_score, rating
from orchestrate.adapters.backends.local.osv import (
    allowed_affected,
    fixed_versions,
    has_escape,
    is_affected,
    read_advisory,
)

#: Two spans in one range, written out of order.
_TWO_SPANS = [{"introduced": "2.0"}, {"fixed": "2.0.6"}, {"introduced": "0"}, {"fixed": "1.26"}]
_SEVEN_FIVE = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"


def _raw(*events: dict[str, str], versions: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    package = {"name": "Some.Pkg", "ecosystem": "PyPI"}
    affected = {"package": package, "ranges": ranges, "versions": list(versions)}
    return {"id": "X-1", "affected": [affected], **more}


@pytest.mark.parametrize(
    ("vector", "score", "severity"),
    [
        # The examples that FIRST publishes with the specification: CVE-2014-6271, CVE-2013-1937,
        # CVE-2013-0375, CVE-2014-3566, CVE-2012-1516 and CVE-2014-0160.
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "medium"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4, "medium"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, "low"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9, "critical"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, "high"),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:P", 7.8, "high"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "critical"),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0, "info"),
    ],
)
def test_base_scores_and_ratings(vector: str, score: float, severity: str) -> None:
    assert base_score(vector) == score
    assert rating(score) == severity


@pytest.mark.parametrize(
    "vector", ["", "AV:N/AC:L/Au:N/C:P/I:P/A:P", "CVSS:4.0/AV:N", "CVSS:3.1/AV:N", "CVSS:3.1/AV:Q"]
)
def test_other_vectors_are_refused(vector: str) -> None:
    with pytest.raises(ValueError, match=r"CVSS|metric"):
        base_score(vector)


@pytest.mark.parametrize(
    ("events", "version", "expected"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], "0.1", True),
        ([{"introduced": "0"}, {"fixed": "1.2"}], "1.2", False),
        ([{"introduced": "0"}, {"fixed": "1.2"}], "1.2rc1", True),
        ([{"introduced": "0"}, {"fixed": "1.2"}], "1.10", False),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], "1.5", True),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], "1.5.post1", False),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], "0.9", False),
        ([{"introduced": "1.0"}], "99", True),
        (_TWO_SPANS, "1.25", True),
        (_TWO_SPANS, "1.26", False),
        (_TWO_SPANS, "2.0.1", True),
        ([{"introduced": "0"}, {"fixed": "3"}, {"limit": "2"}], "1", True),
        ([{"introduced": "0"}, {"fixed": "3"}, {"limit": "2"}], "2", False),
        ([{"introduced": "0"}, {"fixed": "3"}, {"limit": "*"}], "2", True),
        ([{"introduced": "0"}, {"fixed": "1.2"}], "not a version", False),
    ],
)  # fmt: skip
def test_ranges(events: list[dict[str, str]], version: str, expected: bool) -> None:
    affected = read_advisory(_raw(*events)).affected[0]
    assert is_affected(affected, version) is expected


def test_enumerated_versions_match_however_they_are_written() -> None:
    affected = read_advisory(_raw(versions=("1.0", "2004d"))).affected[0]
    assert affected.package == "some-pkg"
    assert is_affected(affected, "1.0.0")
    assert is_affected(affected, "2004d")
    assert not is_affected(affected, "1.0.1")


def test_commit_ranges_alone_decide_nothing() -> None:
    raw = _raw()
    raw["affected"][0]["ranges"] = [{"type": "GIT", "events": [{"introduced": "0"}]}]
    assert not read_advisory(raw).affected[0].decidable


def test_other_ecosystems_are_left_out() -> None:
    raw = _raw({"introduced": "0"})
    raw["affected"][0]["package"]["ecosystem"] = "npm"
    assert read_advisory(raw).affected == ()


@pytest.mark.parametrize(
    ("specifier", "affected_versions", "escape"),
    [
        ("<1.24,>=1.21.1", ("1.21.1", "1.22", "1.23"), False),
        (">=1.22", ("1.22", "1.23"), True),
        ("", ("1.21.1", "1.22", "1.23"), True),
        (">=1.26.17,<2", (), True),
        ("~=1.22", ("1.22", "1.23"), True),
    ],
)
def test_what_a_range_allows(
    specifier: str, affected_versions: tuple[str, ...], escape: bool
) -> None:
    raw = _raw({"introduced": "0"}, {"fixed": "1.26.17"}, versions=("1.23", "1.22", "1.21.1"))
    affected = read_advisory(raw).affected[0]
    found = tuple(v for v in allowed_affected(affected, specifier) if v in affected.versions)
    assert found == affected_versions
    assert has_escape(affected, specifier) is escape
    assert fixed_versions(affected) == ("1.26.17",)


@pytest.mark.parametrize(
    ("more", "severity", "reason"),
    [
        (
            {"severity": [{"type": "CVSS_V3", "score": _SEVEN_FIVE}]},
            "high",
            "CVSS base score 7.5",
        ),
        ({"database_specific": {"severity": "MODERATE"}}, "medium", "says moderate"),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, "medium", "is assumed"),
        ({}, "medium", "is assumed"),
    ],
)  # fmt: skip
def test_severity_comes_with_its_reason(more: dict[str, Any], severity: str, reason: str) -> None:
    advisory = read_advisory(_raw({"introduced": "0"}, **more))
    assert advisory.severity == severity
    assert reason in advisory.severity_reason


def test_weaknesses_are_taken_over_or_said_to_be_in_a_component() -> None:
    listed = read_advisory(_raw(database_specific={"cwe_ids": ["CWE-79", "CWE-20"]}))
    assert listed.cwe == 79
    assert read_advisory(_raw()).cwe == 1395


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {"affected": []},
        {"id": "X"},
        {"id": "X", "affected": [{"ranges": []}]},
        {
            "id": "X",
            "affected": [
                {
                    "package": {"name": "a", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"began": "0"}]}],
                }
            ],
        },
    ],
)
def test_what_is_not_osv_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"no |unknown|without"):
        read_advisory(raw)
