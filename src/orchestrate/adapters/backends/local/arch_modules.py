"""Naming the modules of a repository and resolving its imports, without importing anything.

A file's module name is its path below its source root. The source root is what has to be on
`sys.path` for the file's own package to be found:

1. up from the file, folders with `__init__.py` belong to the package;
2. if one of the folders above is called `src`, `lib`, `lib3` or `python`, that is the root, so that
   folders between it and the package are namespace packages;
3. else the folder that holds the topmost package is the root, or for a lone file its own folder
   when that holds no package, else the repository.

The same name may exist under two roots (PyYAML has one tree for each major version of Python). The
later one is then called `name (root)`, and imports stay within their own root where they can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_ROOT_NAMES = {"src", "lib", "lib2", "lib3", "python"}


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """One Python file as a module. `dotted` is how it is imported; `name` is unique."""

    path: str
    dotted: str
    root: str
    is_package: bool
    name: str

    @property
    def package(self) -> str:
        """The dotted package that relative imports start from."""
        return self.dotted if self.is_package else self.dotted.rpartition(".")[0]


class ModuleTable:
    """All modules of a repository by path and by dotted name."""

    def __init__(self, paths: Iterable[str]) -> None:
        ordered = sorted(paths)
        self._packages = {
            str(PurePosixPath(path).parent) for path in ordered if _stem(path) == "__init__"
        }
        self._names: set[str] = set()
        self.by_path: dict[str, ModuleFile] = {}
        self._by_root: dict[tuple[str, str], ModuleFile] = {}
        self._by_dotted: dict[str, ModuleFile] = {}
        for path in ordered:
            self._add(path)

    def _add(self, path: str) -> None:
        root = self._root(path)
        parts = list(PurePosixPath(path).relative_to(root).parts) if root else list(path.split("/"))
        is_package = _stem(path) == "__init__"
        parts = parts[:-1] if is_package else [*parts[:-1], _stem(path)]
        dotted = ".".join(parts) or PurePosixPath(root).name or "__init__"
        candidates = (dotted, f"{dotted} ({root or path})", f"{dotted} ({path})")
        name = next(candidate for candidate in candidates if candidate not in self._names)
        self._names.add(name)
        module = ModuleFile(path, dotted, root, is_package, name)
        self.by_path[path] = module
        self._by_root.setdefault((root, dotted), module)
        self._by_dotted.setdefault(dotted, module)

    def _root(self, path: str) -> str:
        folder = PurePosixPath(path).parent
        while str(folder) in self._packages and str(folder) != ".":
            folder = folder.parent
        above = [folder, *folder.parents]
        for candidate in above:
            if candidate.name in _ROOT_NAMES:
                return str(candidate)
        in_package = str(PurePosixPath(path).parent) in self._packages
        root = folder if in_package else PurePosixPath(".")
        return "" if str(root) == "." else str(root)

    def find(self, dotted: str, importer: ModuleFile) -> ModuleFile | None:
        """The module `dotted` as `importer` would import it, or None if it is not ours."""
        beside = str(PurePosixPath(importer.path).parent)
        prefix = "" if beside == "." else beside.replace("/", ".") + "."
        return (
            self._by_root.get((importer.root, dotted))
            or self._by_dotted.get(dotted)
            # A script is run with its own folder on the path.
            or (
                None if importer.is_package else self._by_root.get((importer.root, prefix + dotted))
            )
        )

    def named(self, dotted: str) -> ModuleFile | None:
        """The module that a packaging file calls `dotted`."""
        return self._by_dotted.get(dotted)

    def targets(
        self, importer: ModuleFile, module: str, names: tuple[str, ...], level: int
    ) -> list[ModuleFile]:
        """The modules that one import statement loads, the importer itself left out.

        Args:
            importer: where the statement stands.
            module: the dotted name after `from` or `import`, may be empty after dots.
            names: what is imported from it; empty for a plain `import`.
            level: number of leading dots.
        """
        base = _absolute(importer, module, level)
        if base is None:
            return []
        found: dict[str, ModuleFile] = {}
        for name in names or ("",):
            dotted = f"{base}.{name}" if name and base else base or name
            target = self.find(dotted, importer) or self._nearest(base, importer, bool(names))
            if target is not None and target.path != importer.path:
                found[target.path] = target
        return list(found.values())

    def _nearest(self, dotted: str, importer: ModuleFile, exact: bool) -> ModuleFile | None:
        """`dotted` or, for a plain import, the longest part of it that is a module of ours."""
        while dotted:
            target = self.find(dotted, importer)
            if target is not None or exact:
                return target
            dotted = dotted.rpartition(".")[0]
        return None

    def parents(self, module: ModuleFile) -> list[ModuleFile]:
        """The packages whose `__init__` runs when `module` is imported."""
        found = []
        dotted = module.dotted.rpartition(".")[0]
        while dotted:
            package = self._by_root.get((module.root, dotted))
            if package is not None:
                found.append(package)
            dotted = dotted.rpartition(".")[0]
        return found


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.partition(".py")[0] if name.endswith((".py", ".pyw")) else name


def _absolute(importer: ModuleFile, module: str, level: int) -> str | None:
    """The absolute dotted name of an import, None if it goes above the top package."""
    if not level:
        return module
    parts = importer.package.split(".") if importer.package else []
    if level - 1 > len(parts):
        return None
    kept = parts[: len(parts) - (level - 1)]
    return ".".join([*kept, *([module] if module else [])])
