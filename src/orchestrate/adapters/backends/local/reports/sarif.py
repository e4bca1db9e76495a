"""SARIF 2.1.0 (OASIS standard), one run, for code scanning services and other consumers.

Section numbers refer to the standard. Choices a consumer meets:
- every finding carries `suppressions`, empty when it stands (3.27.23 asks for all or none);
- what could not be confirmed is a notification of an invocation that is then not successful
  (3.20.14, 3.20.21), so that an empty list of results is not read as clean;
- `rank` (3.27.25) is our score on a scale of 0 to 100, `security-severity` is the tag that code
  hosts sort by;
- `fixes` (3.27.30) holds what was changed and neither failed a check nor was given up, told of the
  files as they were scanned; the security test that comes with it is in the commit alone;
- the revision appears only when the remote is known too, because the standard wants both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from orchestrate.adapters.backends.local.reports.sarif_fixes import fixes_of, relative_uri
from orchestrate.core.sharing.assembly import STATUS_WORDS
from orchestrate.core.sharing.baseline import BASELINE_PREFIX
from orchestrate.core.sharing.cwe import CWE_NAME, cwe_label, cwe_url
from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Analysis,
    Category,
    Finding,
    Location,
    Severity,
    TimelineEntry,
)
from orchestrate.core.sharing.ranking import MAX_SCORE, SEVERITY_WEIGHT
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation, by_fingerprint, fix_for

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVEL: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
#: Categories that are about security; others are shown without a security severity.
_SECURITY: frozenset[Category] = frozenset({"code", "secret", "dependency"})
_URI = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_Object = dict[str, Any]


def render_sarif(
    analysis: Analysis,
    timeline: tuple[TimelineEntry, ...],
    *,
    version: str,
    fixes: Remediation = NO_FIXES,
) -> bytes:
    """The document, indented. `version` is orchestrate's."""
    findings = (*analysis.findings, *analysis.suppressed)
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    rule_ids = sorted(by_rule)
    index = {rule: number for number, rule in enumerate(rule_ids)}
    cwes = sorted({finding.cwe for finding in findings if finding.cwe is not None})
    answered = by_fingerprint(fixes)
    run: _Object = {
        "tool": {
            "driver": {
                "name": "orchestrate",
                "version": version,
                "semanticVersion": version,
                "rules": [_rule(rule, by_rule[rule]) for rule in rule_ids],
                "notifications": [
                    {"id": f"tool/{status}", "shortDescription": {"text": f"A tool {words}"}}
                    for status, words in STATUS_WORDS.items()
                    if status != "ran"
                ]
                + [{"id": "unconfirmed", "shortDescription": {"text": "Could not be confirmed"}}],
                "supportedTaxonomies": [{"name": "CWE", "index": 0}],
            },
            "extensions": _extensions(analysis),
        },
        "taxonomies": [_taxonomy(cwes)],
        "automationDetails": {"id": "orchestrate/security/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The scanned repository"}}},
        "invocations": [_invocation(analysis, timeline)],
        "results": [
            _result(finding, index[finding.rule], cwes) | fixes_of(fix_for(finding, answered))
            for finding in findings
        ],
        "properties": {"subject": analysis.subject, "request": analysis.request},
    }
    if _URI.fullmatch(analysis.origin) and analysis.revision:
        run["versionControlProvenance"] = [
            {
                "repositoryUri": analysis.origin,
                "revisionId": analysis.revision,
                "mappedTo": {"uriBaseId": "SRCROOT"},
            }
        ]
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _rule(rule: str, findings: list[Finding]) -> _Object:
    """Reporting descriptor (3.49). One rule, several findings: the gravest one describes it."""
    worst = min(findings, key=lambda each: (SEVERITY_ORDER.index(each.severity), each.fingerprint))
    secure = worst.category in _SECURITY
    tags = ["security"] if secure else ["maintainability"]
    if worst.cwe is not None:
        tags.append(f"external/cwe/cwe-{worst.cwe:03d}")
    properties: _Object = {"tags": tags, "precision": worst.confidence}
    if secure:
        properties["security-severity"] = f"{SEVERITY_WEIGHT[worst.severity]:.1f}"
    described: _Object = {
        "id": rule,
        "name": _identifier(worst.title),
        "shortDescription": {"text": worst.title},
        "fullDescription": {"text": cwe_label(worst.cwe) if worst.cwe else worst.title},
        "help": {"text": worst.remedy or worst.title},
        "defaultConfiguration": {"level": LEVEL[worst.severity]},
        "properties": properties,
    }
    if worst.cwe is not None:
        target = {"id": str(worst.cwe), "toolComponent": {"name": "CWE", "index": 0}}
        described["relationships"] = [{"target": target, "kinds": ["relevant"]}]
        described["helpUri"] = cwe_url(worst.cwe)
    return described


def _result(finding: Finding, rule_index: int, cwes: list[int]) -> _Object:
    """Result (3.27)."""
    result: _Object = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": LEVEL[finding.severity],
        "message": {"text": finding.message or finding.title},
        "locations": [_location(finding)],
        "partialFingerprints": {"orchestrate/v1": finding.fingerprint},
        "rank": round(100 * finding.score / MAX_SCORE, 1),
        "suppressions": _suppressions(finding),
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "exposure": finding.exposure,
            "category": finding.category,
            "score": finding.score,
            "why": finding.why,
            "remedy": finding.remedy,
            "agents": list(finding.agents),
            "sources": [f"{source.tool} {source.rule}" for source in finding.sources],
            "fingerprints": sorted(fingerprints_of(finding)),
            "tags": [finding.category, finding.exposure],
        },
    }
    if finding.cwe is not None:
        taxon = {"name": "CWE", "index": 0}
        result["taxa"] = [
            {"id": str(finding.cwe), "index": cwes.index(finding.cwe), "toolComponent": taxon}
        ]
    return result


def _suppressions(finding: Finding) -> list[_Object]:
    if not finding.suppressed:
        return []
    kind = "external" if finding.suppressed.startswith(BASELINE_PREFIX) else "inSource"
    # No `status`: absent means accepted, and editions of the schema disagree on its name.
    return [{"kind": kind, "justification": finding.suppressed}]


def _location(finding: Finding) -> _Object:
    place = finding.location
    location: _Object = {
        "physicalLocation": {
            "artifactLocation": {"uri": relative_uri(place.path), "uriBaseId": "SRCROOT"},
            "region": _region(place),
        }
    }
    if place.excerpt and place.excerpt_line:
        lines = place.excerpt.split("\n")
        location["physicalLocation"]["contextRegion"] = {
            "startLine": place.excerpt_line,
            "endLine": max(place.excerpt_line + len(lines) - 1, place.end_line or place.line),
            "snippet": {"text": place.excerpt},
        }
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.symbol}]
    return location


def _region(place: Location) -> _Object:
    """Region (3.30); `end_column` is exclusive in both worlds."""
    region: _Object = {"startLine": max(1, place.line)}
    last = place.end_line or place.line
    if last > place.line:
        region["endLine"] = last
    if place.column:
        region["startColumn"] = place.column
        if place.end_column and (last > place.line or place.end_column > place.column):
            region["endColumn"] = place.end_column
    return region


def _invocation(analysis: Analysis, timeline: tuple[TimelineEntry, ...]) -> _Object:
    """Invocation (3.20). Not successful when anything could not be confirmed."""
    invocation: _Object = {
        "executionSuccessful": not analysis.unknown and bool(analysis.tools),
        "toolExecutionNotifications": list(_notifications(analysis)),
    }
    if timeline:
        invocation["startTimeUtc"] = _utc(min(entry.started_at for entry in timeline))
        ended = [entry.finished_at for entry in timeline if entry.finished_at is not None]
        if ended:
            invocation["endTimeUtc"] = _utc(max(ended))
    return invocation


def _notifications(analysis: Analysis) -> Iterable[_Object]:
    """One for each entry of `unknown`; those of tools carry the tool's status."""
    status_of = {words: status for status, words in STATUS_WORDS.items()}
    for unknown in analysis.unknown:
        reason = unknown.partition(": ")[2]
        status = status_of.get(reason.partition("; ")[0])
        yield {
            "level": "warning" if status == "partial" else "error",
            "message": {"text": unknown},
            "descriptor": {"id": f"tool/{status}" if status else "unconfirmed"},
        }
    for entry in analysis.not_examined:
        text = f"{entry.count} not examined: {entry.reason}"
        yield {"level": "note", "message": {"text": text}}


def _extensions(analysis: Analysis) -> list[_Object]:
    """The tools that looked (3.18.3), each name once."""
    tools = {(run.tool, run.version): run for run in analysis.tools}
    return [
        {"name": name, **({"version": version} if version else {}), **_purpose(run.purpose)}
        for (name, version), run in sorted(tools.items())
    ]


def _purpose(purpose: str) -> _Object:
    return {"shortDescription": {"text": purpose}} if purpose else {}


def _taxonomy(cwes: list[int]) -> _Object:
    """The part of CWE that is used (3.19.3)."""
    return {
        "name": "CWE",
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration"},
        "isComprehensive": False,
        "taxa": [
            {"id": str(cwe), "name": CWE_NAME.get(cwe, f"CWE-{cwe}"), "helpUri": cwe_url(cwe)}
            for cwe in cwes
        ],
    }


def _identifier(title: str) -> str:
    return "".join(word.capitalize() for word in title.split() if word.isalnum()) or "Finding"


def _utc(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
