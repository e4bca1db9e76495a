"""What manifests say the project depends on: names with the place where each is written.

Read by pattern where a format allows much (setup.py, Gradle, POM): what is wanted is a known name
and its line, not the resolved set of dependencies. Repetitions in patterns have limits, so that
no file takes more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.stack.tree import Tree

#: Manifests of one kind beyond this number are noted and left out.
MAX_MANIFESTS = 50
#: Names taken from one manifest.
MAX_NAMES = 2000

_REQUIREMENT = re.compile(r"^[ \t]{0,20}([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_QUOTED = re.compile(
    r"['\"]([A-Za-z0-9][A-Za-z0-9._-]{0,99})[ ]{0,9}(?:\[[^\]\n]{0,99}\])?[ ]{0,9}[<>=!~;'\"]"
)
_GO = re.compile(
    r"^[ \t]{0,20}(?:require[ \t]{1,20})?"
    r"([a-z0-9.-]{1,99}(?:/[\w.~-]{1,99}){1,9})[ \t]{1,20}v\d",
    re.M,
)
_POM = re.compile(r"<groupId>\s{0,20}([A-Za-z0-9_.-]{1,120})\s{0,20}</groupId>")
_GRADLE = re.compile(r"['\"]([A-Za-z0-9_.-]{1,120}):[A-Za-z0-9_.-]{1,120}(?::|['\"])")
_PLUGIN = re.compile(r"\bid[ \t]{0,9}\(?[ \t]{0,9}['\"]([A-Za-z0-9_.-]{1,120})['\"]")
_NODE_KINDS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")

#: A dependency's name, and `path:line`.
Named = tuple[str, str]


def python_dependencies(tree: Tree) -> Iterator[Named]:
    """Distributions, by PEP 503 name, from every manifest in which they are declared."""
    for path in _manifests(tree, "pyproject.toml"):
        yield from _placed(tree, path, _from_pyproject(tree.toml(path)))
    for path in _manifests(tree, "Pipfile"):
        settings = tree.toml(path)
        tables = (_table(settings, key) for key in ("packages", "dev-packages"))
        yield from _placed(tree, path, (name for table in tables for name in table))
    for path in _manifests(tree, "setup.py", "setup.cfg"):
        yield from _from_lines(tree, path, _QUOTED if path.endswith(".py") else _REQUIREMENT)
    for path in tree.sizes:
        name = path.rpartition("/")[2]
        if name.startswith(("requirements", "dev-requirements")) and name.endswith((".txt", ".in")):
            yield from _from_lines(tree, path, _REQUIREMENT)


def node_dependencies(tree: Tree) -> Iterator[Named]:
    """npm packages of every package.json."""
    for path in _manifests(tree, "package.json"):
        package = tree.json(path)
        names = (name for kind in _NODE_KINDS for name in _table(package, kind))
        yield from _placed(tree, path, names, quoted=True)


def go_dependencies(tree: Tree) -> Iterator[Named]:
    """Modules of every go.mod, without a major version at their end."""
    for path in _manifests(tree, "go.mod"):
        for name, place in _from_text(tree, path, _GO):
            yield re.sub(r"/v\d+$", "", name), place


def rust_dependencies(tree: Tree) -> Iterator[Named]:
    """Crates of every Cargo.toml, also those of a workspace or of one platform."""
    for path in _manifests(tree, "Cargo.toml"):
        settings = tree.toml(path)
        groups = [settings, _table(settings, "workspace")]
        groups += [
            group for group in _table(settings, "target").values() if isinstance(group, dict)
        ]
        kinds = ("dependencies", "dev-dependencies", "build-dependencies")
        names = (name for group in groups for kind in kinds for name in _table(group, kind))
        yield from _placed(tree, path, names)


def java_dependencies(tree: Tree) -> Iterator[Named]:
    """Maven groups and Gradle plugins, from POMs, Gradle scripts and version catalogs."""
    for path in _manifests(tree, "pom.xml"):
        yield from _from_text(tree, path, _POM, without=("<!--", "-->"))
    scripts = ("build.gradle", "build.gradle.kts", "libs.versions.toml")
    for path in _manifests(tree, *scripts):
        yield from _from_text(tree, path, _GRADLE)
        yield from _from_text(tree, path, _PLUGIN)


def _manifests(tree: Tree, *names: str) -> list[str]:
    found = tree.named(*names)
    if len(found) > MAX_MANIFESTS:
        left_out = len(found) - MAX_MANIFESTS
        tree.note(f"{found[MAX_MANIFESTS]}:1: not read, nor {left_out - 1} more of its name")
    return found[:MAX_MANIFESTS]


def _from_pyproject(settings: dict[str, Any]) -> Iterator[str]:
    project = _table(settings, "project")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    lists += _table(settings, "dependency-groups").values()
    for entries in lists:
        for entry in entries if isinstance(entries, list) else []:
            found = _REQUIREMENT.match(entry) if isinstance(entry, str) else None
            if found:
                yield found[1]
    poetry = _table(settings, "tool", "poetry")
    yield from _table(poetry, "dependencies")
    yield from _table(poetry, "dev-dependencies")
    for group in _table(poetry, "group").values():
        yield from _table(group, "dependencies")


def _placed(
    tree: Tree, path: str, names: Iterator[str], *, quoted: bool = False
) -> Iterator[Named]:
    """Each name with the first line that holds it as a word of its own."""
    lines = (tree.text(path) or "").split("\n")
    unique = list(dict.fromkeys(names))[:MAX_NAMES]
    wanted = {f'"{name}"' if quoted else name: name for name in unique}
    places: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        for word in re.findall(r'"[^"]*"', line) if quoted else re.findall(r"[\w.-]+", line):
            if word in wanted:
                places.setdefault(wanted[word], number)
    for name in unique:
        yield _normal(name), f"{path}:{places.get(name, 1)}"


def _from_lines(tree: Tree, path: str, pattern: re.Pattern[str]) -> Iterator[Named]:
    found = 0
    for number, line in enumerate((tree.text(path) or "").split("\n"), start=1):
        for match in pattern.finditer(line[:1000]):
            found += 1
            if found > MAX_NAMES:
                return
            yield _normal(match[1]), f"{path}:{number}"


def _from_text(
    tree: Tree, path: str, pattern: re.Pattern[str], *, without: tuple[str, str] | None = None
) -> Iterator[Named]:
    text = tree.text(path) or ""
    if without is not None:
        text = _uncommented(text, *without)
    line, offset = 1, 0
    for count, match in enumerate(pattern.finditer(text)):
        if count >= MAX_NAMES:
            return
        line += text.count("\n", offset, match.start(1))
        offset = match.start(1)
        yield match[1], f"{path}:{line}"


def _uncommented(text: str, opening: str, closing: str) -> str:
    """`text` without comments; their line breaks stay, so that lines keep their numbers."""
    kept, offset = [], 0
    while (start := text.find(opening, offset)) >= 0:
        end = text.find(closing, start)
        end = len(text) if end < 0 else end + len(closing)
        kept += [text[offset:start], "\n" * text.count("\n", start, end)]
        offset = end
    return "".join((*kept, text[offset:]))


def _normal(name: str) -> str:
    """The name in the form of PEP 503; npm names have it anyway but for scopes."""
    return name.lower() if "/" in name else re.sub(r"[-_.]+", "-", name).lower()


def _table(value: Any, *names: str) -> dict[str, Any]:
    """The nested table at `names`; empty wherever something else stands in its place."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
