"""From matched advisories to findings, and which declarations are worth matching."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

import orchestrate
from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.manifests.collect import Collected
from orchestrate.adapters.backends.local.manifests.declared import Declared
from orchestrate.adapters.backends.local.osv import Advisory, fixed_versions
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Confidence,
    Exposure,
    Finding,
    Location,
    Severity,
    Source,
)

TOOL_NAME = "advisory-audit"
VULNERABLE = "ORC-DEP-101"
ALL_VULNERABLE = "ORC-DEP-102"
SOME_VULNERABLE = "ORC-DEP-103"
SELF_VULNERABLE = "ORC-DEP-104"
#: Rule -> title, as listed in docs/reference/local-specialists.md.
RULES: dict[str, str] = {
    VULNERABLE: "Dependency with a known vulnerability",
    ALL_VULNERABLE: "Dependency allowed in vulnerable versions only",
    SOME_VULNERABLE: "Dependency range that includes vulnerable versions",
    SELF_VULNERABLE: "This version of the project has a known vulnerability",
}
_EXPOSURE: dict[str, Exposure] = {
    "self": "shipped", "runtime": "shipped", "optional": "shipped",
    "build": "build", "development": "test",
}  # fmt: skip
#: Advisory ids listed in the message about a range; all are in the properties.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to look up: one name with an exact `version`, or with a `specifier`.

    `unknown` says that neither can be told.
    """

    name: str
    version: str
    specifier: str
    scope: str
    path: str
    line: int
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A subject affected by one flaw. For a range: how many known versions, and whether others
    are allowed."""

    subject: Subject
    advisories: tuple[Advisory, ...]
    versions: int
    escapes: bool


def subjects_of(collected: Collected) -> list[Subject]:
    """What to look up: the project, bundled packages, and each declaration that decides a version.

    A range is left out where a lock file of the same folder records the version.
    """
    subjects: list[Subject] = []
    project = collected.project
    if project is not None:
        name = canonicalize_name(project.name)
        unknown = not project.version
        where = (project.path, project.line)
        subjects.append(Subject(name, project.version, "", "self", *where, unknown=unknown))
    for bundled in collected.bundled:
        name = canonicalize_name(bundled.name)
        subjects.append(Subject(name, bundled.version, "", "runtime", bundled.path, bundled.line))
    locked = {(posixpath.dirname(d.path), d.name) for d in collected.declared if d.locked}
    for declared in collected.declared:
        decided = (posixpath.dirname(declared.path), declared.name) in locked
        if declared.locked or not decided:
            subjects.append(_subject(declared))
    return subjects


def _subject(declared: Declared) -> Subject:
    return Subject(
        name=declared.name,
        version=declared.version,
        specifier=declared.specifier,
        scope=declared.scope,
        path=declared.path,
        line=declared.line,
        unknown=declared.url,
    )


def make_findings(
    hits: Iterable[Hit], files: Mapping[str, SourceFile], redactor: Redactor
) -> Iterator[Finding]:
    """One finding per flaw of an exact version; one per range that also allows sound versions."""
    ordinals = Ordinals()
    ranges: dict[Subject, list[Hit]] = {}
    for hit in hits:
        if hit.subject.unknown and not hit.subject.version:
            continue  # its version is unknown, which the audit's record says
        if hit.subject.version or not hit.escapes:
            yield _certain(hit, files, redactor, ordinals)
        else:
            ranges.setdefault(hit.subject, []).append(hit)
    for subject, found in ranges.items():
        yield _possible(subject, found, files, redactor, ordinals)


def _certain(
    hit: Hit, files: Mapping[str, SourceFile], redactor: Redactor, ordinals: Ordinals
) -> Finding:
    subject, lead = hit.subject, min(hit.advisories, key=_by_severity)
    fixed = _fixed(hit)
    if subject.version:
        rule = SELF_VULNERABLE if subject.scope == "self" else VULNERABLE
        told = f"{subject.name} {subject.version} is affected by {_names(lead)}."
        confidence: Confidence = "high"
    else:
        rule, confidence = ALL_VULNERABLE, "medium"
        told = f"Every version that {subject.name}{subject.specifier} allows is affected by "
        told += f"{_names(lead)}, as far as versions are known."
    remedy = f"Use {subject.name} {' or '.join(fixed)} or later." if fixed else _NO_FIX
    if rule == SELF_VULNERABLE:
        remedy = f"Move to {' or '.join(fixed)} or later." if fixed else _NO_FIX
    summary = _sentence(lead.summary)
    message = " ".join(
        part for part in (told, summary, f"Severity: {lead.severity_reason}.") if part
    )
    return _finding(
        rule,
        subject,
        message,
        lead.severity,
        confidence,
        lead.cwe,
        hit.advisories,
        remedy,
        fixed,
        (files, redactor, ordinals),
    )


_NO_FIX = "No version that fixes it is known; replace it, or avoid what the advisory describes."


def _possible(
    subject: Subject,
    hits: list[Hit],
    files: Mapping[str, SourceFile],
    redactor: Redactor,
    ordinals: Ordinals,
) -> Finding:
    advisories = tuple(advisory for hit in hits for advisory in hit.advisories)
    leads = [min(hit.advisories, key=_by_severity) for hit in hits]
    worst = min(leads, key=_by_severity)
    shown = ", ".join(lead.id for lead in leads[:_LISTED])
    more = f" and {len(leads) - _LISTED} more" if len(leads) > _LISTED else ""
    wanted = subject.specifier or " in any version"
    message = (
        f"{subject.name}{wanted} also allows versions affected by {shown}{more}; which version is "
        f"installed is not recorded here. The worst of them: {worst.severity_reason}."
    )
    fixed = sorted({version for hit in hits for version in _fixed(hit)[-1:]})
    remedy = "Raise the lower bound" + (f" past the fixes ({', '.join(fixed)})" if fixed else "")
    # Without a lower bound an installer takes the newest version: hardly a flaw of its own.
    severity: Severity = "low" if subject.specifier else "info"
    return _finding(
        SOME_VULNERABLE,
        subject,
        message,
        severity,
        "low",
        worst.cwe,
        advisories,
        f"{remedy}, or lock the version.",
        fixed,
        (files, redactor, ordinals),
    )


def _finding(
    rule: str,
    subject: Subject,
    message: str,
    severity: Severity,
    confidence: Confidence,
    cwe: int,
    advisories: tuple[Advisory, ...],
    remedy: str,
    fixed: list[str],
    place: tuple[Mapping[str, SourceFile], Redactor, Ordinals],
) -> Finding:
    files, redactor, ordinals = place
    ids = tuple(sorted({advisory.id for advisory in advisories}))
    file = files.get(subject.path)
    shown, first = redactor.excerpt(file, subject.line) if file else ("", subject.line)
    return Finding(
        rule=rule,
        title=RULES[rule],
        message=message,
        category="dependency",
        severity=severity,
        confidence=confidence,
        location=Location(subject.path, subject.line, excerpt=shown, excerpt_line=first),
        exposure=_EXPOSURE[subject.scope],
        cwe=cwe,
        sources=tuple(Source(TOOL_NAME, each, orchestrate.__version__) for each in ids),
        fingerprint=ordinals.fingerprint(rule, subject.path, f"{subject.name} {' '.join(ids)}"),
        symbol=subject.name,
        remedy=remedy,
        references=tuple(dict.fromkeys(url for each in advisories for url in each.references))[:8],
        properties={
            "package": subject.name,
            "version": subject.version,
            "specifier": subject.specifier,
            "scope": subject.scope,
            "advisory": " ".join(ids),
            "aliases": " ".join(sorted({alias for each in advisories for alias in each.aliases})),
            "fixed": " ".join(fixed),
        },
    )


def _fixed(hit: Hit) -> list[str]:
    """Fixed versions of the subject's package, oldest first, without repetition."""
    return list(
        dict.fromkeys(
            version
            for advisory in hit.advisories
            for affected in advisory.affected
            if affected.package == hit.subject.name
            for version in fixed_versions(affected)
        )
    )


def _names(advisory: Advisory) -> str:
    cve = next((alias for alias in advisory.aliases if alias.startswith("CVE-")), "")
    return f"{advisory.id} ({cve})" if cve and cve != advisory.id else advisory.id


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "…")) else f"{text}."


def _by_severity(advisory: Advisory) -> tuple[int, str]:
    return SEVERITY_ORDER.index(advisory.severity), advisory.id
