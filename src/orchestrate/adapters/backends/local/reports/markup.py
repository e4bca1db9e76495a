"""The few pieces of HTML every section of the page is made of.

Arguments named `cells`, `body` and `markup` are HTML already; everything else is text and escaped
here or by the caller with `html_text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.core.sharing.findings import Location, Severity

#: How many of four bars the severity sign fills: legible without colour.
_BARS: dict[Severity, int] = {"critical": 4, "high": 3, "medium": 2, "low": 1, "info": 0}
_COLUMN = {"#": ' class="number"', "_": ' class="nowrap"'}


def section(name: str, title: str, body: str, lead: str = "") -> str:
    """A section with an anchor; empty when there is no body."""
    if not body:
        return ""
    intro = f'<p class="lead">{h(lead)}</p>' if lead else ""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{h(title)}</h2>{intro}{body}</section>\n'
    )


def table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls sideways by itself; cells are HTML.

    A header that begins with `#` makes a column of numbers, one that begins with `_` a column that
    does not wrap; the sign is not shown.
    """
    classes = [_COLUMN.get(header[:1], "") for header in headers]
    head = "".join(
        f'<th scope="col"{kind}>{h(header.lstrip("#_"))}</th>'
        for header, kind in zip(headers, classes, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(cells, classes, strict=True))
        + "</tr>"
        for cells in rows
    )
    if not body:
        return ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{h(caption)}"><table>'
        f'<caption class="unseen">{h(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def items(texts: Iterable[str]) -> str:
    """A plain list of texts; empty when there are none."""
    listed = "".join(f"<li>{h(text)}</li>" for text in texts)
    return f'<ul class="plain">{listed}</ul>' if listed else ""


def code(text: str) -> str:
    """Inline code."""
    return f"<code>{h(text)}</code>"


def place(location: Location) -> str:
    """`path:line` as inline code."""
    return code(f"{location.path}:{location.line}")


def link(url: str, text: str) -> str:
    """A link out of the page, followed only on a click; text alone unless the URL is https."""
    if not url.startswith("https://"):
        return h(text)
    return f'<a href="{h(url)}" rel="noreferrer noopener">{h(text)}</a>'


def severity_sign(severity: Severity) -> str:
    """The severity as a word with a sign of up to four bars."""
    bars = "".join(
        f'<rect x="{4 * n}" y="{9 - 2 * n}" width="3" height="{3 + 2 * n}" rx="0.5"'
        f"{'' if n < _BARS[severity] else ' class=' + chr(34) + 'off' + chr(34)}/>"
        for n in range(4)
    )
    return (
        f'<span class="sev {severity}"><svg viewBox="0 0 15 12" width="15" height="12" '
        f'aria-hidden="true">{bars}</svg>{severity.capitalize()}</span>'
    )


def left_out(total: int, shown: int, what: str) -> str:
    """A statement about what a bounded list does not show; empty when it shows all."""
    if total <= shown:
        return ""
    return (
        f'<p class="lead">{total - shown:,} more {h(what)} are in <code>report.json</code>; '
        f"{shown:,} of {total:,} are shown here.</p>"
    )
