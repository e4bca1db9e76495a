"""The sections of the page beside the findings: what is unknown, the architecture, the run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from orchestrate.adapters.backends.local.reports.charts import (
    exposure_chart,
    matrix_table,
    severity_chart,
)
from orchestrate.adapters.backends.local.reports.markup import (
    code,
    items,
    left_out,
    place,
    section,
    severity_sign,
    table,
)
from orchestrate.adapters.backends.local.reports.module_graph import module_graph
from orchestrate.adapters.backends.local.reports.timeline_chart import duration, timeline_chart
from orchestrate.adapters.backends.local.reports.visible import heading
from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.core.sharing.assembly import STATUS_WORDS
from orchestrate.core.sharing.findings import Analysis, Finding, TimelineEntry
from orchestrate.core.sharing.summary import Summary

_MOST_ROWS = 300
_MOST_CYCLES = 30


def unknown(analysis: Analysis) -> str:
    """What could not be confirmed, before anything else."""
    return section(
        "unknown",
        "Could not be confirmed",
        items(analysis.unknown),
        "These checks did not complete. What they did not report may still be there.",
    )


def overview(summary: Summary) -> str:
    """The two charts and their numbers."""
    if summary.outcome != "findings":
        return ""
    body = (
        f'<div class="charts">{severity_chart(summary)}{exposure_chart(summary)}</div>'
        f"<details><summary>The same as a table</summary>{matrix_table(summary)}</details>"
    )
    return section("overview", "Overview", body)


def architecture(analysis: Analysis) -> str:
    """Module graph, cycles and entry points."""
    cycles = items(" → ".join((*cycle, cycle[0])) for cycle in analysis.cycles[:_MOST_CYCLES])
    points = table(
        "Entry points",
        ("Kind", "Name", "Target", "Where"),
        (
            (h(p.kind), code(p.name), code(p.target), place(p.location) if p.location else "")
            for p in analysis.entry_points[:_MOST_ROWS]
        ),
    )
    body = module_graph(analysis.modules)
    if analysis.modules:
        body += f"<h3>Import cycles</h3>{cycles or '<p>None among the modules listed.</p>'}"
        body += left_out(len(analysis.cycles), _MOST_CYCLES, "cycles")
    if points:
        body += f"<h3>Entry points</h3>{points}"
        body += left_out(len(analysis.entry_points), _MOST_ROWS, "entry points")
    return section("architecture", "Architecture", body)


def surface(analysis: Analysis) -> str:
    """Where the code touches the outside world, by kind."""
    points = sorted(
        analysis.surface, key=lambda p: (p.kind, p.location.path, p.location.line, p.call)
    )
    blocks = []
    for kind, group in groupby(points[:_MOST_ROWS], key=lambda point: point.kind):
        rows = [
            (code(p.call), place(p.location), code(p.symbol) if p.symbol else "") for p in group
        ]
        total = sum(1 for point in points if point.kind == kind)
        listed = table(f"Attack surface: {kind}", ("Call", "Where", "In"), rows)
        blocks.append(
            f"<details><summary>{h(kind.capitalize())} "
            f'<span class="count">{total:,}</span></summary>{listed}</details>'
        )
    body = "".join(blocks) + left_out(len(points), _MOST_ROWS, "places")
    return section(
        "surface",
        "Attack surface",
        body,
        "Places where the code meets the outside world. They are not flaws by themselves.",
    )


def components(analysis: Analysis) -> str:
    """Packages with versions and licences."""
    rows = (
        (
            code(part.name),
            h(part.version or part.specifier or "not stated"),
            "exact" if part.pinned else "open",
            h(part.licence or "unknown"),
            h(part.scope),
            code(part.declared_in) if part.declared_in else "",
        )
        for part in analysis.components[:_MOST_ROWS]
    )
    headers = ("Package", "Version", "Pin", "Licence", "Scope", "Declared in")
    body = table("Components and licences", headers, rows)
    body += left_out(len(analysis.components), _MOST_ROWS, "components")
    return section("components", "Components and licences", body)


def coverage(analysis: Analysis) -> str:
    """What was looked at, and what was not."""
    seen = analysis.inventory
    languages = table(
        "Languages",
        ("Language", "#Files", "#Lines"),
        (
            (h(name), f"{files:,}", f"{lines:,}")
            for name, (files, lines) in sorted(seen.languages.items(), key=lambda kv: -kv[1][1])
        ),
    )
    skipped = table(
        "Not examined",
        ("#Files", "Reason", "For example"),
        (
            (f"{entry.count:,}", h(entry.reason), " ".join(code(path) for path in entry.paths[:5]))
            for entry in analysis.not_examined[:_MOST_ROWS]
        ),
    )
    body = languages
    if seen.files:
        counted = f"{seen.files:,} files with {seen.lines:,} lines, of them {seen.python_files:,} "
        body = f"<p>{counted}Python files with {seen.python_lines:,} lines.</p>{languages}"
    if skipped:
        body += f"<h3>Not examined</h3>{skipped}"
        body += left_out(len(analysis.not_examined), _MOST_ROWS, "reasons")
    return section("coverage", "What was looked at", body)


def tools(analysis: Analysis) -> str:
    """Every tool, what became of it, and what left the machine."""
    rows = (
        (
            f"{code(run.tool)} {h(run.version)}",
            h(run.purpose),
            f'<span class="status {"ran" if run.conclusive else "not"}">'
            f"{STATUS_WORDS[run.status]}</span>",
            h("; ".join(part for part in (run.reason, run.remedy) if part)),
            f"{run.files:,}",
            f"{run.findings:,}",
            duration(run.duration_s),
            h(run.sent or "nothing"),
        )
        for run in analysis.tools
    )
    headers = ("_Tool", "Purpose", "_Status", "Reason", "#Files", "#Reported", "#Time", "Sent")
    lead = "“Sent” says what left this machine. “Reported” is before merging."
    return section("tools", "Tools", table("Tools", headers, rows), lead)


def run(timeline: tuple[TimelineEntry, ...]) -> str:
    """The timeline."""
    return section("run", "The run", timeline_chart(timeline))


def suppressed(findings: tuple[Finding, ...]) -> str:
    """Findings accepted with a reason."""
    rows = (
        (severity_sign(f.severity), h(heading(f)), place(f.location), code(f.rule), h(f.suppressed))
        for f in findings[:_MOST_ROWS]
    )
    headers = ("Severity", "Finding", "Where", "Rule", "Reason")
    body = table("Suppressed findings", headers, rows)
    body += left_out(len(findings), _MOST_ROWS, "suppressed findings")
    return section("suppressed", "Suppressed with a reason", body)


def notes(analysis: Analysis) -> str:
    """Remarks of the specialists and of the analysis."""
    return section("notes", "Notes", items(_notes(analysis)))


def _notes(analysis: Analysis) -> Iterator[str]:
    if analysis.merged:
        were = "report was" if analysis.merged == 1 else "reports were"
        yield f"{analysis.merged:,} {were} merged into another of the same flaw."
    yield from analysis.notes
