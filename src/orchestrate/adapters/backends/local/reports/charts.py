"""Severity and exposure of the findings as inline SVG, sized by their counts.

Every bar carries its number, so the charts read without colour; a table says the same in words.
Where info outweighs the rest, bars are drawn to the scale of the rest: thousands of remarks would
leave nothing to see of three grave flaws. A bar of info that is longer is cut, and shows it by a
gap.
"""

from __future__ import annotations

from orchestrate.adapters.backends.local.reports.markup import table
from orchestrate.core.sharing.deduplication import EXPOSURE_ORDER
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Severity
from orchestrate.core.sharing.summary import Summary

_WIDTH = 520
_LABEL = 92
_ROW = 34
_BAR = 20
#: Room right of the longest bar for its number.
_NUMBER = 56
#: Narrowest segment that is still seen and wide enough for one digit.
_NARROWEST = 3.0
_DIGIT = 9.0
_SPACE = 1.5
_LONGEST = float(_WIDTH - _LABEL - _NUMBER)
_CUT = 70.0
#: Info may be this many times as long as the rest before it is cut.
_CRUSHING = 4


def severity_chart(summary: Summary) -> str:
    """One bar for each severity."""
    counts = summary.severities
    graver = max(counts[severity] for severity in SEVERITY_ORDER if severity != "info")
    scale = _scale(graver, max(counts.values()))
    rows = []
    for number, severity in enumerate(SEVERITY_ORDER):
        count, top = counts[severity], number * _ROW
        width = _length(count, scale)
        rows.append(
            f'<text class="label" x="0" y="{top + 22}">{severity.capitalize()}</text>'
            + _bar(severity, count, _LABEL, top, width, cut=count > scale)
            + f'<text class="number" x="{_LABEL + width + 8:.1f}" y="{top + 22}">{count:,}</text>'
        )
    return _figure("Findings by severity", rows)


def exposure_chart(summary: Summary) -> str:
    """One bar for each exposure, divided by severity from critical to info."""
    totals = summary.exposures
    graver = max(totals[e] - summary.matrix[e]["info"] for e in EXPOSURE_ORDER)
    most = max(totals.values())
    scale = _scale(graver, most)
    # When info is cut, room is kept for it behind the longest bar of the rest.
    longest = _LONGEST - (_CUT if scale < most else len(SEVERITY_ORDER) * _SPACE)
    rows = []
    for number, exposure in enumerate(EXPOSURE_ORDER):
        top, left = number * _ROW, float(_LABEL)
        parts = [f'<text class="label" x="0" y="{top + 22}">{exposure.capitalize()}</text>']
        for severity in SEVERITY_ORDER:
            count = summary.matrix[exposure][severity]
            if not count:
                continue
            wanted = count / scale * longest
            room = _WIDTH - _NUMBER - left
            width = max(_NARROWEST, min(wanted, room))
            parts.append(_bar(severity, count, left, top, width, cut=wanted > room + 1))
            if width > _DIGIT * len(f"{count:,}") + 6:
                middle = left + width / 2
                parts.append(
                    f'<text class="inside" x="{middle:.1f}" y="{top + 21}">{count:,}</text>'
                )
            left += width + _SPACE
        total = f"{summary.exposures[exposure]:,}"
        parts.append(f'<text class="number" x="{left + 6:.1f}" y="{top + 22}">{total}</text>')
        rows.append("".join(parts))
    return _figure("Findings by exposure, each bar from critical to info", rows)


def matrix_table(summary: Summary) -> str:
    """Counts by exposure and severity in words."""
    return table(
        "Findings by exposure and severity",
        ("Exposure", *(f"#{severity.capitalize()}" for severity in SEVERITY_ORDER), "#All"),
        (
            (
                exposure.capitalize(),
                *(f"{summary.matrix[exposure][severity]:,}" for severity in SEVERITY_ORDER),
                f"{summary.exposures[exposure]:,}",
            )
            for exposure in EXPOSURE_ORDER
        ),
    )


def _scale(graver: int, most: int) -> int:
    """The count that fills the drawing: `most`, unless that would crush what is more than info."""
    return graver if graver and most > _CRUSHING * graver else most


def _length(count: int, scale: int) -> float:
    """Length in proportion to `scale`, never beyond the drawing; above zero it can be seen."""
    return max(_NARROWEST, min(1.0, count / scale) * _LONGEST) if count else 0.0


def _bar(severity: Severity, count: int, x: float, top: int, width: float, *, cut: bool) -> str:
    if not count:
        return ""
    bar = (
        f'<rect class="fill {severity}" x="{x:.1f}" y="{top + 7}" width="{width:.1f}" '
        f'height="{_BAR}" rx="2"><title>{count:,} {severity}</title></rect>'
    )
    if not cut:
        return bar
    left = x + width - min(48.0, width / 4 + 5)
    return f'{bar}<path class="gap" d="M{left:.1f} {top + 30}l6 -26h5l-6 26z"/>'


def _figure(caption: str, rows: list[str]) -> str:
    drawing = "".join(rows)
    return (
        f"<figure><figcaption>{caption}</figcaption>"
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {len(rows) * _ROW}" role="img" '
        f'aria-label="{caption}">{drawing}</svg></figure>'
    )
