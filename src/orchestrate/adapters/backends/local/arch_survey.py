"""What the architect learns from each file, gathered into graphs and lists.

Files are read one at a time; what stays are names, line numbers and edges.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import orchestrate
from orchestrate.adapters.backends.local.arch_entry_points import entry_points_of
from orchestrate.adapters.backends.local.arch_imports import imports_of
from orchestrate.adapters.backends.local.arch_manifests import (
    ManifestError,
    from_pyproject,
    from_setup_cfg,
    from_setup_py,
)
from orchestrate.adapters.backends.local.arch_modules import ModuleFile, ModuleTable
from orchestrate.adapters.backends.local.arch_risks import Sink
from orchestrate.adapters.backends.local.arch_surface import surface_of
from orchestrate.adapters.backends.local.python_source import (
    PythonSource,
    Site,
    Unparsable,
    parse,
)
from orchestrate.adapters.backends.local.repository import SourceFile, read_text
from orchestrate.adapters.backends.local.review_deserialisation import check_pickle, check_yaml
from orchestrate.adapters.backends.local.review_injection import check_eval, check_shell
from orchestrate.adapters.backends.local.review_web import check_listener
from orchestrate.adapters.backends.local.rule import Check
from orchestrate.adapters.backends.local.tool_record import ToolRecord
from orchestrate.core.sharing.findings import EntryPoint, Module, SurfacePoint

TOOL = "orchestrate-architecture"
#: The code that runs where the package is installed, and where it is built.
EXAMINED_EXPOSURES = frozenset({"shipped", "build"})

_SINK_CHECKS: dict[str, tuple[Check, ...]] = {
    "subprocess": (check_shell,),
    "dynamic-code": (check_eval,),
    "deserialisation": (check_pickle, check_yaml),
}
_SERIOUS = {"critical", "high", "medium"}


class ArchitectureSurvey:
    """Everything gathered so far; `eager` and `imports` map module names to the ones they import.

    `eager` holds what loading a module loads; `imports` also what its functions import.
    `import_lines` maps such an edge to the line of its first statement.
    """

    def __init__(self, files: Iterable[SourceFile]) -> None:
        self.files = {file.path: file for file in files}
        self.table = ModuleTable(self.files)
        self.tool = ToolRecord(
            TOOL, "modules, entry points, attack surface", orchestrate.__version__
        )
        self.eager: dict[str, set[str]] = defaultdict(set)
        self.imports: dict[str, set[str]] = defaultdict(set)
        self.import_lines: dict[tuple[str, str], int] = {}
        self.surface: list[SurfacePoint] = []
        self.kinds: dict[str, set[str]] = defaultdict(set)
        self.entry_points: list[EntryPoint] = []
        self.sinks: list[Sink] = []
        self.listeners: list[Sink] = []
        self.unparsable: dict[str, str] = {}
        self.outside = 0

    def examine(self, root: Path, file: SourceFile) -> None:
        """Read one Python file."""
        module = self.table.by_path[file.path]
        try:
            source = parse(file.path, read_text(root, file))
        except Unparsable as error:
            self.unparsable[file.path] = str(error)
            return
        with self.tool.looking_at(file.path):
            self._add_imports(source.tree, module)
            if file.exposure not in EXAMINED_EXPOSURES:
                self.outside += 1
                return
            self._add_surface(source, module)
            self.entry_points += entry_points_of(source, module)
            if file.path.rpartition("/")[2] == "setup.py":
                self.entry_points += from_setup_py(source)
            if file.exposure == "shipped":
                self._add_sinks(source, module)

    def examine_manifest(self, root: Path, file: SourceFile) -> None:
        """Read the entry points of a pyproject.toml or setup.cfg."""
        name = file.path.rpartition("/")[2]
        readers = {"pyproject.toml": from_pyproject, "setup.cfg": from_setup_cfg}
        if name not in readers or file.exposure in {"test", "docs", "example"}:
            return
        try:
            self.entry_points += readers[name](file.path, read_text(root, file))
        except ManifestError as error:
            self.unparsable[file.path] = str(error)

    def modules(self) -> tuple[Module, ...]:
        """The nodes of the graph, by name."""
        found = [
            Module(
                name=module.name,
                path=path,
                lines=self.files[path].lines,
                exposure=self.files[path].exposure,
                imports=tuple(sorted(self.imports.get(module.name, ()))),
                surface=tuple(sorted(self.kinds.get(module.name, ()))),
            )
            for path, module in self.table.by_path.items()
        ]
        return tuple(sorted(found, key=lambda module: module.name))

    def eager_graph(self) -> dict[str, list[str]]:
        """What loading each module loads, without the packages above it.

        Importing `a.b` also runs `a/__init__.py`; counting that would make a cycle of every package
        whose `__init__` imports its own modules.
        """
        return {m.name: sorted(self.eager.get(m.name, ())) for m in self.table.by_path.values()}

    def reach_graph(self) -> dict[str, list[str]]:
        """What code each module can make run: its imports, and the packages these lie in."""
        above = {
            module.name: {parent.name for parent in self.table.parents(module)}
            for module in self.table.by_path.values()
        }
        graph = {}
        for module in self.table.by_path.values():
            direct = self.imports.get(module.name, set())
            reached = direct.union(*(above[target] for target in direct)) - {module.name}
            graph[module.name] = sorted(reached)
        return graph

    def surface_points(self) -> tuple[SurfacePoint, ...]:
        """The attack surface in path and line order."""
        return tuple(
            sorted(self.surface, key=lambda p: (p.location.path, p.location.line, p.call, p.kind))
        )

    def _add_imports(self, tree: ast.Module, module: ModuleFile) -> None:
        for statement in imports_of(tree):
            if statement.when == "typing":
                continue
            targets = self.table.targets(module, statement.module, statement.names, statement.level)
            for target in targets:
                self.imports[module.name].add(target.name)
                self.import_lines.setdefault((module.name, target.name), statement.line)
                if statement.when == "eager":
                    self.eager[module.name].add(target.name)

    def _add_surface(self, source: PythonSource, module: ModuleFile) -> None:
        points = list(surface_of(source))
        self.surface += points
        self.kinds[module.name].update(point.kind for point in points)

    def _add_sinks(self, source: PythonSource, module: ModuleFile) -> None:
        for site in source.sites():
            if not isinstance(site.node, ast.Call):
                continue
            for kind, checks in _SINK_CHECKS.items():
                hits = (hit for check in checks for hit in check(site))
                if any((hit.severity or hit.rule.severity) in _SERIOUS for hit in hits):
                    self.sinks.append(_sink(site, module, kind))
            if any(True for _ in check_listener(site)):
                self.listeners.append(_sink(site, module, "network"))


def _sink(site: Site, module: ModuleFile, kind: str) -> Sink:
    call = site.call
    name = site.called.removeprefix("builtins.") or ast.unparse(call.func)[:80]
    return Sink(module.name, kind, name, call.lineno, call.end_lineno or call.lineno, site.symbol)
