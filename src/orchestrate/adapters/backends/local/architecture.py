"""The architect: module graph, import cycles, entry points, attack surface, and their risks."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from orchestrate.adapters.backends.local.arch_graph import cyclic_components, shortest_cycle
from orchestrate.adapters.backends.local.arch_risks import (
    OPEN_LISTENER,
    RULES,
    Risk,
    cycle_risks,
    deserialisation_risks,
    layering_risks,
    reach_risks,
    size_risks,
)
from orchestrate.adapters.backends.local.arch_survey import ArchitectureSurvey
from orchestrate.adapters.backends.local.artifacts import write_report
from orchestrate.adapters.backends.local.progress import ReportProgress, silent
from orchestrate.adapters.backends.local.repository import Survey, read_text, survey
from orchestrate.adapters.backends.local.review_findings import FileFindings
from orchestrate.adapters.backends.local.rule import Hit, Lines
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    EntryPoint,
    Finding,
    Location,
    Module,
    NotExamined,
    SpecialistReport,
)
from orchestrate.core.wording import count
from orchestrate.ports.performer import AttemptRequest, AttemptResult

__all__ = ["RULES", "assess", "run"]

_STEP = "mapping modules"
_SHOWN_PATHS = 20
#: How exposed a way in is, most exposed first; other kinds are no way in by themselves.
_EXPOSED = (
    "route", "listener", "console-script", "gui-script", "main-module", "command", "command-line",
    "script",
)  # fmt: skip


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Assess `request.repository` and leave `findings.json` in `request.outputs_dir`.

    Metrics: `findings`, `findings.<severity>`, `modules`, `cycles`, `entry_points`, `surface`.
    """
    started = time.monotonic()
    report = assess(Path(request.repository), request.agent, request.action, report_progress)
    write_report(Path(request.outputs_dir), report)
    counts = Counter(finding.severity for finding in report.findings)
    return AttemptResult(
        ok=True,
        summary=_summary(report),
        metrics={
            "findings": float(len(report.findings)),
            **{f"findings.{severity}": float(counts[severity]) for severity in SEVERITY_ORDER},
            "modules": float(len(report.modules)),
            "cycles": float(len(report.cycles)),
            "entry_points": float(len(report.entry_points)),
            "surface": float(len(report.surface)),
        },
        duration_s=time.monotonic() - started,
    )


def assess(
    root: Path, agent: str, action: str, report_progress: ReportProgress = silent
) -> SpecialistReport:
    """Everything the architect has to say about the folder `root`."""
    surveyed = survey(root)
    state = ArchitectureSurvey(surveyed.files)
    total = len(surveyed.files)
    for number, file in enumerate(surveyed.files):
        report_progress(number, total, _STEP)
        state.examine(root, file)
    for file in surveyed.other:
        state.examine_manifest(root, file)
    report_progress(total, total, _STEP)
    eager = state.eager_graph()
    components = cyclic_components(eager)
    modules = state.modules()
    state.entry_points += _public_packages(modules)
    findings = _findings(root, surveyed, state, _risks(state, modules, components))
    state.tool.findings = len(findings)
    return SpecialistReport(
        agent=agent,
        action=action,
        findings=findings,
        tools=(state.tool.outcome(len(state.unparsable)),),
        not_examined=(*surveyed.not_examined, *_unparsable(state)),
        inventory=surveyed.inventory,
        modules=modules,
        cycles=tuple(shortest_cycle(eager, component) for component in components),
        entry_points=tuple(sorted(set(state.entry_points), key=_entry_order)),
        surface=state.surface_points(),
        notes=_notes(state),
    )


def _risks(
    state: ArchitectureSurvey, modules: tuple[Module, ...], components: list[tuple[str, ...]]
) -> Iterator[Risk]:
    eager, reach = state.eager_graph(), state.reach_graph()
    entries = _entries(state, modules)
    shipped = {module.name for module in modules if module.exposure == "shipped"}
    network = {name for name, kinds in state.kinds.items() if "network" in kinds} & shipped
    yield from cycle_risks(eager, components, state.import_lines)
    yield from reach_risks(reach, entries, state.sinks)
    yield from deserialisation_risks(reach, network, entries, state.sinks)
    yield from size_risks(modules, state.imports)
    yield from layering_risks(modules, state.imports, state.import_lines)
    for listener in state.listeners:
        message = f"{listener.call} in {listener.module} accepts connections from everywhere."
        yield Risk(
            OPEN_LISTENER,
            listener.module,
            listener.line,
            listener.end_line,
            message,
            listener.symbol,
        )


def _entries(state: ArchitectureSurvey, modules: tuple[Module, ...]) -> dict[str, tuple[str, str]]:
    """The most exposed way into each shipped module that has one: its kind and name."""
    shipped = {module.name for module in modules if module.exposure == "shipped"}
    best: dict[str, tuple[str, str]] = {}
    for point in sorted(state.entry_points, key=_entry_order):
        name = point.target.partition(":")[0]
        declared = state.table.named(name)
        name = declared.name if declared else name
        if point.kind not in _EXPOSED or name not in shipped:
            continue
        known = best.get(name)
        if known is None or _EXPOSED.index(point.kind) < _EXPOSED.index(known[0]):
            best[name] = (point.kind, point.name)
    return best


def _public_packages(modules: tuple[Module, ...]) -> Iterator[EntryPoint]:
    """Top-level names that other programs import."""
    for module in modules:
        if module.exposure == "shipped" and "." not in module.name.partition(" (")[0]:
            kind = "package" if module.path.endswith("__init__.py") else "module"
            yield EntryPoint(kind, module.name, module.name, Location(module.path))


def _findings(
    root: Path, surveyed: Survey, state: ArchitectureSurvey, risks: Iterator[Risk]
) -> tuple[Finding, ...]:
    files = {file.path: file for file in surveyed.files}
    paths = {module.name: path for path, module in state.table.by_path.items()}
    ordered = sorted(risks, key=lambda r: (paths[r.module], r.line, r.rule.id, r.message))
    found: list[Finding] = []
    for path, group in itertools.groupby(ordered, key=lambda risk: paths[risk.module]):
        hits = [(_hit(risk), risk.symbol, state.tool.source(risk.rule.id)) for risk in group]
        found.extend(FileFindings(files[path], read_text(root, files[path]), hits))
    return tuple(found)


def _hit(risk: Risk) -> Hit:
    return Hit(
        risk.rule,
        Lines(risk.line, risk.end_line),
        risk.message,
        risk.severity,
        risk.confidence,
        cwe=risk.cwe,
    )


def _unparsable(state: ArchitectureSurvey) -> tuple[NotExamined, ...]:
    if not state.unparsable:
        return ()
    shown = tuple(f"{path} ({why})" for path, why in sorted(state.unparsable.items()))
    return (NotExamined("cannot be parsed", len(state.unparsable), shown[:_SHOWN_PATHS]),)


def _notes(state: ArchitectureSurvey) -> tuple[str, ...]:
    if not state.outside:
        return ()
    return (
        f"The entry points and attack surface of {state.outside} test, documentation and example "
        "files are left out.",
    )


def _entry_order(point: EntryPoint) -> tuple[str, str, str, str, int]:
    where = point.location or Location("")
    return point.kind, point.name, point.target, where.path, where.line


def _summary(report: SpecialistReport) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    parts = [f"{counts[severity]} {severity}" for severity in SEVERITY_ORDER if counts[severity]]
    unsure = any(not tool.conclusive for tool in report.tools)
    mapped = (
        count(len(report.modules), "module"),
        count(len(report.cycles), "import cycle"),
        count(len(report.entry_points), "entry point"),
        count(len(report.surface), "surface point"),
    )
    findings = ", ".join(parts) or "none"
    incomplete = " The map is incomplete." if unsure else ""
    return f"Mapped {mapped[0]}: {', '.join(mapped[1:])}; findings: {findings}.{incomplete}"
