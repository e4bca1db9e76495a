"""The licence audit: the project's licence, and those of packages described in the repository.

Only what lies in the repository is read. The licence of a dependency that is merely named there is
unknown, and stays so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.licences import Licence, licence_of
from orchestrate.adapters.backends.local.manifests.collect import Collected
from orchestrate.adapters.backends.local.manifests.declared import Project
from orchestrate.adapters.backends.local.repository import Survey
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import Finding, Location, Severity, Source, ToolRun

TOOL = Tool(
    name="licence-audit",
    command=(),
    purpose="licences of the project and its dependencies",
    distribution="license-expression",
    remedy="install license-expression beside orchestrate",
)
NO_FILE = "ORC-LIC-101"
UNKNOWN = "ORC-LIC-102"
INVALID = "ORC-LIC-103"
DISAGREE = "ORC-LIC-104"
COPYLEFT = "ORC-LIC-105"
#: Rule -> title, as listed in docs/reference/local-specialists.md.
RULES: dict[str, str] = {
    NO_FILE: "No licence file",
    UNKNOWN: "Licence of the project cannot be told",
    INVALID: "Licence expression is not SPDX",
    DISAGREE: "Statements about the licence differ",
    COPYLEFT: "Copyleft code inside a permissively licensed project",
}
_LICENCE_FILE = re.compile(r"^(licen[cs]es?|copying|unlicense)([-._].*)?(/|$)", re.IGNORECASE)


@dataclass(slots=True)
class LicenceScan:
    """What came of it. `known` maps a normalised package name to its SPDX expression."""

    findings: list[Finding]
    tool: ToolRun
    project: Licence
    known: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def scan_licences(survey: Survey, collected: Collected) -> LicenceScan:
    """Look at the licence statements of the project and of packages bundled with it."""
    started = time.monotonic()
    project = collected.project
    own = licence_of(project) if project else Licence()
    bundled = [(each, licence_of(each)) for each in collected.bundled]
    findings = list(_findings(survey, project, own, bundled))
    known = {canonicalize_name(each.name): licence.expression for each, licence in bundled}
    # What only developers use is not passed on, so its licence does not matter here.
    passed_on = {d.name for d in collected.declared if d.scope in {"runtime", "optional"}}
    unknown = sorted(passed_on - {name for name in known if known[name]})
    run = _record(
        collected, own, unknown, len(passed_on), len(findings), time.monotonic() - started
    )
    notes = []
    if own.written and not own.expression and not own.invalid:
        notes.append(f"{TOOL.name}: {own.written!r} names no single SPDX licence")
    return LicenceScan(findings, run, own, {k: v for k, v in known.items() if v}, notes)


def _findings(
    survey: Survey,
    project: Project | None,
    own: Licence,
    bundled: list[tuple[Project, Licence]],
) -> Iterator[Finding]:
    where = (project.path, project.line) if project else (".", 1)
    if survey.inventory.files and not any(
        _LICENCE_FILE.match(path) for path in _root_names(survey)
    ):
        message = "No file at the root gives the terms, so nobody else may use or change the code."
        yield _finding(NO_FILE, message, "low", *where, "Add a LICENSE file with the full text.")
    if own.invalid:
        message = f"{own.written!r} is not an SPDX expression, so tools cannot read it."
        yield _finding(INVALID, message, "low", *where, "Use an identifier of the SPDX list.")
    elif project and not own.written:
        message = f"The metadata of {project.name} states no licence."
        yield _finding(UNKNOWN, message, "low", *where, 'State it, for example license = "MIT".')
    if own.others:
        message = f"The metadata states {own.expression} and also {', '.join(own.others)}."
        yield _finding(DISAGREE, message, "low", *where, "State one licence in all places.")
    if own.obligation == "permissive":
        for package, licence in bundled:
            if licence.obligation in {"copyleft", "weak copyleft"}:
                yield _copyleft(own, package, licence)


def _copyleft(own: Licence, package: Project, licence: Licence) -> Finding:
    severity: Severity = "medium" if licence.obligation == "copyleft" else "low"
    ours = own.expression or own.written
    theirs = licence.expression or licence.written
    message = (
        f"{package.name} {package.version} lies in the repository under {theirs} "
        f"({licence.obligation}); the project says {ours}."
    )
    remedy = "Replace the package, leave it out of what is shipped, or meet its terms."
    return _finding(COPYLEFT, message, severity, package.path, package.line, remedy, package.name)


def _root_names(survey: Survey) -> Iterator[str]:
    yield from (file.path for file in survey.texts)
    yield from (path for group in survey.not_examined for path in group.paths)


def _finding(
    rule: str,
    message: str,
    severity: Severity,
    path: str,
    line: int,
    remedy: str,
    package: str = "",
) -> Finding:
    return Finding(
        rule=rule,
        title=RULES[rule],
        message=message,
        category="licence",
        severity=severity,
        confidence="high",
        location=Location(path, line),
        sources=(Source(TOOL.name, rule, TOOL.version),),
        fingerprint=Ordinals().fingerprint(rule, path, package),
        remedy=remedy,
        properties={"package": package} if package else {},
    )


def _record(
    collected: Collected,
    own: Licence,
    unknown: list[str],
    total: int,
    findings: int,
    seconds: float,
) -> ToolRun:
    reasons = []
    if collected.project is None:
        reasons.append("no metadata says what the project is")
    elif own.obligation == "unknown":
        reasons.append("the licence of the project is unknown")
    if unknown:
        reasons.append(
            f"the licence of {len(unknown)} of {total} shipped dependencies cannot be told"
        )
    return TOOL.record(
        "partial" if reasons else "ran",
        reason="; ".join(reasons),
        remedy="look them up before shipping" if reasons else "",
        duration_s=seconds,
        files=len(collected.manifests),
        findings=findings,
    )
