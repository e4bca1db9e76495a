"""The attempts of the run over time as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.adapters.backends.local.reports.visible import one_line
from orchestrate.core.sharing.findings import TimelineEntry

#: Attempts drawn; a run that retried more often says so.
MOST_ATTEMPTS = 60
_WIDTH = 1040
_LABEL = 290
_ROW = 30
_AFTER = 150
_AXIS = 26


def timeline_chart(timeline: Sequence[TimelineEntry]) -> str:
    """One bar for each attempt, with its duration and outcome in words; "" without attempts."""
    if not timeline:
        return ""
    ordered = sorted(timeline, key=lambda e: (e.started_at, e.task, e.number))
    shown = ordered[:MOST_ATTEMPTS]
    start = ordered[0].started_at
    known = [e.finished_at for e in shown if e.finished_at is not None]
    end = max([*known, *(e.started_at for e in shown)])
    span = max(end - start, 0.001)
    scale = (_WIDTH - _LABEL - _AFTER) / span
    rows = "".join(_row(n, entry, start, end, scale) for n, entry in enumerate(shown))
    height = _AXIS + len(shown) * _ROW + 6
    axis = "".join(_tick(seconds, scale, height) for seconds in ticks(span))
    more = len(ordered) - len(shown)
    note = f'<p class="lead">{more} later attempts are not drawn.</p>' if more else ""
    caption = f"{len(shown)} attempts over {duration(span)}"
    return (
        f"<figure><figcaption>{caption}</figcaption>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Timeline of the run">'
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{caption}">{axis}{rows}</svg></div>{note}</figure>'
    )


def duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def ticks(span: float, most: int = 6) -> Iterator[float]:
    """At most `most` + 1 round seconds from 0 to `span`: steps of 1, 2 or 5 times a power of 10."""
    step = 0.001
    factors = (2.0, 2.5, 2.0)
    turn = 0
    while span / step > most:
        step *= factors[turn % 3]
        turn += 1
    count = 0
    while count * step <= span * 1.0001:
        yield round(count * step, 6)
        count += 1


def _tick(seconds: float, scale: float, height: int) -> str:
    x = _LABEL + seconds * scale
    return (
        f'<path class="grid" d="M{x:.1f} {_AXIS - 6}V{height}"/>'
        f'<text class="tick" x="{x:.1f}" y="14">{seconds:g} s</text>'
    )


def _row(number: int, entry: TimelineEntry, start: float, end: float, scale: float) -> str:
    top = _AXIS + number * _ROW
    left = _LABEL + (entry.started_at - start) * scale
    finished = entry.finished_at if entry.finished_at is not None else end
    width = max((finished - entry.started_at) * scale, 2.0)
    attempt = f" · attempt {entry.number}" if entry.number > 1 else ""
    if entry.finished_at is None:
        said, kind = "under way", "open"
    else:
        outcome = entry.outcome or "outcome not recorded"
        said = f"{duration(finished - entry.started_at)} {outcome}"
        kind = "done" if outcome in {"succeeded", "success", "completed", "ok"} else "other"
    # A text that would leave the picture stands before its bar.
    fits = left + width + _AFTER <= _WIDTH + 1
    x, side = (left + width + 7, "after") if fits else (left - 7, "after before")
    return (
        f'<text class="label" x="0" y="{top + 19}">{h(one_line(entry.task, 30))}'
        f'<tspan class="who"> {h(one_line(entry.agent, 20))}{h(attempt)}</tspan></text>'
        f'<rect class="bar {kind}" x="{left:.1f}" y="{top + 7}" width="{width:.1f}" height="16" '
        f'rx="2"/><text class="{side}" x="{x:.1f}" y="{top + 19}">'
        f"{h(one_line(said, 40))}</text>"
    )
