"""Package managers, by lock files first, then by what manifests say."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.adapters.stack.tree import Tree
from orchestrate.core.agents.stack import Ecosystem, PackageManager

#: File -> manager; a lock file is made by one manager alone.
_LOCKS: tuple[tuple[str, str, Ecosystem], ...] = (
    ("uv.lock", "uv", "python"),
    ("poetry.lock", "poetry", "python"),
    ("pdm.lock", "pdm", "python"),
    ("Pipfile.lock", "pipenv", "python"),
    ("Pipfile", "pipenv", "python"),
    ("pnpm-lock.yaml", "pnpm", "node"),
    ("yarn.lock", "yarn", "node"),
    ("bun.lock", "bun", "node"),
    ("bun.lockb", "bun", "node"),
    ("package-lock.json", "npm", "node"),
    ("npm-shrinkwrap.json", "npm", "node"),
    ("go.mod", "go", "go"),
    ("Cargo.toml", "cargo", "rust"),
    ("pom.xml", "maven", "java"),
    ("build.gradle", "gradle", "java"),
    ("build.gradle.kts", "gradle", "java"),
    ("settings.gradle", "gradle", "java"),
    ("settings.gradle.kts", "gradle", "java"),
)
#: Managers with a table of their own name below `tool` in pyproject.toml, and what has to be in
#: it: hatch as a mere build backend has a table, too.
_TOOLS = {"uv": "", "poetry": "", "pdm": "", "hatch": "envs"}
_NODE = frozenset(["npm", "pnpm", "yarn", "bun"])


def find_managers(tree: Tree) -> tuple[PackageManager, ...]:
    """Each manager once, with the shallowest file that tells; surest first."""
    found: dict[str, PackageManager] = {}
    for manager in (*_declared(tree), *_locked(tree)):
        found.setdefault(manager.name, manager)
    served = {manager.ecosystem for manager in found.values()}
    for manager in _assumed(tree):
        if manager.ecosystem not in served:
            found.setdefault(manager.name, manager)
    return tuple(found.values())


def _declared(tree: Tree) -> Iterator[PackageManager]:
    """`packageManager` of a package.json, which stands above any lock file."""
    for path in tree.named("package.json")[:20]:
        named = tree.json(path).get("packageManager")
        name = named.partition("@")[0] if isinstance(named, str) else ""
        if name in _NODE:
            yield PackageManager(name, "node", tree.line(path, r"\"packageManager\""))


def _locked(tree: Tree) -> Iterator[PackageManager]:
    for file, name, ecosystem in _LOCKS:
        for path in tree.named(file)[:1]:
            yield PackageManager(name, ecosystem, f"{path}:1")
    for path in tree.named("pyproject.toml")[:20]:
        tools = tree.toml(path).get("tool")
        for name, key in _TOOLS.items():
            settings = tools.get(name) if isinstance(tools, dict) else None
            if isinstance(settings, dict) and (not key or key in settings):
                yield PackageManager(name, "python", tree.line(path, rf"^[ \t]*\[+tool\.{name}\b"))


def _assumed(tree: Tree) -> Iterator[PackageManager]:
    """What reads the manifest where nothing else is named: pip and npm come with the language."""
    requirements = [path for path in tree.sizes if _is_requirements(path)]
    manifests = tree.named("pyproject.toml", "setup.py", "setup.cfg")
    for path in (*requirements[:1], *manifests[:1]):
        yield PackageManager("pip", "python", f"{path}:1")
    for path in tree.named("package.json")[:1]:
        yield PackageManager("npm", "node", f"{path}:1")


def _is_requirements(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("requirements") and name.endswith(".txt")
