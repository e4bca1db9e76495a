"""The dependency audit: what the project is and declares, against advisories in OSV form."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.adapters.backends.local.advisory_sources import (
    Advisories,
    Unreachable,
    ask_service,
    read_folder,
)
from orchestrate.adapters.backends.local.dependency_findings import (
    TOOL_NAME,
    Hit,
    Subject,
    make_findings,
    subjects_of,
)
from orchestrate.adapters.backends.local.manifests.collect import Collected
from orchestrate.adapters.backends.local.osv import (
    Advisory,
    allowed_affected,
    has_escape,
    is_affected,
)
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile, Survey
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import Finding, ToolRun, ToolStatus

TOOL = Tool(
    name=TOOL_NAME,
    command=(),
    purpose="known vulnerabilities of the project and its dependencies",
    distribution="orchestrate-agents",
)
_GIVE_DATA = (
    "name a folder of OSV advisories (input advisories) or an OSV service "
    "(input advisory_service), and scan again"
)
_SHOWN_TROUBLES = 3


@dataclass(slots=True)
class DependencyScan:
    """What came of it: findings, the audit's record, and remarks."""

    findings: list[Finding]
    tool: ToolRun
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AdvisorySource:
    """Where to look: a folder, the address of a service, or both. Empty means nowhere."""

    folder: Path | None = None
    service: str = ""


def scan_dependencies(
    survey: Survey,
    collected: Collected,
    source: AdvisorySource,
    redactor: Redactor,
    *,
    timeout_s: float,
) -> DependencyScan:
    """Match everything declared against the advisories of `source`."""
    started = time.monotonic()
    subjects = subjects_of(collected)
    if source.folder is None and not source.service:
        return _unknown("not-run", "no advisories were given", _GIVE_DATA)
    if not subjects:
        reason = "no file declares what the project is or depends on"
        return _unknown(
            "not-run", reason, "declare the dependencies, for example in pyproject.toml"
        )
    try:
        advisories = _gather(source, subjects, timeout_s)
    except Unreachable as error:
        remedy = "check the folder or address, and scan again"
        return _unknown("unreachable", str(error), remedy, sent=error.sent)
    hits, undecidable = _match(subjects, advisories)
    files = {file.path: file for file in survey.texts}
    findings = list(make_findings(hits, files, redactor))
    return DependencyScan(
        findings,
        _record(
            collected,
            subjects,
            advisories,
            undecidable,
            files,
            len(findings),
            time.monotonic() - started,
        ),
        _notes(collected, advisories),
    )


def _gather(source: AdvisorySource, subjects: list[Subject], timeout_s: float) -> Advisories:
    """Advisories from the folder and the service together."""
    names = {subject.name for subject in subjects}
    found = read_folder(source.folder, names) if source.folder is not None else Advisories()
    if source.service:
        asked = sorted({(s.name, s.version) for s in subjects})
        answered = ask_service(source.service, asked, timeout_s)
        for advisory in _all(answered):
            found.add(advisory)
        found.broken += answered.broken
        found.withdrawn += answered.withdrawn
        found.sent = answered.sent
    return found


def _all(advisories: Advisories) -> list[Advisory]:
    unique = {each.id: each for known in advisories.by_package.values() for each in known}
    return [unique[each] for each in sorted(unique)]


def _match(subjects: list[Subject], advisories: Advisories) -> tuple[list[Hit], set[str]]:
    """Hits in the order of subjects, and the ids of advisories no version can be matched with."""
    hits: list[Hit] = []
    undecidable: set[str] = set()
    for subject in subjects:
        for group in _same_flaw(advisories.by_package.get(subject.name, [])):
            hit = _hit(subject, group)
            if hit is not None:
                hits.append(hit)
            undecidable |= {
                advisory.id
                for advisory in group
                for affected in advisory.affected
                if affected.package == subject.name and not affected.decidable
            }
    return hits, undecidable


def _hit(subject: Subject, group: list[Advisory]) -> Hit | None:
    """How the subject is affected by a flaw that several advisories may describe."""
    allowed: set[str] = set()
    matching: list[Advisory] = []
    escapes = True
    for advisory in group:
        for affected in advisory.affected:
            if affected.package != subject.name:
                continue
            if subject.version:
                matched = is_affected(affected, subject.version)
            else:
                versions = allowed_affected(affected, subject.specifier)
                matched = bool(versions)
                allowed.update(versions)
                escapes = escapes and (not matched or has_escape(affected, subject.specifier))
            if matched and advisory not in matching:
                matching.append(advisory)
    return Hit(subject, tuple(matching), len(allowed), escapes) if matching else None


def _same_flaw(advisories: Iterable[Advisory]) -> Iterator[list[Advisory]]:
    """Advisories grouped by shared id or alias, each group in order of ids."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in sorted(advisories, key=lambda each: each.id):
        names, members = set(advisory.names), [advisory]
        for group in [g for g in groups if g[0] & names]:
            groups.remove(group)
            names |= group[0]
            members = [*group[1], *members]
        groups.append((names, members))
    for _, members in groups:
        yield sorted(members, key=lambda each: each.id)


def _record(
    collected: Collected,
    subjects: list[Subject],
    advisories: Advisories,
    undecidable: set[str],
    files: dict[str, SourceFile],
    findings: int,
    seconds: float,
) -> ToolRun:
    reasons = []
    if advisories.broken:
        reasons.append(advisories.broken_reason())
    if undecidable:
        reasons.append(f"no versions to compare in {', '.join(sorted(undecidable))}")
    if collected.troubles:
        shown = "; ".join(collected.troubles[:_SHOWN_TROUBLES])
        reasons.append(f"{len(collected.troubles)} declarations cannot be read: {shown}")
    unversioned = sorted(subject.name for subject in subjects if subject.unknown)
    if unversioned:
        reasons.append(f"the version cannot be told of {', '.join(unversioned)}")
    return TOOL.record(
        "partial" if reasons else "ran",
        reason="; ".join(reasons),
        remedy="repair the advisories or declarations named, and scan again" if reasons else "",
        duration_s=seconds,
        files=sum(path in files for path in collected.manifests),
        findings=findings,
        sent=advisories.sent,
    )


def _unknown(status: ToolStatus, reason: str, remedy: str, sent: str = "") -> DependencyScan:
    run = TOOL.record(status, reason=reason, remedy=remedy, sent=sent)
    return DependencyScan([], run)


def _notes(collected: Collected, advisories: Advisories) -> list[str]:
    notes = [f"{TOOL_NAME}: {advisories.count} advisories looked at"]
    if advisories.withdrawn:
        ignored = ", ".join(sorted(set(advisories.withdrawn)))
        notes.append(f"{TOOL_NAME}: withdrawn advisories ignored: {ignored}")
    by_scope: dict[str, int] = defaultdict(int)
    for declared in collected.declared:
        by_scope[declared.scope] += 1
    if by_scope:
        counted = ", ".join(f"{count} {scope}" for scope, count in sorted(by_scope.items()))
        notes.append(f"{TOOL_NAME}: declared dependencies: {counted}")
    return notes
