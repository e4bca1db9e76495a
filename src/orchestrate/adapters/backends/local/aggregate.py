"""Action `aggregate-findings`: the specialists' reports become one ranked analysis.

A report that is absent, unreadable or other than its task recorded is *unknown*, with the reason.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local import (
    arch_risks,
    bandit_rules,
    code_review,
    dependency_findings,
    scan_licences,
    secret_rules,
)
from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.repository import decode, read_bytes, safe_name
from orchestrate.adapters.backends.local.revision import head_revision, origin_url
from orchestrate.core.sharing.baseline import (
    Baseline,
    BaselineEntry,
    apply_baseline,
    parse_baseline,
    stale_entries,
)
from orchestrate.core.sharing.deduplication import deduplicate
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Analysis,
    Finding,
    SpecialistReport,
    TimelineEntry,
)
from orchestrate.core.sharing.ranking import analyse, rank
from orchestrate.core.sharing.summary import summarise, verdict_sentence
from orchestrate.core.sharing.suppression import apply_ignores, wanted_lines
from orchestrate.errors import DefinitionError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, UpstreamArtifact

#: Specialists a scan rests on -> what goes unexamined without them.
REQUIRED = {
    "security-scout": "vulnerability, secret and dependency scan",
    "code-reviewer": "security review",
    "architect": "architecture assessment",
}
ARTIFACT = "findings"
OUTPUT = "analysis.json"
_STEPS = 4
#: A folder of scans under a baseline of another one could list thousands.
_LISTED_STALE = 10


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Merge the upstream `findings` artifacts and write `analysis.json`.

    Metrics: `findings.<severity>` for each severity, `unknown`, `suppressed`.

    Raises:
        DefinitionError: the baseline named by the input `baseline` cannot be read.
    """
    report_progress(0, _STEPS, "reading reports")
    baseline = _baseline(request)
    reports, absent = read_reports(request)
    report_progress(1, _STEPS, f"merging {sum(len(r.findings) for r in reports)} findings")
    merged = analyse(
        reports,
        subject=safe_name(Path(request.repository).name) or request.repository,
        request=str(request.inputs.get("request", "")),
        revision=head_revision(Path(request.repository)),
        absent=absent,
    )
    report_progress(2, _STEPS, "applying ignore comments and baseline")
    analysis = msgspec.structs.replace(
        suppressed(merged, Path(request.repository), baseline),
        origin=origin_url(Path(request.repository)),
    )
    report_progress(3, _STEPS, "writing the analysis")
    write_whole(
        Path(request.outputs_dir, OUTPUT),
        msgspec.json.format(msgspec.json.encode(analysis, order="deterministic"), indent=1),
    )
    report_progress(_STEPS, _STEPS, "done")
    return AttemptResult(ok=True, summary=verdict_sentence(analysis), metrics=_metrics(analysis))


def read_reports(request: AttemptRequest) -> tuple[list[SpecialistReport], dict[str, str]]:
    """Usable reports, and for the others: what goes unexamined -> why."""
    reports: list[SpecialistReport] = []
    absent: dict[str, str] = {}
    for artifact in request.artifacts:
        if artifact.name != ARTIFACT:
            continue
        try:
            reports.append(_report(artifact))
        except (OSError, msgspec.DecodeError, ValueError) as error:
            absent[f"report of task {artifact.task}"] = f"what it left cannot be used: {error}"
    present = {report.agent for report in reports}
    for agent, purpose in REQUIRED.items():
        if agent not in present:
            absent[f"{purpose} ({agent})"] = _why_absent(agent, request.timeline)
    return reports, absent


def suppressed(analysis: Analysis, repository: Path, baseline: Baseline) -> Analysis:
    """`analysis` with ignore comments and the baseline applied and what is left ranked again."""
    found = analysis.findings
    commented, ignored = apply_ignores(found, _lines_near(found, repository), _own_rules())
    # Findings about faulty comments are new and have no fingerprint yet.
    standing, accepted = apply_baseline(deduplicate(commented), baseline)
    stale = stale_entries(baseline, (*commented, *ignored))
    return msgspec.structs.replace(
        analysis,
        findings=rank(standing),
        suppressed=rank((*ignored, *accepted)),
        notes=(*analysis.notes, *_stale_notes(stale)),
    )


def _report(artifact: UpstreamArtifact) -> SpecialistReport:
    data = Path(artifact.path).read_bytes()
    if artifact.digest and hashlib.sha256(data).hexdigest() != artifact.digest:
        raise ValueError("its bytes are not those the task recorded")
    return msgspec.json.decode(data, type=SpecialistReport)


def _why_absent(agent: str, timeline: tuple[TimelineEntry, ...]) -> str:
    attempts = [entry for entry in timeline if entry.agent == agent]
    if not attempts:
        return "no attempt was made"
    last = max(attempts, key=lambda entry: entry.number)
    tries = "the attempt" if len(attempts) == 1 else f"the last of {len(attempts)} attempts"
    return f"{tries} ended as {last.outcome or 'unknown'}"


def _baseline(request: AttemptRequest) -> Baseline:
    """The baseline named by the input, relative to the repository; an empty one without it."""
    named = str(request.inputs.get("baseline", "") or "")
    if not named:
        return Baseline()
    try:
        return parse_baseline((Path(request.repository) / named).read_bytes(), named)
    except OSError as error:
        raise DefinitionError(
            f"{named}: the baseline cannot be read: {error.strerror or error}",
            remedy="write one with: orchestrate security --update-baseline FILE",
        ) from error


def _lines_near(findings: tuple[Finding, ...], repository: Path) -> dict[str, dict[int, str]]:
    """Source lines that may hold an ignore comment. A file that cannot be read has none."""
    near: dict[str, dict[int, str]] = {}
    for path, numbers in wanted_lines(findings).items():
        if path.startswith("/") or ".." in path.split("/"):
            continue
        try:
            lines = decode(read_bytes(repository, path)).split("\n")
        except OSError:
            continue
        near[path] = {n: lines[n - 1] for n in numbers if 0 < n <= len(lines)}
    return near


def _own_rules() -> frozenset[str]:
    """Ids of the rules that exist, whether or not this scan met them."""
    checked = {rule.id for rule in (*code_review.RULES, *arch_risks.RULES)}
    secrets = {rule.id for rule in secret_rules.RULES}
    supplied = {*dependency_findings.RULES, *scan_licences.RULES}
    return frozenset(checked | secrets | supplied | {rule.id for rule in bandit_rules.RULES})


def _stale_notes(stale: tuple[BaselineEntry, ...]) -> tuple[str, ...]:
    if not stale:
        return ()
    listed = ", ".join(f"{entry.rule} in {entry.path}" for entry in stale[:_LISTED_STALE])
    more = f" and {len(stale) - _LISTED_STALE} more" if len(stale) > _LISTED_STALE else ""
    entries = "1 baseline entry matches" if len(stale) == 1 else f"{len(stale)} entries match"
    return (f"Baseline: {entries} nothing any more: {listed}{more}.",)


def _metrics(analysis: Analysis) -> dict[str, float]:
    summary = summarise(analysis)
    counts = {f"findings.{name}": float(summary.severities[name]) for name in SEVERITY_ORDER}
    return {**counts, "unknown": float(summary.unknown), "suppressed": float(summary.suppressed)}
