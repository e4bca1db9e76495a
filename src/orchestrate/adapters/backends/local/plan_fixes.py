"""Action `plan-fixes`: which findings of an analysis can be fixed, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.planning import Plan
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.core.sharing.findings import Analysis, Finding
from orchestrate.core.sharing.remediation import NotFixed
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

ARTIFACT = "analysis"
FIXES = "fixes.json"
NOT_FIXED = "not-fixed.json"


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Read the upstream `analysis` artifact and write `fixes.json` and `not-fixed.json`.

    The repository's files are looked at, not changed. Metrics: `fixable` (items) and `not_fixable`
    (findings).

    Raises:
        AgentError: there is no readable analysis.
    """
    analysis = _analysis(request)
    plan = Plan(Path(request.workspace or request.repository))
    grouped = _by_path(analysis.findings)
    for done, (path, findings) in enumerate(grouped.items()):
        report_progress(done, len(grouped), path)
        plan.consider(path, findings)
    for finding in analysis.suppressed:
        plan.leave(finding, f"suppressed: {finding.suppressed}")
    items, left = plan.items(), plan.left()
    report_progress(len(grouped), len(grouped), "done")
    folder = Path(request.outputs_dir)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / FIXES, [item.values() for item in items])
    _write(folder / NOT_FIXED, left)
    return AttemptResult(
        ok=True,
        summary=_summary(items, left),
        metrics={"fixable": float(len(items)), "not_fixable": float(len(left))},
    )


def _analysis(request: AttemptRequest) -> Analysis:
    paths = [artifact.path for artifact in request.artifacts if artifact.name == ARTIFACT]
    if not paths:
        raise AgentError(
            "there is no analysis to plan fixes for",
            remedy="let the task need the one that runs `aggregate-findings`",
        )
    try:
        return msgspec.json.decode(Path(paths[-1]).read_bytes(), type=Analysis)
    except (OSError, msgspec.DecodeError) as error:
        raise AgentError(
            f"{paths[-1]}: the analysis cannot be read: {error}",
            remedy="run the scan again",
        ) from error


def _by_path(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.location.path, []).append(finding)
    return grouped


def _write(path: Path, value: object) -> None:
    write_whole(path, msgspec.json.format(msgspec.json.encode(value, order="deterministic")))


def _summary(items: tuple[FixItem, ...], left: tuple[NotFixed, ...]) -> str:
    fixes = "1 fix" if len(items) == 1 else f"{len(items)} fixes"
    findings = sum(len(item.fingerprints.split()) for item in items)
    stay = "1 finding stays" if len(left) == 1 else f"{len(left)} findings stay"
    return f"{fixes} for {findings} reported fingerprints; {stay}, each with its reason."
