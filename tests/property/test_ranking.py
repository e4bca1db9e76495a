"""Merging and ranking hold for any findings, in any order."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.core.sharing.deduplication import (
    CONFIDENCE_ORDER,
    EXPOSURE_ORDER,
    deduplicate,
    fingerprints_of,
    tools_of,
)
from orchestrate.core.sharing.equivalence import family_of
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Finding,
    Location,
    Source,
    SpecialistReport,
    ToolRun,
)
from orchestrate.core.sharing.ranking import analyse, rank
from orchestrate.core.sharing.suppression import apply_ignores

# Few paths, lines and rules, so that overlaps are the normal case.
TOOLS = {
    "bandit": ("B602", "B307", "B506", "B105", "B101", "B110"),
    "review": ("R1", "R2", "R3"),
    "detect-secrets": ("Secret Keyword", "Hex High Entropy String"),
}
CWES = (None, 20, 78, 95, 400, 502, 703, 798)


@st.composite
def sources(draw: st.DrawFn) -> tuple[Source, ...]:
    tools = draw(st.lists(st.sampled_from(sorted(TOOLS)), min_size=1, max_size=2, unique=True))
    return tuple(Source(tool, draw(st.sampled_from(TOOLS[tool]))) for tool in tools)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    line = draw(st.integers(1, 12))
    return Finding(
        rule=draw(st.sampled_from(("R1", "R2", "R3"))),
        title=draw(st.sampled_from(("one", "two"))),
        message=draw(st.sampled_from(("m", "n"))),
        category=draw(st.sampled_from(("code", "secret", "dependency", "dead-code"))),
        severity=draw(st.sampled_from(SEVERITY_ORDER)),
        confidence=draw(st.sampled_from(CONFIDENCE_ORDER)),
        location=Location(
            path=draw(st.sampled_from(("a.py", "b.py"))),
            line=line,
            end_line=draw(st.none() | st.integers(line, line + 40)),
            column=draw(st.none() | st.integers(1, 3)),
            excerpt=draw(st.sampled_from(("", "eval(x)"))),
        ),
        exposure=draw(st.sampled_from(EXPOSURE_ORDER)),
        cwe=draw(st.sampled_from(CWES)),
        sources=draw(sources()),
        fingerprint=draw(st.sampled_from(("", *"abcdefghij"))),
        remedy=draw(st.sampled_from(("", "do this"))),
    )


reports = st.builds(
    SpecialistReport,
    agent=st.sampled_from(("security-scout", "code-reviewer", "architect")),
    action=st.just("scan"),
    findings=st.lists(findings(), max_size=12).map(tuple),
    tools=st.lists(
        st.builds(
            ToolRun,
            tool=st.sampled_from(sorted(TOOLS)),
            version=st.just("1"),
            status=st.sampled_from(("ran", "crashed", "unreachable")),
            reason=st.just("because"),
        ),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=200)
@given(st.lists(reports, max_size=4), st.randoms(use_true_random=False))
def test_order_of_reports_and_findings_does_not_matter(
    given_reports: list[SpecialistReport], random: Random
) -> None:
    shuffled = [
        msgspec.structs.replace(
            report, findings=tuple(random.sample(report.findings, len(report.findings)))
        )
        for report in given_reports
    ]
    random.shuffle(shuffled)

    assert analyse(shuffled, subject="s") == analyse(given_reports, subject="s")


@settings(max_examples=300)
@given(st.lists(findings(), max_size=25))
def test_merging_what_is_merged_changes_nothing(found: list[Finding]) -> None:
    once = deduplicate(found)

    assert deduplicate(once) == once
    assert rank(rank(once)) == rank(once)


@given(st.lists(reports, max_size=3))
def test_the_same_report_twice_counts_once(given_reports: list[SpecialistReport]) -> None:
    assert analyse(given_reports * 2, subject="s") == analyse(given_reports, subject="s")


@settings(max_examples=300)
@given(st.lists(findings(), max_size=25))
def test_every_finding_is_represented_by_exactly_one(found: list[Finding]) -> None:
    numbered = [
        msgspec.structs.replace(each, fingerprint=f"f{number}") for number, each in enumerate(found)
    ]

    merged = deduplicate(numbered)

    for each in numbered:
        homes = [out for out in merged if each.fingerprint in fingerprints_of(out)]
        assert len(homes) == 1
        home = homes[0]
        assert set(each.sources) <= set(home.sources)
        assert home.location.path == each.location.path
        assert home.location.line <= each.location.line
        assert family_of(home) == family_of(each)
        assert SEVERITY_ORDER.index(home.severity) <= SEVERITY_ORDER.index(each.severity)
        assert EXPOSURE_ORDER.index(home.exposure) <= EXPOSURE_ORDER.index(each.exposure)
    together = [f for out in merged for f in fingerprints_of(out)]
    assert sorted(together) == sorted(each.fingerprint for each in numbered)


@settings(max_examples=300)
@given(st.lists(findings(), max_size=25))
def test_what_one_rule_reports_at_two_places_stays_two(found: list[Finding]) -> None:
    places: dict[tuple[str, str, str, str], set[tuple[int, int]]] = {}
    for each in found:
        for source in each.sources:
            key = (each.location.path, family_of(each), source.tool, source.rule)
            place = (each.location.line, each.location.column or 0)
            places.setdefault(key, set()).add(place)

    merged = deduplicate(found)

    for (path, family, tool, rule), distinct in places.items():
        carriers = [
            out
            for out in merged
            if out.location.path == path
            and family_of(out) == family
            and any((s.tool, s.rule) == (tool, rule) for s in out.sources)
        ]
        assert len(carriers) >= len(distinct)


@given(st.lists(findings(), max_size=25))
def test_scores_fall_and_confidence_rises_only_with_agreement(found: list[Finding]) -> None:
    ranked = rank(deduplicate(found))

    scores = [each.score for each in ranked]
    assert scores == sorted(scores, reverse=True)
    for each in ranked:
        if "confidence.stated" in each.properties:
            assert len(tools_of(each)) > 1
            assert each.confidence != each.properties["confidence.stated"]


@given(
    st.lists(findings(), max_size=25),
    st.dictionaries(
        st.sampled_from(("a.py", "b.py")),
        st.dictionaries(
            st.integers(1, 12),
            st.sampled_from(
                ("x = 1", "# orchestrate: ignore[R1] fine", "y  # orchestrate: ignore[B602, R2]")
            ),
        ),
    ),
)
def test_a_finding_either_stands_or_is_suppressed_with_a_reason(
    found: list[Finding], lines: dict[str, dict[int, str]]
) -> None:
    ranked = rank(deduplicate(found))

    standing, suppressed = apply_ignores(ranked, lines)

    own = [each for each in standing if not each.rule.startswith("orchestrate.")]
    back = [*own, *(msgspec.structs.replace(each, suppressed="") for each in suppressed)]
    assert sorted(map(msgspec.json.encode, back)) == sorted(map(msgspec.json.encode, ranked))
    assert all(each.suppressed.startswith("inline: fine") for each in suppressed)
