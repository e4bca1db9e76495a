"""The security-scout: secrets, risky code, known vulnerabilities, licences and an SBOM.

Secrets come first, so that nothing quoted afterwards shows one. Each part stands alone: one that
fails becomes unknown, with its reason, and costs none of the others' findings.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local import (
    bandit_rules,
    bandit_run,
    dependency_findings,
    sbom,
    scan_bandit,
    scan_dependencies,
    scan_licences,
    scan_secrets,
    secret_rules,
    secret_search,
)
from orchestrate.adapters.backends.local.artifacts import write_report, write_whole
from orchestrate.adapters.backends.local.components import components_of
from orchestrate.adapters.backends.local.manifests.collect import Collected, collect
from orchestrate.adapters.backends.local.progress import ReportProgress, silent
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import Survey, safe_name, survey
from orchestrate.adapters.backends.local.scan_dependencies import AdvisorySource
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Component,
    Finding,
    NotExamined,
    Severity,
    SpecialistReport,
    ToolRun,
    ToolStatus,
)
from orchestrate.ports.performer import AttemptRequest, AttemptResult

#: Every rule id the scout can report, with its title.
RULES: dict[str, str] = (
    {rule.id: rule.title for rule in (*bandit_rules.RULES, bandit_rules.UNLISTED)}
    | {rule.id: rule.title for rule in secret_rules.RULES}
    | dependency_findings.RULES
    | scan_licences.RULES
)
#: Shares of the attempt's time after which the slow tools stop, so that a report is still written.
_SECRETS_SHARE = 0.45
_BANDIT_SHARE = 0.85
_SERVICE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Tools:
    """The external programs; tests put others in their place."""

    bandit: Tool = bandit_run.TOOL
    secrets: Tool = secret_search.TOOL


@dataclass(slots=True)
class _Scan:
    """What the parts have contributed so far."""

    findings: list[Finding] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    not_examined: list[NotExamined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    components: tuple[Component, ...] = ()


def run(
    request: AttemptRequest, report_progress: ReportProgress, tools: Tools | None = None
) -> AttemptResult:
    """Scan `request.repository`; leave `findings.json` and `sbom.cdx.json` in `outputs_dir`.

    Inputs used: `advisories` (a folder; relative to the repository) and `advisory_service` (a URL).
    Metrics: `findings` and `findings.<severity>`, `unknown` (tools without a conclusive answer),
    `components`.
    """
    started = time.monotonic()
    outputs = Path(request.outputs_dir)
    outputs.mkdir(parents=True, exist_ok=True)
    report = scan(
        Path(request.repository),
        scratch=Path(request.scratch_dir),
        source=_advisory_source(request),
        timeout_s=request.timeout_s,
        agent=request.agent,
        action=request.action,
        sbom_to=outputs / sbom.FILE_NAME,
        report_progress=report_progress,
        tools=tools or Tools(),
    )
    write_report(outputs, report)
    counts = Counter(finding.severity for finding in report.findings)
    unknown = [tool.tool for tool in report.tools if not tool.conclusive]
    return AttemptResult(
        ok=True,
        summary=_summary(report, counts, unknown),
        metrics={
            "findings": float(len(report.findings)),
            **{f"findings.{severity}": float(counts[severity]) for severity in SEVERITY_ORDER},
            "unknown": float(len(unknown)),
            "components": float(len(report.components)),
        },
        duration_s=time.monotonic() - started,
    )


def scan(
    root: Path,
    *,
    scratch: Path,
    source: AdvisorySource,
    timeout_s: float,
    agent: str = "security-scout",
    action: str = "security-scan",
    sbom_to: Path | None = None,
    report_progress: ReportProgress = silent,
    tools: Tools | None = None,
) -> SpecialistReport:
    """Everything the scout has to say about the folder `root`, which is only read."""
    tools = tools or Tools()
    began = time.monotonic()
    report_progress(0, 0, "looking at files")
    surveyed = survey(root)
    redactor = Redactor(root)
    result = _Scan(not_examined=list(surveyed.not_examined))

    def secrets() -> None:
        found = scan_secrets.scan_secrets(
            surveyed,
            redactor,
            scratch=scratch,
            deadline=began + timeout_s * _SECRETS_SHARE,
            report_progress=report_progress,
            tool=tools.secrets,
        )
        _keep(result, found.findings, found.tool, found.not_examined)

    def code() -> None:
        found = scan_bandit.scan_bandit(
            surveyed,
            redactor,
            scratch=scratch,
            deadline=began + timeout_s * _BANDIT_SHARE,
            report_progress=report_progress,
            tool=tools.bandit,
        )
        _keep(result, found.findings, found.tool, found.not_examined)
        result.notes += found.notes

    redactor.complete = False  # until the search for secrets says otherwise
    _guarded(result, tools.secrets, secrets)
    _guarded(result, tools.bandit, code)
    report_progress(0, 3, "dependencies and licences")
    _dependencies(result, surveyed, redactor, source, timeout_s, sbom_to)
    report_progress(3, 3, "dependencies and licences")
    shutil.rmtree(scratch / "secrets", ignore_errors=True)
    shutil.rmtree(scratch / "bandit", ignore_errors=True)
    return SpecialistReport(
        agent=agent,
        action=action,
        findings=tuple(
            msgspec.structs.replace(finding, agents=(agent,))
            for finding in sorted(result.findings, key=_order)
        ),
        tools=tuple(result.tools),
        not_examined=tuple(result.not_examined),
        inventory=surveyed.inventory,
        components=result.components,
        notes=tuple(result.notes),
    )


def _dependencies(
    result: _Scan,
    surveyed: Survey,
    redactor: Redactor,
    source: AdvisorySource,
    timeout_s: float,
    sbom_to: Path | None,
) -> None:
    """The three parts that read manifests; without readable manifests all three are unknown."""
    licences: dict[str, str] = {}
    collected = Collected()
    own = ""

    def audit() -> None:
        limit = min(_SERVICE_TIMEOUT_S, timeout_s * (1 - _BANDIT_SHARE))
        found = scan_dependencies.scan_dependencies(
            surveyed, collected, source, redactor, timeout_s=limit
        )
        _keep(result, found.findings, found.tool)
        result.notes += found.notes

    def licence_audit() -> None:
        nonlocal own
        found = scan_licences.scan_licences(surveyed, collected)
        _keep(result, found.findings, found.tool)
        result.notes += found.notes
        licences.update(found.known)
        own = found.project.expression

    def bill() -> None:
        if sbom_to is not None:
            name = safe_name(surveyed.root.name) or "repository"
            write_whole(sbom_to, sbom.make_sbom(name, result.components))
            result.tools.append(sbom.TOOL.record("ran", files=len(collected.manifests)))

    try:
        collected = collect(surveyed)
    except Exception as error:
        _failed(result, (scan_dependencies.TOOL, scan_licences.TOOL, sbom.TOOL), error)
        return
    _guarded(result, scan_dependencies.TOOL, audit)
    _guarded(result, scan_licences.TOOL, licence_audit)
    result.components = components_of(collected, licences, own)
    _guarded(result, sbom.TOOL, bill)


def _guarded(result: _Scan, tool: Tool, part: Callable[[], None]) -> None:
    """Run one part; its failure is recorded against `tool`, and the others go on."""
    try:
        part()
    except Exception as error:
        _failed(result, (tool,), error)


def _failed(result: _Scan, tools: tuple[Tool, ...], error: Exception) -> None:
    traceback.print_exception(error)
    missing = isinstance(error, ImportError)
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    for tool in tools:
        remedy = tool.remedy if missing and tool.remedy else "see stderr.log of the attempt"
        status: ToolStatus = "missing" if missing else "crashed"
        result.tools.append(
            ToolRun(tool.name, tool.version, status, tool.purpose, reason=reason, remedy=remedy)
        )


def _keep(
    result: _Scan,
    findings: list[Finding],
    tool: ToolRun,
    not_examined: tuple[NotExamined, ...] = (),
) -> None:
    result.findings += findings
    result.tools.append(tool)
    result.not_examined += not_examined


def _advisory_source(request: AttemptRequest) -> AdvisorySource:
    folder = str(request.inputs.get("advisories", "") or "")
    service = str(request.inputs.get("advisory_service", "") or "")
    return AdvisorySource(Path(request.repository, folder) if folder else None, service)


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    place = finding.location
    return place.path, place.line, place.column or 0, finding.rule, finding.fingerprint


def _summary(report: SpecialistReport, counts: Counter[Severity], unknown: list[str]) -> str:
    """At most 50 words."""
    parts = [f"{counts[severity]} {severity}" for severity in SEVERITY_ORDER if counts[severity]]
    found = ", ".join(parts) or "no findings"
    text = f"Scanned {report.inventory.files} files: {found}."
    return text + (f" Inconclusive: {', '.join(unknown)}." if unknown else "")
