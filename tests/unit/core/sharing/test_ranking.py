from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.sharing.assembly import unknowns
from orchestrate.core.sharing.findings import (
    Component,
    Confidence,
    Exposure,
    Finding,
    Inventory,
    Location,
    Module,
    NotExamined,
    Severity,
    Source,
    SpecialistReport,
    ToolRun,
)
from orchestrate.core.sharing.ranking import analyse, score_of

RAN = ToolRun(tool="bandit", version="1.9", status="ran")


def finding(
    line: int = 10,
    *,
    tool: str = "bandit",
    rule: str = "B602",
    severity: Severity = "high",
    confidence: Confidence = "medium",
    exposure: Exposure = "shipped",
    cwe: int | None = 78,
    end_line: int | None = None,
    path: str = "src/app.py",
    remedy: str = "",
) -> Finding:
    return Finding(
        rule=f"{tool}.{rule}",
        title=f"{rule} by {tool}",
        message="m",
        category="code",
        severity=severity,
        confidence=confidence,
        exposure=exposure,
        location=Location(path=path, line=line, end_line=end_line),
        cwe=cwe,
        sources=(Source(tool, rule, "1"),),
        fingerprint=f"{tool}-{rule}-{line}",
        remedy=remedy,
    )


def report(*findings: Finding, agent: str = "security-scout", **more: object) -> SpecialistReport:
    base = SpecialistReport(agent=agent, action="scan", findings=findings, tools=(RAN,))
    return msgspec.structs.replace(base, **more)


def test_two_tools_at_one_statement_become_one_finding_with_both_sources() -> None:
    scout = report(finding(10, end_line=13))
    reviewer = report(
        finding(11, tool="review", rule="ORC-PY-101", severity="medium", remedy="use a list"),
        agent="code-reviewer",
    )

    analysis = analyse([scout, reviewer], subject="app")

    (merged,) = analysis.findings
    assert [source.tool for source in merged.sources] == ["bandit", "review"]
    assert merged.agents == ("code-reviewer", "security-scout")
    assert (merged.location.line, merged.location.end_line) == (10, 13)
    assert (merged.severity, merged.confidence) == ("high", "high")
    assert merged.remedy == "use a list"
    assert analysis.merged == 1
    assert merged.why == (
        "High severity (8) × high confidence (1) × shipped code (1) = 8. "
        "Confidence was medium; bandit and review agree independently, which raised it."
    )


def test_the_same_tool_twice_does_not_raise_confidence() -> None:
    both = report(finding(10), finding(10, rule="B607", severity="low"))

    (merged,) = analyse([both], subject="app").findings

    assert merged.confidence == "medium"
    assert len(merged.sources) == 2


def test_our_own_tools_agreeing_is_no_second_opinion() -> None:
    review = finding(tool="orchestrate-review", rule="ORC-PY-401", cwe=605)
    architecture = finding(tool="orchestrate-architecture", rule="ORC-ARCH-003", cwe=1327)

    (merged,) = analyse([report(review, architecture)], subject="app").findings

    assert merged.confidence == "medium"
    assert merged.why.endswith("Reported by orchestrate-architecture and orchestrate-review.")


def test_what_says_who_can_reach_a_flaw_stays_beside_it() -> None:
    flaw = finding(tool="orchestrate-review", rule="ORC-PY-101")
    reach = msgspec.structs.replace(
        finding(tool="orchestrate-architecture", rule="reach"),
        rule="ORC-ARCH-002",
        category="architecture",
    )

    assert len(analyse([report(flaw, reach)], subject="app").findings) == 2


def test_one_rule_at_two_lines_is_two_findings_even_inside_another_tools_range() -> None:
    wide = finding(10, tool="review", rule="R1", end_line=20)

    found = analyse([report(wide, finding(11), finding(12))], subject="app").findings

    assert sorted(each.location.line for each in found) == [10, 12]


def test_a_function_long_region_does_not_swallow_a_statement_inside() -> None:
    region = finding(10, tool="review", rule="R1", end_line=200)

    assert len(analyse([report(region, finding(50))], subject="app").findings) == 2


@pytest.mark.parametrize("cwe", [20, 400, 703, None])
def test_a_broad_cwe_does_not_make_two_findings_one(cwe: int | None) -> None:
    first = finding(tool="one", rule="A", cwe=cwe)
    second = finding(tool="two", rule="B", cwe=cwe)

    assert len(analyse([report(first, second)], subject="app").findings) == 2


def test_tools_that_file_a_flaw_under_different_cwes_agree_by_rule() -> None:
    bandit = finding(rule="B307", cwe=78)
    review = finding(tool="review", rule="ORC-PY-103", cwe=95)

    assert len(analyse([report(bandit, review)], subject="app").findings) == 1


def test_two_advisories_for_one_requirement_stay_two() -> None:
    def advisory(number: str) -> Finding:
        return Finding(
            rule="vulnerable-dependency",
            title="Flask 0.12.2",
            message=number,
            category="dependency",
            severity="high",
            confidence="high",
            location=Location("setup.py", 12),
            cwe=400,
            sources=(Source("advisories", "vulnerable-dependency"),),
            properties={"advisory": number},
        )

    found = analyse([report(advisory("PYSEC-1"), advisory("PYSEC-2"))], subject="app").findings

    assert {each.properties["advisory"] for each in found} == {"PYSEC-1", "PYSEC-2"}


def test_a_critical_flaw_in_tests_ranks_below_a_certain_low_one_in_shipped_code() -> None:
    in_tests = finding(severity="critical", confidence="high", exposure="test", path="tests/t.py")
    shipped = finding(severity="low", confidence="high", cwe=327, rule="B303")

    first, second = analyse([report(in_tests, shipped)], subject="app").findings

    assert (first.exposure, second.exposure) == ("shipped", "test")
    assert (first.score, second.score) == (2.0, 1.425)


def test_equal_scores_are_ordered_by_path_line_and_rule() -> None:
    found = (
        finding(9, path="b.py"),
        finding(3, path="b.py"),
        finding(7, path="a.py"),
        finding(7, path="a.py", rule="B102", cwe=94),
    )

    ranked = analyse([report(*found)], subject="app").findings

    assert [(f.location.path, f.location.line, f.rule) for f in ranked] == [
        ("a.py", 7, "bandit.B102"),
        ("a.py", 7, "bandit.B602"),
        ("b.py", 3, "bandit.B602"),
        ("b.py", 9, "bandit.B602"),
    ]


def test_each_factor_lowers_the_score() -> None:
    best = finding(severity="critical", confidence="high")
    milder = msgspec.structs.replace(best, severity="high")
    unsure = msgspec.structs.replace(best, confidence="low")
    example = msgspec.structs.replace(best, exposure="example")

    assert [score_of(each) for each in (best, milder, unsure, example)] == [9.5, 8.0, 3.8, 3.8]


def test_unknown_names_every_inconclusive_tool_and_every_absent_specialist() -> None:
    audit = ToolRun(
        tool="advisories",
        version="",
        status="unreachable",
        purpose="dependency audit",
        reason="no advisory folder and no service",
    )
    analysis = analyse(
        [report(tools=(RAN, audit))],
        subject="app",
        absent={"architecture assessment (architect)": "the attempt timed out"},
    )

    assert analysis.unknown == (
        "architecture assessment (architect): no report; the attempt timed out",
        "dependency audit (advisories): could not reach its data; "
        "no advisory folder and no service",
    )


@pytest.mark.parametrize(
    "status", ["partial", "missing", "crashed", "timeout", "unreachable", "not-run"]
)
def test_every_status_but_ran_is_unknown_even_without_a_reason(status: str) -> None:
    run = msgspec.convert({"tool": "t", "version": "2", "status": status}, ToolRun)

    (unknown,) = unknowns([run], [], {})

    assert unknown.startswith("t 2: ")
    assert unknown.endswith("no reason was given")


def test_a_report_that_names_no_tool_is_unknown() -> None:
    analysis = analyse([report(tools=())], subject="app")

    assert analysis.unknown == ("security-scout: its report names no tool that ran",)


def test_counts_of_the_same_files_are_not_added_up() -> None:
    skipped = NotExamined(reason="generated", count=5, paths=("a_pb2.py",))
    more = NotExamined(reason="generated", count=3, paths=("b_pb2.py",))
    counted = Inventory(files=7, lines=90, languages={"Python": (6, 80)})

    analysis = analyse(
        [
            report(not_examined=(skipped,), inventory=counted),
            report(agent="architect", not_examined=(more,), inventory=counted),
        ],
        subject="app",
    )

    assert analysis.not_examined == (
        NotExamined(reason="generated", count=5, paths=("a_pb2.py", "b_pb2.py")),
    )
    assert analysis.inventory == counted


def test_components_and_modules_are_listed_once_with_what_is_known() -> None:
    bare = Component(name="Flask", version="0.12.2")
    licensed = Component(name="Flask", version="0.12.2", licence="BSD-3-Clause")
    thin = Module(name="app", path="app.py")
    full = Module(name="app", path="app.py", lines=20, imports=("app.db",))

    analysis = analyse(
        [
            report(components=(bare,), modules=(full,)),
            report(agent="architect", components=(licensed,), modules=(thin,)),
        ],
        subject="app",
    )

    assert analysis.components == (licensed,)
    assert analysis.modules == (full,)
