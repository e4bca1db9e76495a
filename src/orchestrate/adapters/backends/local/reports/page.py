"""`report.html`: one page that needs nothing but itself.

A content security policy with the digests of its own style and script forbids everything else, so
nothing in the repository's text could load or run anything even if it were not escaped.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources

from orchestrate.adapters.backends.local.reports import sections
from orchestrate.adapters.backends.local.reports.findings_list import findings_list
from orchestrate.adapters.backends.local.reports.fix_sections import counts, fix_sections
from orchestrate.adapters.backends.local.reports.markup import section
from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.core.sharing.findings import Analysis, TimelineEntry
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation, sentence
from orchestrate.core.sharing.summary import Summary, summarise

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def render_html(
    analysis: Analysis,
    timeline: tuple[TimelineEntry, ...],
    *,
    version: str,
    fixes: Remediation = NO_FIXES,
) -> bytes:
    """The page in UTF-8. The same values give the same bytes."""
    summary = summarise(analysis)
    style, script = _asset("report.css"), _asset("report.js")
    parts = {
        "unknown": sections.unknown(analysis),
        "overview": sections.overview(summary),
        "findings": section("findings", "Findings", findings_list(analysis.findings, fixes)),
        **fix_sections(fixes),
        "architecture": sections.architecture(analysis),
        "surface": sections.surface(analysis),
        "components": sections.components(analysis),
        "coverage": sections.coverage(analysis),
        "tools": sections.tools(analysis),
        "run": sections.run(timeline),
        "suppressed": sections.suppressed(analysis.suppressed),
        "notes": sections.notes(analysis),
    }
    values = {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "subject": h(analysis.subject),
        "request": f'<p class="request">{h(analysis.request)}</p>' if analysis.request else "",
        "outcome": summary.outcome,
        "verdict": h(summary.verdict),
        "fixes": f'<p class="fixes">{h(sentence(fixes))}</p>' if fixes.asked else "",
        "facts": _facts(analysis, timeline),
        "contents": _contents(parts, summary, fixes),
        "sections": "".join(parts.values()),
        "version": h(version),
    }
    return _filled(_asset("report.html"), values).encode("utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with its places filled in one pass: text in values is never a place."""
    return _PLACE.sub(lambda match: values[match[1]], template)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")


def _asset(name: str) -> str:
    folder = resources.files(__package__) / "assets"
    return (folder / name).read_text(encoding="utf-8")


def _facts(analysis: Analysis, timeline: tuple[TimelineEntry, ...]) -> str:
    facts = []
    if timeline:
        started = datetime.fromtimestamp(min(e.started_at for e in timeline), UTC)
        facts.append(("Scanned", f"{started:%Y-%m-%d %H:%M} UTC"))
    if analysis.revision:
        facts.append(("Revision", analysis.revision[:12]))
    if analysis.inventory.files:
        facts.append(("Files", f"{analysis.inventory.files:,}"))
        facts.append(("Python lines", f"{analysis.inventory.python_lines:,}"))
    ran = sum(1 for run in analysis.tools if run.conclusive)
    facts.append(("Tools that completed", f"{ran} of {len(analysis.tools)}"))
    if analysis.components:
        facts.append(("Components", f"{len(analysis.components):,}"))
    return "".join(f"<div><dt>{name}</dt><dd>{h(value)}</dd></div>" for name, value in facts)


def _contents(parts: Mapping[str, str], summary: Summary, fixes: Remediation) -> str:
    """Links to the sections that exist, some with their count."""
    names: dict[str, tuple[str, int | None]] = {
        "unknown": ("Unconfirmed", summary.unknown),
        "findings": ("Findings", sum(summary.severities.values())),
        **counts(fixes),
        "architecture": ("Architecture", None),
        "surface": ("Attack surface", None),
        "components": ("Components", None),
        "coverage": ("Coverage", None),
        "tools": ("Tools", None),
        "run": ("Run", None),
        "suppressed": ("Suppressed", summary.suppressed),
    }
    return "".join(
        f'<a href="#{key}">{title}'
        + (f' <span class="count">{count:,}</span>' if count is not None else "")
        + "</a>"
        for key, (title, count) in names.items()
        if parts[key]
    )
