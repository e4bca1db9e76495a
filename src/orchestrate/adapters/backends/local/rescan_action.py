"""Action `rescan`: whether a fix removed its findings, and whether it brought others."""

from __future__ import annotations

from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.fixes.item import item_from
from orchestrate.adapters.backends.local.fixes.rescan import Rescan, rescan
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.scan_dependencies import AdvisorySource
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

OUTPUT = "rescan.json"


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Scan what `request.workspace` changes since `request.base` and write `rescan.json`.

    Inputs used: `advisories` and `advisory_service`, as the scan had them. Metrics: `remaining`,
    `new`, `remarks`, `unknown`; the fix is proven when all but `remarks` are 0.

    Raises:
        AgentError: there is no workspace, base or planned fix.
    """
    if not request.workspace or not request.base:
        raise AgentError(
            "a rescan needs a workspace and the commit it began at",
            remedy="give the task a workspace",
        )
    try:
        item = item_from(request.item)
    except msgspec.ValidationError as error:
        raise AgentError(
            f"the task's item is not a planned fix: {error}",
            remedy="take the items from the fixes.json that `plan-fixes` wrote",
        ) from error
    report_progress(0, 1, item.key)
    found = rescan(
        Path(request.workspace),
        item,
        base=request.base,
        scratch=Path(request.scratch_dir),
        source=_source(request),
        timeout_s=request.timeout_s,
    )
    outputs = Path(request.outputs_dir)
    outputs.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.encode(found, order="deterministic")
    write_whole(outputs / OUTPUT, msgspec.json.format(data))
    report_progress(1, 1, item.key)
    metrics = {
        "remaining": float(len(found.remaining)),
        "new": float(len(found.new)),
        "remarks": float(len(found.remarks)),
        "unknown": float(len(found.unknown)),
    }
    return AttemptResult(ok=True, summary=_summary(found), metrics=metrics)


def _source(request: AttemptRequest) -> AdvisorySource:
    folder = str(request.inputs.get("advisories", "") or "")
    service = str(request.inputs.get("advisory_service", "") or "")
    return AdvisorySource(Path(request.repository, folder) if folder else None, service)


def _summary(found: Rescan) -> str:
    if found.unknown:
        return f"Not conclusive: {'; '.join(found.unknown)}."
    if found.clean:
        return f"Nothing of {found.key} is reported any more, and nothing new."
    parts = []
    if found.remaining:
        parts.append("the finding is still there")
    if found.new:
        rules = ", ".join(sorted({each.rule for each in found.new}))
        parts.append(f"{len(found.new)} new ({rules})")
    return f"Rescan of {found.key}: {'; '.join(parts)}."
