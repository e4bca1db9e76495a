"""What the shape of a program says about its risks.

Findings are few: one for each cycle, and one for each module and kind of danger. How bad a
dangerous call is by itself is the code-reviewer's business; here the question is who can reach it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrate.adapters.backends.local.arch_entry_points import NETWORK_ENTRIES
from orchestrate.adapters.backends.local.arch_graph import Graph, shortest_cycle, shortest_paths
from orchestrate.adapters.backends.local.rule import Rule
from orchestrate.core.sharing.findings import Confidence, Module, Severity

CYCLE = Rule(
    "ORC-ARCH-001",
    "Modules import each other in a circle",
    1047,
    "low",
    "high",
    "Move what both need into a module of its own, or import inside the function that needs it.",
    category="architecture",
    remarks="imports for type checking and inside functions do not count",
)
REACHABLE_SINK = Rule(
    "ORC-ARCH-002",
    "Dangerous call within reach of an entry point",
    None,
    "low",
    "low",
    "Check what the entry point lets through, or move the call out of its reach.",
    category="architecture",
    remarks="medium when the entry point is a web route or a listener; CWE 78, 95 or 502 by the "
    "kind of call",
)
OPEN_LISTENER = Rule(
    "ORC-ARCH-003",
    "Service reachable from every network",
    1327,
    "medium",
    "medium",
    "Bind to 127.0.0.1, or to an address that the operator configures.",
    category="architecture",
)
NETWORK_DESERIALISATION = Rule(
    "ORC-ARCH-004",
    "Deserialiser that can run code beside network code",
    502,
    "medium",
    "low",
    "Make sure that nothing received is deserialised, or use a data-only format.",
    category="architecture",
)
LARGE_MODULE = Rule(
    "ORC-ARCH-005",
    "Very large module",
    1080,
    "info",
    "high",
    "Split it by subject.",
    category="architecture",
    remarks="from 1000 lines, pylint's default limit (C0302)",
)
HUB = Rule(
    "ORC-ARCH-006",
    "Module that much of the program depends on, and that depends on much",
    None,
    "info",
    "medium",
    "Separate what others use from what it uses.",
    category="architecture",
    remarks="imported by at least 10 modules and a third of the shipped ones, and importing 10",
)
SHIPPED_NEEDS_TESTS = Rule(
    "ORC-ARCH-007",
    "Shipped code imports test code",
    None,
    "low",
    "high",
    "Move what is shared into the package.",
    category="architecture",
)
RULES = (
    CYCLE,
    REACHABLE_SINK,
    OPEN_LISTENER,
    NETWORK_DESERIALISATION,
    LARGE_MODULE,
    HUB,
    SHIPPED_NEEDS_TESTS,
)

LARGE_FROM_LINES = 1000
HUB_IMPORTS = 10
_SINK_CWE = {"subprocess": 78, "dynamic-code": 95, "deserialisation": 502}
#: Import chains longer than this say little about what data flows along them.
_LONGEST_CHAIN = 4


@dataclass(frozen=True, slots=True)
class Sink:
    """A dangerous call: its module, kind of surface, and where it is."""

    module: str
    kind: str
    call: str
    line: int
    end_line: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Risk:
    """A finding before it gets its excerpt; `module` is the one it is located in."""

    rule: Rule
    module: str
    line: int
    end_line: int
    message: str
    symbol: str = ""
    severity: Severity | None = None
    confidence: Confidence | None = None
    cwe: int | None = None


def cycle_risks(
    eager: Graph, components: Sequence[tuple[str, ...]], lines: Mapping[tuple[str, str], int]
) -> Iterator[Risk]:
    """One for each group of modules that import each other; `lines` maps an edge to its line."""
    for component in components:
        cycle = shortest_cycle(eager, component)
        message = f"{' → '.join((*cycle, cycle[0]))}."
        if len(component) > len(cycle):
            message += f" In all, {len(component)} modules import each other."
        line = lines.get((cycle[0], cycle[1 % len(cycle)]), 1)
        yield Risk(CYCLE, cycle[0], line, line, message)


def reach_risks(
    graph: Graph, entries: Mapping[str, tuple[str, str]], sinks: Sequence[Sink]
) -> Iterator[Risk]:
    """Sinks that an entry point reaches by imports, the network's entry points first.

    `entries` maps a module to the kind and name of its most exposed entry point.
    """
    web = {module for module, (kind, _) in entries.items() if kind in NETWORK_ENTRIES}
    goals = {sink.module for sink in sinks}
    from_web = shortest_paths(graph, web, goals)
    from_any = shortest_paths(graph, entries, goals)
    for sink in _first_of_each(sinks):
        path = from_web.get(sink.module) or from_any.get(sink.module)
        if not path or len(path) > _LONGEST_CHAIN:
            continue
        kind, name = entries[path[0]]
        chain = f", by way of {' → '.join(path)}" if len(path) > 1 else ""
        message = f"{sink.call} can be reached from {_described(kind, name)}{chain}."
        severity: Severity = "medium" if kind in NETWORK_ENTRIES else "low"
        yield _at(REACHABLE_SINK, sink, message, severity, _SINK_CWE.get(sink.kind))


def deserialisation_risks(
    graph: Graph, network: set[str], entries: Mapping[str, tuple[str, str]], sinks: Sequence[Sink]
) -> Iterator[Risk]:
    """Deserialisers in or below modules that use the network, unless an entry point said so."""
    unsafe = [sink for sink in sinks if sink.kind == "deserialisation"]
    web = {module for module, (kind, _) in entries.items() if kind in NETWORK_ENTRIES}
    goals = {sink.module for sink in unsafe}
    known = shortest_paths(graph, web, goals)
    paths = shortest_paths(graph, network, goals)
    for sink in _first_of_each(unsafe):
        path = paths.get(sink.module)
        if not path or len(path) > _LONGEST_CHAIN or sink.module in known:
            continue
        where = " → ".join(path) if len(path) > 1 else f"{path[0]} itself"
        message = f"{sink.call} is within reach of code that uses the network: {where}."
        yield _at(NETWORK_DESERIALISATION, sink, message, None, None)


def size_risks(modules: Sequence[Module], graph: Graph) -> Iterator[Risk]:
    """Very large modules and hubs among the shipped ones."""
    shipped = [module for module in modules if module.exposure == "shipped"]
    names = {module.name for module in shipped}
    users: dict[str, int] = dict.fromkeys(names, 0)
    for module in shipped:
        for target in set(graph.get(module.name, ())) & names:
            users[target] += 1
    for module in shipped:
        if module.lines >= LARGE_FROM_LINES:
            yield Risk(LARGE_MODULE, module.name, 1, 1, f"{module.name} has {module.lines} lines.")
        needs, used = len(set(graph.get(module.name, ())) & names), users[module.name]
        if needs >= HUB_IMPORTS and used >= max(HUB_IMPORTS, len(shipped) / 3):
            message = f"{module.name} is imported by {used} modules and imports {needs}."
            yield Risk(HUB, module.name, 1, 1, message)


def layering_risks(
    modules: Sequence[Module], graph: Graph, lines: Mapping[tuple[str, str], int]
) -> Iterator[Risk]:
    """Shipped modules that import test modules."""
    exposure = {module.name: module.exposure for module in modules}
    for module in modules:
        if module.exposure != "shipped":
            continue
        for target in sorted(graph.get(module.name, ())):
            if exposure.get(target) == "test":
                line = lines.get((module.name, target), 1)
                message = f"{module.name} imports {target}, which is test code."
                yield Risk(SHIPPED_NEEDS_TESTS, module.name, line, line, message)
                break


def _first_of_each(sinks: Sequence[Sink]) -> list[Sink]:
    """The first sink of each module and kind, in order."""
    first: dict[tuple[str, str], Sink] = {}
    for sink in sinks:
        first.setdefault((sink.module, sink.kind), sink)
    return list(first.values())


def _described(kind: str, name: str) -> str:
    return f"the {kind.replace('-', ' ')} {name}"


def _at(rule: Rule, sink: Sink, message: str, severity: Severity | None, cwe: int | None) -> Risk:
    return Risk(
        rule, sink.module, sink.line, sink.end_line, message, sink.symbol, severity, None, cwe
    )
