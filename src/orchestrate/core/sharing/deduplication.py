"""Folding what several tools said about one flaw into one finding, and losing none.

Theory of operation. Findings are put into one total order (path, line, column, widest first, then
their encoded value), so the result cannot depend on the order of reports. In that order each
finding either joins a cluster of its family or opens one. The first member of a cluster is its
*anchor*: it gives the location. A finding joins the nearest earlier cluster whose anchor covers
its first line, unless one rule of one tool would then stand for two places: what a tool reports
twice are two flaws.

Merging is idempotent. The anchor keeps its place, so what did not overlap still does not; and two
clusters kept apart by a shared rule have different places, because members never precede their
anchor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from orchestrate.core.sharing.equivalence import family_of, source_order
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Confidence,
    Exposure,
    Finding,
    Location,
)

#: A location longer than this many lines names a region (a class, a module), not a statement;
#: only its first line is compared, so that it does not swallow the flaws inside.
LONGEST_STATEMENT = 30
#: How many earlier clusters of a family and file are looked at; bounds the work on a file of one
#: endless line.
NEIGHBOURS = 50
#: Most reachable first; a merged finding takes the most reachable of its parts.
EXPOSURE_ORDER: tuple[Exposure, ...] = ("shipped", "build", "example", "docs", "test")
CONFIDENCE_ORDER: tuple[Confidence, ...] = ("high", "medium", "low")
#: Property that lists all fingerprints of a merged finding, separated by spaces.
FINGERPRINTS = "fingerprints"
#: Property that holds the highest confidence any tool stated, when agreement raised it.
STATED_CONFIDENCE = "confidence.stated"


def deduplicate(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per flaw, in the order of their places.

    Every input is represented by exactly one output: its sources, agents and fingerprint are there.
    Missing fingerprints are derived from rule, path and excerpt.
    """
    unique = {_encoded(each): each for each in map(_with_fingerprint, findings)}
    homes: dict[tuple[str, str], list[_Cluster]] = {}
    for finding in sorted(unique.values(), key=_order):
        home = homes.setdefault((finding.location.path, family_of(finding)), [])
        near = reversed(home[-NEIGHBOURS:])
        cluster = next((each for each in near if each.accepts(finding)), None)
        if cluster is None:
            cluster = _Cluster()
            home.append(cluster)
        cluster.add(finding)
    merged = (_merge(cluster.members) for home in homes.values() for cluster in home)
    return tuple(sorted(merged, key=_order))


class _Cluster:
    """Findings taken for one flaw; the first is the anchor."""

    def __init__(self) -> None:
        self.members: list[Finding] = []
        self._places: dict[tuple[str, str], tuple[int, int]] = {}

    def accepts(self, finding: Finding) -> bool:
        """Whether `finding` may be the same flaw; it must not precede the anchor."""
        place = _place(finding)
        return _covers(self.members[0].location, finding.location.line) and all(
            self._places.get((source.tool, source.rule), place) == place
            for source in finding.sources
        )

    def add(self, finding: Finding) -> None:
        """Take `finding` in."""
        self.members.append(finding)
        for source in finding.sources:
            self._places.setdefault((source.tool, source.rule), _place(finding))


def fingerprints_of(finding: Finding) -> frozenset[str]:
    """All fingerprints this finding answers to, its parts' included."""
    listed = finding.properties.get(FINGERPRINTS, "").split()
    return frozenset((finding.fingerprint, *listed)) - {""}


def tools_of(finding: Finding) -> frozenset[str]:
    """Names of the tools that reported this finding."""
    return frozenset(source.tool for source in finding.sources)


def voices_of(finding: Finding) -> frozenset[str]:
    """Independent origins of a finding: its tools, our own ones counted as one.

    Our rules share a parser and authors; their agreement is no second opinion.
    """
    own = "orchestrate"
    return frozenset(own if tool.startswith(own) else tool for tool in tools_of(finding))


def raised(confidence: Confidence, agreeing: int) -> Confidence:
    """`confidence` one step higher for each of `agreeing` further independent voices."""
    return CONFIDENCE_ORDER[max(0, CONFIDENCE_ORDER.index(confidence) - agreeing)]


def _merge(cluster: Sequence[Finding]) -> Finding:
    if len(cluster) == 1:
        return cluster[0]
    lead = min(cluster, key=_lead_order)
    stated = min((f.confidence for f in cluster), key=CONFIDENCE_ORDER.index)
    voices = frozenset[str]().union(*map(voices_of, cluster))
    # A part that is itself merged has had its rise already.
    confidence = raised(stated, len(voices) - max(len(voices_of(f)) for f in cluster))
    properties = _properties(lead, cluster)
    if confidence != stated:
        properties.setdefault(STATED_CONFIDENCE, stated)
    by_lead = sorted(cluster, key=_lead_order)
    return msgspec.structs.replace(
        lead,
        location=_location(cluster),
        confidence=confidence,
        exposure=min((f.exposure for f in cluster), key=EXPOSURE_ORDER.index),
        cwe=next((f.cwe for f in by_lead if f.cwe is not None), None),
        symbol=next((f.symbol for f in by_lead if f.symbol), ""),
        remedy=next((f.remedy for f in by_lead if f.remedy), ""),
        sources=tuple(sorted({s for f in cluster for s in f.sources}, key=source_order)),
        agents=tuple(sorted({agent for f in cluster for agent in f.agents})),
        references=tuple(dict.fromkeys(ref for f in by_lead for ref in f.references)),
        properties=properties,
    )


def _properties(lead: Finding, cluster: Sequence[Finding]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for finding in (lead, *cluster):
        for key, value in finding.properties.items():
            properties.setdefault(key, value)
    prints = frozenset[str]().union(*map(fingerprints_of, cluster))
    properties[FINGERPRINTS] = " ".join(sorted(prints))
    return properties


def _location(cluster: Sequence[Finding]) -> Location:
    """The anchor's place, with the excerpt of a part at the same line if it has none."""
    place = cluster[0].location
    same_line = [f.location for f in cluster if f.location.line == place.line]
    if not place.excerpt:
        shown = next((each for each in same_line if each.excerpt), place)
        place = msgspec.structs.replace(
            place, excerpt=shown.excerpt, excerpt_line=shown.excerpt_line
        )
    return place


def _covers(place: Location, line: int) -> bool:
    last = max(place.line, place.end_line or place.line)
    if last - place.line >= LONGEST_STATEMENT:
        last = place.line
    return place.line <= line <= last


def _place(finding: Finding) -> tuple[int, int]:
    return (finding.location.line, finding.location.column or 0)


def _order(finding: Finding) -> tuple[str, int, int, int, bytes]:
    place = finding.location
    last = max(place.line, place.end_line or place.line)
    return (place.path, *_place(finding), -last, _encoded(finding))


def _lead_order(finding: Finding) -> tuple[int, int, bool, bytes]:
    """The part that speaks for a merged finding comes first: gravest, surest, with a remedy."""
    return (
        SEVERITY_ORDER.index(finding.severity),
        CONFIDENCE_ORDER.index(finding.confidence),
        not finding.remedy,
        _encoded(finding),
    )


def _encoded(finding: Finding) -> bytes:
    return msgspec.json.encode(finding, order="deterministic")


def _with_fingerprint(finding: Finding) -> Finding:
    if finding.fingerprint:
        return finding
    text = " ".join(finding.location.excerpt.split()) or finding.message
    parts = "\0".join((finding.rule, finding.location.path, text))
    digest = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()
    return msgspec.structs.replace(finding, fingerprint=digest[:32])
