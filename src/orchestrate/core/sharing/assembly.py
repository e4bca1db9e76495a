"""Putting together what specialists report besides findings: tools, inventory, graph, surface.

Everything is a set union with one order, so that reports can come in any order and twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from orchestrate.core.sharing.findings import (
    Analysis,
    Component,
    Inventory,
    Module,
    NotExamined,
    SpecialistReport,
    ToolRun,
    ToolStatus,
)

_T = TypeVar("_T", bound=msgspec.Struct)

#: How a status reads after the name of what was to be looked at.
STATUS_WORDS: dict[ToolStatus, str] = {
    "ran": "ran to the end",
    "partial": "looked at a part only",
    "missing": "is not installed",
    "crashed": "crashed",
    "timeout": "ran out of time",
    "unreachable": "could not reach its data",
    "not-run": "was not run",
}
#: How many paths of each reason for not looking are kept as examples.
SHOWN_PATHS = 20


def assembled(reports: Sequence[SpecialistReport], absent: Mapping[str, str]) -> Analysis:
    """An analysis without findings, subject and revision, from everything else in `reports`."""
    tools = _ordered(run for report in reports for run in report.tools)
    return Analysis(
        subject="",
        tools=tools,
        unknown=unknowns(tools, reports, absent),
        not_examined=_not_examined(reports),
        inventory=_inventory(reports),
        components=_components(reports),
        modules=_modules(reports),
        cycles=tuple(sorted({cycle for report in reports for cycle in report.cycles})),
        entry_points=_ordered(point for report in reports for point in report.entry_points),
        surface=_ordered(
            (point for report in reports for point in report.surface),
            key=lambda point: (point.kind, point.location.path, point.location.line),
        ),
        notes=tuple(dict.fromkeys(sorted(n for report in reports for n in report.notes))),
    )


def unknowns(
    tools: Iterable[ToolRun], reports: Sequence[SpecialistReport], absent: Mapping[str, str]
) -> tuple[str, ...]:
    """What could not be confirmed, each as `<what>: <reason>`; `<what>` contains no `: `."""
    found = [unknown_entry(run) for run in tools if not run.conclusive]
    found += [
        f"{_plain(report.agent)}: its report names no tool that ran"
        for report in reports
        if not report.tools
    ]
    found += [f"{_plain(agent)}: no report; {reason}" for agent, reason in absent.items()]
    return tuple(sorted(set(found)))


def unknown_entry(run: ToolRun) -> str:
    """How an inconclusive run of a tool is listed in `Analysis.unknown`."""
    name = " ".join(part for part in (run.tool, run.version) if part)
    what = f"{run.purpose} ({name})" if run.purpose else name
    reason = run.reason or "no reason was given"
    return f"{_plain(what)}: {STATUS_WORDS[run.status]}; {reason}"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace(": ", " - ")


def _ordered(values: Iterable[_T], key: Callable[[_T], Any] | None = None) -> tuple[_T, ...]:
    """Distinct values in `key` order, ties by their encoding."""
    unique = {msgspec.json.encode(value, order="deterministic"): value for value in values}
    coded = sorted(
        unique.items(), key=lambda item: (key(item[1]) if key is not None else (), item[0])
    )
    return tuple(value for _, value in coded)


def _not_examined(reports: Sequence[SpecialistReport]) -> tuple[NotExamined, ...]:
    """One entry per reason. Specialists pass over the same files, so counts are not added up: the
    largest count is kept, which is a lower bound."""
    counts: dict[str, int] = {}
    paths: dict[str, set[str]] = {}
    for report in reports:
        for entry in report.not_examined:
            paths.setdefault(entry.reason, set()).update(entry.paths)
            counts[entry.reason] = max(counts.get(entry.reason, 0), entry.count)
    return tuple(
        NotExamined(
            reason=reason,
            count=max(counts[reason], len(paths[reason])),
            paths=tuple(sorted(paths[reason])[:SHOWN_PATHS]),
        )
        for reason in sorted(counts)
    )


def _inventory(reports: Sequence[SpecialistReport]) -> Inventory:
    """Specialists count the same repository: the largest count of each kind."""
    languages: dict[str, tuple[int, int]] = {}
    for report in reports:
        for language, counted in report.inventory.languages.items():
            languages[language] = max(languages.get(language, (0, 0)), counted)
    seen = [report.inventory for report in reports]
    return Inventory(
        files=max((each.files for each in seen), default=0),
        lines=max((each.lines for each in seen), default=0),
        python_files=max((each.python_files for each in seen), default=0),
        python_lines=max((each.python_lines for each in seen), default=0),
        languages=dict(sorted(languages.items())),
    )


def _components(reports: Sequence[SpecialistReport]) -> tuple[Component, ...]:
    """Distinct packages by name, version, scope and place; a known licence wins over none."""
    found: dict[tuple[str, ...], Component] = {}
    for part in _ordered(part for report in reports for part in report.components):
        release = (part.ecosystem, part.name.lower(), part.version, part.specifier)
        key = (*release, part.scope, part.declared_in)
        kept = found.get(key)
        if kept is None or (part.licence and not kept.licence):
            found[key] = part
    return tuple(found[key] for key in sorted(found))


def _modules(reports: Sequence[SpecialistReport]) -> tuple[Module, ...]:
    """Distinct modules by name; of two descriptions, the one with more imports and lines."""
    found: dict[str, Module] = {}
    for module in _ordered(module for report in reports for module in report.modules):
        kept = found.get(module.name)
        if kept is None or (len(module.imports), module.lines) > (len(kept.imports), kept.lines):
            found[module.name] = module
    return tuple(found[name] for name in sorted(found))
