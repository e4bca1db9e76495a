"""The findings of the page: cards that open, and a compact list for what is beyond them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from orchestrate.adapters.backends.local.reports.markup import (
    code,
    link,
    place,
    severity_sign,
)
from orchestrate.adapters.backends.local.reports.visible import heading, one_line
from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.core.sharing.cwe import cwe_label, cwe_url
from orchestrate.core.sharing.deduplication import EXPOSURE_ORDER, tools_of
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Finding, Location
from orchestrate.core.sharing.remediation import (
    NO_FIXES,
    STANDING_WORDS,
    FixOutcome,
    Remediation,
    by_fingerprint,
    fix_for,
)

#: Findings shown as cards with their code; those beyond are listed by script, filters included.
MOST_CARDS = 400
#: Findings listed beyond the cards; the page says when there are more.
MOST_LISTED = 5_000
_OPEN_AT_FIRST = 3
_MOST_LINES = 40
_LONGEST_LINE = 300


def findings_list(findings: Sequence[Finding], fixes: Remediation = NO_FIXES) -> str:
    """Filters, cards, and the list of the rest."""
    if not findings:
        return '<p class="none">No finding stands.</p>'
    answered = by_fingerprint(fixes)
    cards = "".join(
        _card(number, each, fix_for(each, answered))
        for number, each in enumerate(findings[:MOST_CARDS], 1)
    )
    return f'{_filters(findings)}<div id="cards">{cards}</div>{_rest(findings)}'


def excerpt(location: Location) -> str:
    """Source lines with numbers; those of the finding are marked by a bar and an arrow."""
    if not location.excerpt:
        return ""
    first = location.excerpt_line or location.line
    last = location.end_line or location.line
    rows = []
    for number, text in enumerate(
        location.excerpt.rstrip("\n").split("\n")[:_MOST_LINES], start=first
    ):
        hit = location.line <= number <= last
        shown = text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + "…"
        mark = '<span class="unseen">marked line </span>' if hit else ""
        rows.append(
            f'<span class="line{" hit" if hit else ""}" data-n="{number}">{mark}{h(shown)}\n</span>'
        )
    label = h(f"Source of {location.path} from line {first}")
    return (
        f'<pre class="source" tabindex="0" role="region" aria-label="{label}">{"".join(rows)}</pre>'
    )


def _card(number: int, finding: Finding, fix: tuple[int, FixOutcome] | None) -> str:
    tools = " ".join(sorted(tools_of(finding)))
    opened = " open" if number <= _OPEN_AT_FIRST else ""
    facts = "".join(
        f"<dt>{name}</dt><dd>{body}</dd>" for name, body in _facts(finding, fix) if body
    )
    return (
        f'<details class="finding {finding.severity}"{opened} id="finding-{number}" '
        f'data-severity="{finding.severity}" data-exposure="{finding.exposure}" '
        f'data-category="{finding.category}" data-tools="{h(tools)}">'
        f'<summary><span class="rank">{number}</span>{severity_sign(finding.severity)}'
        f'<span class="title">{h(one_line(heading(finding), 160))}</span>'
        f'<span class="where">{place(finding.location)}</span>'
        f'<span class="tag">{finding.exposure}</span>'
        f'<span class="score" title="Score">{finding.score:.1f}</span></summary>'
        f'<div class="detail"><p>{h(finding.message)}</p>{excerpt(finding.location)}'
        f"<dl>{facts}</dl></div></details>\n"
    )


def _facts(finding: Finding, fix: tuple[int, FixOutcome] | None) -> Iterable[tuple[str, str]]:
    yield "Why it ranks here", h(finding.why)
    yield "What to do", h(finding.remedy)
    yield "Fix", _fix(*fix) if fix is not None else ""
    yield "Weakness", link(cwe_url(finding.cwe), cwe_label(finding.cwe)) if finding.cwe else ""
    yield "Rule", code(finding.rule)
    yield "In", code(finding.symbol) if finding.symbol else ""
    yield "Reported by", _sources(finding)
    yield "References", ", ".join(link(url, url) for url in finding.references if not _is_cwe(url))
    yield "Fingerprint", code(finding.fingerprint)


def _fix(number: int, fix: FixOutcome) -> str:
    return f'<a href="#fix-{number}">{h(fix.title)}</a>: {STANDING_WORDS[fix.standing]}'


def _sources(finding: Finding) -> str:
    said = (
        f"{source.tool} {source.version}".strip() + f" ({source.rule})"
        for source in finding.sources
    )
    agents = f", for {', '.join(finding.agents)}" if finding.agents else ""
    return h("; ".join(said) + agents)


def _is_cwe(url: str) -> bool:
    """Whether the weakness line links there already."""
    return url.startswith("https://cwe.mitre.org/")


def _filters(findings: Sequence[Finding]) -> str:
    counts = {s: sum(1 for f in findings if f.severity == s) for s in SEVERITY_ORDER}
    chips = "".join(
        f'<label class="chip"><input type="checkbox" name="severity" value="{severity}" checked>'
        f'<span>{severity_sign(severity)} <span class="count">{count:,}</span></span></label>'
        for severity, count in counts.items()
        if count
    )
    exposures = [e for e in EXPOSURE_ORDER if any(f.exposure == e for f in findings)]
    categories = sorted({finding.category for finding in findings})
    tools = sorted({tool for finding in findings for tool in tools_of(finding)})
    return (
        '<form id="filters" class="filters" role="search" aria-label="Filter findings" hidden>'
        f'<fieldset><legend class="unseen">Severity</legend>{chips}</fieldset>'
        '<div class="row"><label class="search"><span class="unseen">Search the findings</span>'
        '<input type="search" name="text" placeholder="Search title, path, rule, code" '
        'autocomplete="off" spellcheck="false"></label>'
        f"{_select('exposure', 'Exposure', exposures)}{_select('category', 'Category', categories)}"
        f"{_select('tool', 'Tool', tools)}"
        '<button type="reset">Reset</button><button type="button" id="fold">Open all</button></div>'
        '<p id="shown" role="status" aria-live="polite"></p></form>'
    )


def _select(name: str, label: str, values: Sequence[str]) -> str:
    options = "".join(f'<option value="{h(value)}">{h(value)}</option>' for value in values)
    return (
        f'<label class="select"><span>{label}</span><select name="{name}">'
        f'<option value="">all</option>{options}</select></label>'
    )


def _rest(findings: Sequence[Finding]) -> str:
    """The compact list. Its data travels as JSON in a data block that no browser executes."""
    rest = findings[MOST_CARDS : MOST_CARDS + MOST_LISTED]
    if not rest:
        return ""
    rows = [
        [
            number,
            finding.severity,
            finding.exposure,
            finding.category,
            sorted(tools_of(finding)),
            one_line(heading(finding), 120),
            one_line(finding.rule, 60),
            one_line(f"{finding.location.path}:{finding.location.line}", 160),
        ]
        for number, finding in enumerate(rest, start=MOST_CARDS + 1)
    ]
    beyond = len(findings) - MOST_CARDS - len(rest)
    more = f" {beyond:,} more are only in <code>report.json</code>." if beyond else ""
    return (
        f'<div id="rest"><h3>Beyond the first {MOST_CARDS:,}</h3>'
        f'<p class="lead">{len(findings) - MOST_CARDS:,} less urgent findings have no card here; '
        "<code>report.json</code> and <code>report.sarif</code> hold them in full."
        f'{more}</p><ol id="rest-list"></ol>'
        '<button type="button" id="rest-more" hidden>List more</button></div>'
        f'<script type="application/json" id="rest-data">{_embedded(rows)}</script>'
    )


def _embedded(value: object) -> str:
    """JSON that cannot end the element it stands in, whatever it contains."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
