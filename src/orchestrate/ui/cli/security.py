"""The end of a security run: verdict, most urgent findings, fixes, reports, exit code."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec

from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Analysis, Finding, Severity
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation
from orchestrate.core.sharing.threshold import ThresholdVerdict, threshold_verdict
from orchestrate.errors import ExitCode, StoreError
from orchestrate.ui.cli.data import SecurityData, run_data
from orchestrate.ui.cli.fix_lines import advice, audit_lines, branch_lines, fix_lines
from orchestrate.ui.cli.output import Output, printable

#: Findings listed on the terminal; all of them are in the reports.
SHOWN = 10


#: The action whose output `analysis` holds the merged findings of a scan.
AGGREGATION = "aggregate-findings"


def is_scan(state: RunState) -> bool:
    """Whether the run merged findings, whatever its workflow is called."""
    return any(
        task.action == AGGREGATION and state.tasks[number].status is TaskStatus.SUCCEEDED
        for number, task in enumerate(state.index.order)
    )


def finish(output: Output, state: RunState, *, deliver: bool) -> int:
    """Print what the scan found and where the reports are; decide about --fail-on.

    `deliver`: copy the reports and update the baseline as the command that began the scan asked.
    """
    artifacts = {item.name: item for task in state.tasks.values() for item in task.artifacts}
    analysis = read_analysis(artifacts)
    fixes = read_fixes(artifacts)
    reports = _reports(artifacts, str(state.inputs.get("output", "")) if deliver else "")
    update = str(state.inputs.get("update_baseline", ""))
    if update and deliver:
        _update_baseline(output, Path(update), analysis, state)
    verdict = _verdict(analysis, state)
    counts = {
        level: sum(item.severity == level for item in analysis.findings) for level in SEVERITY_ORDER
    }
    data = SecurityData(
        **msgspec.structs.asdict(run_data(state)),
        findings=counts,
        suppressed=len(analysis.suppressed),
        unknown=analysis.unknown,
        verdict=verdict,
        reports=reports,
        top=analysis.findings[:SHOWN],
        remediation=fixes,
    )
    output.data(data, lambda: _text(state, analysis, fixes, counts, reports))
    for line in advice(fixes):
        output.message(line)
    if verdict is None:
        return ExitCode.OK
    for reason in verdict.reasons:
        output.message(f"{verdict.verdict}: {printable(reason)}")
    return {"passed": ExitCode.OK, "failed": ExitCode.FINDINGS, "unknown": ExitCode.UNCONFIRMED}[
        verdict.verdict
    ]


def _verdict(analysis: Analysis, state: RunState) -> ThresholdVerdict | None:
    """What --fail-on decides; None when no threshold was given and so nothing was asked."""
    fail_on = state.inputs.get("fail_on", "none")
    if fail_on == "none":
        return None
    return threshold_verdict(
        analysis, cast("Severity", fail_on), bool(state.inputs.get("allow_unknown"))
    )


def read_analysis(artifacts: dict[str, Artifact]) -> Analysis:
    """The merged findings of a finished run. Raises StoreError if they are gone."""
    try:
        return msgspec.json.decode(Path(artifacts["analysis"].path).read_bytes(), type=Analysis)
    except (KeyError, OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"the analysis of this run cannot be read: {error}",
            remedy="the run's folder was changed; scan again",
        ) from None


class _Fixed(msgspec.Struct, frozen=True):
    """What is of interest here in a run's `report.json`."""

    remediation: Remediation = NO_FIXES


def read_fixes(artifacts: dict[str, Artifact]) -> Remediation:
    """What became of the fixes of a finished run; nothing where its workflow makes no report.

    Raises:
        StoreError: the report is gone.
    """
    if "json" not in artifacts:
        return NO_FIXES
    try:
        return msgspec.json.decode(
            Path(artifacts["json"].path).read_bytes(), type=_Fixed
        ).remediation
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"the report of this run cannot be read: {error}",
            remedy="the run's folder was changed; scan again",
        ) from None


def _reports(artifacts: dict[str, Artifact], folder: str) -> dict[str, str]:
    """Name -> path of each report, copied to `folder` if one was asked for."""
    found = {name: artifacts[name] for name in _REPORTS if name in artifacts}
    if not folder:
        return {name: item.path for name, item in found.items()}
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    copied = {}
    for name, item in found.items():
        path = target / Path(item.path).name
        # The folder may be in the repository, and a link there lead to any file of the user's.
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        shutil.copyfile(item.path, part)
        part.replace(path)
        copied[name] = str(path)
    return copied


_REPORTS = ("html", "markdown", "json", "sarif", "sbom", "pull_request")


_LABELS = {"pull_request": "pr text"}


def _text(
    state: RunState,
    analysis: Analysis,
    fixes: Remediation,
    counts: dict[Severity, int],
    reports: dict[str, str],
) -> str:
    found = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    noun = "finding" if len(analysis.findings) == 1 else "findings"
    lines = [f"{len(analysis.findings)} {noun}" + (f": {found}" if found else "")]
    if analysis.suppressed:
        lines[0] += f" ({len(analysis.suppressed)} suppressed)"
    lines += [f"unknown: {printable(reason)}" for reason in analysis.unknown]
    lines += ["", *(_row(item) for item in analysis.findings[:SHOWN])]
    if len(analysis.findings) > SHOWN:
        lines.append(f"… and {len(analysis.findings) - SHOWN} more in the report")
    told = list(fix_lines(fixes))
    lines += ["", *told] if told else []
    lines += ["", *branch_lines(state, fixes)]
    lines += [f"{_LABELS.get(name, name):<9} {path}" for name, path in reports.items()]
    lines += audit_lines(state)
    lines.append(f"run       {state.run}")
    return "\n".join(lines)


def _row(item: Finding) -> str:
    where = f"{printable(item.location.path)}:{item.location.line}"
    # Several advisories about one package stand at one line under one title.
    about = " ".join(item.properties.get(name, "") for name in ("package", "advisory")).strip()
    title = f"{item.title} ({about})" if about else item.title
    return f"  {item.severity:<8}  {where}  {printable(title)}"


def _update_baseline(output: Output, path: Path, analysis: Analysis, state: RunState) -> None:
    """Accept every finding that stands, keeping what an earlier baseline said of the others."""
    from orchestrate.core.sharing.baseline import (
        Baseline,
        encode_baseline,
        parse_baseline,
        updated_baseline,
    )

    before = parse_baseline(path.read_bytes(), str(path)) if path.exists() else Baseline()
    update = updated_baseline(
        before,
        analysis,
        reason=f"accepted in run {state.run}",
        date=datetime.fromtimestamp(state.ended_at, UTC).date().isoformat(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_baseline(update.baseline))
    output.message(
        f"{path}: {len(update.added)} findings accepted, {len(update.stale)} entries match nothing"
        " any more"
    )
