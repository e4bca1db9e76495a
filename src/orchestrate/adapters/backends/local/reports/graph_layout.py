"""Where the modules of a repository stand on the page: layers from importers to imported.

The layered method of Sugiyama, Tagawa and Toda (1981), in its plain form: cycles are collapsed,
layers are longest paths, and a few barycentre sweeps reduce crossings. No randomness: the same
modules give the same picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from orchestrate.core.sharing.findings import Module

#: Modules drawn; more cannot be read, and the rest is counted beside the picture.
MOST_MODULES = 40
_SWEEPS = 6
_ROW = 34.0
_GAP = 54.0
_CHARACTER = 7.0
_PADDING = 26.0
_LONGEST_LABEL = 26
#: A layer taller than this is broken into columns beside each other.
_TALLEST = 12

Imports = Mapping[str, frozenset[str]]


class Box(NamedTuple):
    """One drawn module. `x` and `y` are of the left middle; `in_cycle` marks import cycles."""

    module: Module
    label: str
    x: float
    y: float
    width: float
    in_cycle: bool


class Layout(NamedTuple):
    """A picture: `edges` are (importer, imported) names; `prefix` is cut off every label.

    `apart` counts modules left out because they are not shipped, `left_out` all others.
    """

    boxes: dict[str, Box]
    edges: tuple[tuple[str, str], ...]
    width: float
    height: float
    prefix: str
    left_out: int
    apart: int


def layout(modules: Sequence[Module], most: int = MOST_MODULES) -> Layout:
    """Place the `most` best connected of the shipped modules; of all when none is shipped.

    Tests import everything, and would hide how the program itself is built.
    """
    shipped = [module for module in modules if module.exposure == "shipped"]
    shown = _best_connected(shipped or modules, most)
    imports = _imports(shown)
    component = _components(imports)
    columns = _columns(_layers(imports, component), imports)
    prefix = _shared_prefix([module.name for module in shown])
    by_name = {module.name: module for module in shown}
    tallest = max((len(column) for column in columns), default=0)
    sizes = {name: len(members) for members in component.values() for name in members}
    boxes: dict[str, Box] = {}
    x = 4.0
    for column in columns:
        labels = {name: _label(name, prefix) for name in column}
        width = max(len(label) for label in labels.values()) * _CHARACTER + _PADDING
        top = (tallest - len(column)) * _ROW / 2 + _ROW / 2
        for row, name in enumerate(column):
            in_cycle = sizes[name] > 1
            boxes[name] = Box(by_name[name], labels[name], x, top + row * _ROW, width, in_cycle)
        x += width + _GAP
    apart = len(modules) - len(shipped) if shipped else 0
    left_out = len(modules) - len(shown) - apart
    edges = tuple((a, b) for a in sorted(imports) for b in sorted(imports[a]))
    return Layout(boxes, edges, max(x - _GAP + 4, 1), tallest * _ROW, prefix, left_out, apart)


def _best_connected(modules: Sequence[Module], most: int) -> list[Module]:
    imports = _imports(modules)
    degree: dict[str, int] = defaultdict(int)
    for name, targets in imports.items():
        degree[name] += len(targets)
        for target in targets:
            degree[target] += 1
    ranked = sorted(modules, key=lambda module: (-degree[module.name], module.name))
    return sorted(ranked[:most], key=lambda module: module.name)


def _imports(modules: Sequence[Module]) -> dict[str, frozenset[str]]:
    names = {module.name for module in modules}
    return {m.name: frozenset(m.imports) & names - {m.name} for m in modules}


def _components(imports: Imports) -> dict[str, tuple[str, ...]]:
    """Strongly connected components by their first name: Tarjan (1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: dict[str, None] = {}
    found: dict[str, tuple[str, ...]] = {}
    for start in sorted(imports):
        work = [(start, iter(sorted(imports[start])))] if start not in index else []
        while work:
            name, targets = work[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                open_[name] = None
            target = next((t for t in targets if t not in index or t in open_), None)
            if target is not None and target not in index:
                work.append((target, iter(sorted(imports[target]))))
            elif target is not None:
                low[name] = min(low[name], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    members = []
                    while True:
                        member, _ = open_.popitem()
                        members.append(member)
                        if member == name:
                            break
                    found[min(members)] = tuple(sorted(members))
    return found


def _layers(imports: Imports, component: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """Names by longest path from a module nobody imports; a cycle stands in one layer."""
    home = {name: first for first, members in component.items() for name in members}
    targets = {
        first: {home[t] for name in members for t in imports[name]} - {first}
        for first, members in component.items()
    }
    waiting = dict.fromkeys(component, 0)
    for reached in targets.values():
        for target in reached:
            waiting[target] += 1
    depth = dict.fromkeys(component, 0)
    ready = sorted(first for first, count in waiting.items() if not count)
    while ready:
        first = ready.pop()
        for target in targets[first]:
            depth[target] = max(depth[target], depth[first] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    layers: dict[int, list[str]] = defaultdict(list)
    for first in sorted(component):
        layers[depth[first]].extend(component[first])
    return [layers[number] for number in sorted(layers)]


def _columns(layers: list[list[str]], imports: Imports) -> list[list[str]]:
    """Layers ordered by the mean position of their neighbours, tall ones broken up."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for name, targets in imports.items():
        for target in targets:
            neighbours[name].add(target)
            neighbours[target].add(name)
    layers = [sorted(layer) for layer in layers]
    for sweep in range(_SWEEPS):
        position = {name: place for layer in layers for name, place in _spread(layer).items()}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            inside = set(layer)
            means = {
                name: _mean([position[n] for n in neighbours[name] - inside], position[name])
                for name in layer
            }
            layer.sort(key=lambda name, means=means: (means[name], name))  # type: ignore[misc]
            position.update(_spread(layer))
    return [
        layer[start : start + _TALLEST]
        for layer in layers
        for start in range(0, len(layer), _TALLEST)
    ]


def _spread(layer: list[str]) -> dict[str, float]:
    """Positions between 0 and 1, so that layers of unlike height compare."""
    return {name: (place + 0.5) / len(layer) for place, name in enumerate(layer)}


def _mean(values: list[float], otherwise: float) -> float:
    return round(sum(sorted(values)) / len(values), 9) if values else otherwise


def _shared_prefix(names: list[str]) -> str:
    """The top package all modules share, with its dot; "" when there is none."""
    tops = {name.split(".")[0] for name in names}
    return f"{tops.pop()}." if len(tops) == 1 and len(names) > 1 else ""


def _label(name: str, prefix: str) -> str:
    short = name.removeprefix(prefix) or name
    if len(short) <= _LONGEST_LABEL:
        return short
    half = _LONGEST_LABEL // 2
    return f"{short[: half - 1]}…{short[-half:]}"
