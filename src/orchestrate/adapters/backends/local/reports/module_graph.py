"""The module graph as inline SVG: importers left, imported right."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrate.adapters.backends.local.reports.graph_layout import Box, Layout, layout
from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.core.sharing.findings import Module

_HEIGHT = 24.0


def module_graph(modules: Sequence[Module]) -> str:
    """The figure with its legend, and a statement about modules that are not drawn."""
    if not modules:
        return ""
    picture = layout(modules)
    number = {name: place for place, name in enumerate(sorted(picture.boxes))}
    edges = "".join(_edge(picture, number, importer, target) for importer, target in picture.edges)
    boxes = "".join(_box(box, number[name]) for name, box in sorted(picture.boxes.items()))
    height = picture.height + 8
    caption = f"{len(picture.boxes)} modules and {len(picture.edges)} imports between them"
    return (
        f"<figure><figcaption>{caption}</figcaption>"
        '<div class="scroll graph" tabindex="0" role="region" aria-label="Module graph">'
        f'<svg id="graph" width="{picture.width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {picture.width:.0f} {height:.0f}" role="group" aria-label="{caption}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
        f"{edges}{boxes}</svg></div>{_legend(picture)}</figure>"
    )


def _edge(picture: Layout, number: dict[str, int], importer: str, target: str) -> str:
    a, b = picture.boxes[importer], picture.boxes[target]
    start, end = a.x + a.width, b.x - 2
    if end > start:
        bend = (end - start) / 2
        path = f"M{start:.1f} {a.y:.1f}C{start + bend:.1f} {a.y:.1f} {end - bend:.1f} {b.y:.1f} "
        path += f"{end:.1f} {b.y:.1f}"
        kind = "edge"
    else:  # within a cycle or a broken-up layer: around the right-hand side
        end = b.x + b.width + 2
        out = max(start, end) + 34
        path = f"M{start:.1f} {a.y:.1f}C{out:.1f} {a.y:.1f} {out:.1f} {b.y:.1f} {end:.1f} {b.y:.1f}"
        kind = "edge back"
    ends = f'data-a="{number[importer]}" data-b="{number[target]}"'
    return f'<path class="{kind}" {ends} d="{path}" marker-end="url(#tip)"/>'


def _box(box: Box, number: int) -> str:
    module = box.module
    classes = ["module", module.exposure]
    notes = [f"{module.lines:,} lines", module.exposure]
    if box.in_cycle:
        classes.append("cyclic")
        notes.append("part of an import cycle")
    if module.surface:
        notes.append("touches " + ", ".join(module.surface))
    mark = (
        f'<path class="touch" d="M{box.x + box.width - 11:.1f} {box.y - 4:.1f}h7v8h-7z"/>'
        if module.surface
        else ""
    )
    title = h(f"{module.name} ({module.path}): {'; '.join(notes)}")
    return (
        f'<g class="{" ".join(classes)}" data-n="{number}" tabindex="0" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<rect x="{box.x:.1f}" y="{box.y - _HEIGHT / 2:.1f}" width="{box.width:.1f}" '
        f'height="{_HEIGHT:.0f}" rx="4"/>'
        f'<text x="{box.x + 9:.1f}" y="{box.y + 4:.1f}">{h(box.label)}</text>{mark}</g>'
    )


def _legend(picture: Layout) -> str:
    said = ["An arrow points from a module to what it imports."]
    if picture.prefix:
        said.append(f"Names are relative to {picture.prefix.rstrip('.')}.")
    if any(box.module.surface for box in picture.boxes.values()):
        said.append("A filled square marks a module that touches the outside world.")
    if any(box.in_cycle for box in picture.boxes.values()):
        said.append("A dashed frame marks an import cycle.")
    if picture.left_out:
        said.append(f"{picture.left_out:,} less connected modules are not drawn.")
    if picture.apart:
        said.append(f"{picture.apart:,} modules of tests, docs, examples and builds are not drawn.")
    return f'<p class="lead">{h(" ".join(said))}</p>'
