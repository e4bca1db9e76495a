"""Commands that tox, nox and make files call: what the project says about its own tools.

Nothing of them is executed; noxfile.py is read as a syntax tree.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrate.adapters.evidence.detect_found import Project, strings, table

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # the order in which make looks
_TARGET = re.compile(r"^([\w./-]+(?:[ \t]+[\w./-]+)*)[ \t]*::?(?![=:])(.*)$")
#: tox settings that choose an environment's commands.
_TOX_TEST = ("testenv", "testenv:py", "testenv:py3", "testenv:test", "testenv:tests")


@dataclass(frozen=True)
class Recipe:
    """Commands under a name: `tool` is tox, nox or make, `name` an environment, session or target.

    Each call is the words of one command and where it stands, as `path:line`.
    """

    tool: str
    name: str
    source: str
    calls: tuple[tuple[tuple[str, ...], str], ...]


def recipes(project: Project) -> list[Recipe]:
    """All recipes of a project's folder, in the order tox, nox, make."""
    return [*_tox(project), *_nox(project), *make_targets(project)]


def make_targets(project: Project) -> list[Recipe]:
    """Targets of the makefile that make would take, with their own lines; includes are not read."""
    name = project.first(MAKEFILES)
    path = project.at(name)
    sources: dict[str, str] = {}
    calls: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    open_targets: list[str] = []
    for number, line in enumerate((project.sources.text(path) or "").split("\n"), start=1):
        place = f"{path}:{number}"
        said = line.strip() if line.startswith("\t") else ""
        target = None if said else _TARGET.match(line)
        if target is not None:
            open_targets = [each for each in target[1].split() if not each.startswith(".")]
            said = target[2].partition(";")[2].strip()
        for each in open_targets:
            sources.setdefault(each, place)
            calls.setdefault(each, [])
            if said:
                calls[each].append((_words(said.lstrip("@-+")), place))
    return [Recipe("make", each, sources[each], tuple(calls[each])) for each in sources]


def _tox(project: Project) -> Iterator[Recipe]:
    native = table(project.sources.toml(project.at("pyproject.toml")), "tool", "tox")
    if project.has("tox.toml"):
        native = project.sources.toml(project.at("tox.toml"))
    for name in ("tox.ini", "setup.cfg"):
        settings = project.sources.ini(project.at(name))
        if not settings.has_section("tox") and not settings.has_section("tox:tox"):
            continue
        source = project.line(name, r"^\[tox(:tox)?\]")
        lines: list[tuple[tuple[str, ...], str]] = []
        for section in _TOX_TEST:
            text = settings.get(section, "commands", fallback=None) or ""
            joined = text.replace("\\\n", " ")
            for line in filter(None, map(str.strip, joined.splitlines())):
                words = _words(line.lstrip("-! "))
                lines.append((words, project.line(name, re.escape(line[:60]))))
        yield Recipe("tox", "test", source, tuple(lines))
        return
    if native:
        base = table(native, "env_run_base")
        file = "tox.toml" if project.has("tox.toml") else "pyproject.toml"
        source = project.line(file, r"env_run_base|\btool\.tox\b|env_list")
        listed = base.get("commands")
        rows = listed if isinstance(listed, list) else []
        calls = [(tuple(strings(row)), source) for row in rows]
        legacy = native.get("legacy_tox_ini")
        if isinstance(legacy, str):
            calls += [(_words(line), source) for line in legacy.splitlines() if "test" in line]
        yield Recipe("tox", "test", source, tuple(calls))


def _nox(project: Project) -> Iterator[Recipe]:
    path = project.at("noxfile.py")
    text = project.sources.text(path)
    if text is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody else's file
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        project.sources.note(f"{path}:{line}: not read, it is no Python: {error}")
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            name = _session_name(node)
            if name:
                yield Recipe("nox", name, f"{path}:{node.lineno}", tuple(_runs(node, path)))


def _session_name(node: ast.FunctionDef) -> str:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called) not in ("nox.session", "session"):
            continue
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        for keyword in keywords:
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
        return node.name
    return ""


def _runs(node: ast.FunctionDef, path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The constant words of each `session.run(…)`."""
    for inner in ast.walk(node):
        called = inner.func if isinstance(inner, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ("run", "run_always"):
            assert isinstance(inner, ast.Call)
            yield tuple(_constants(inner.args)), f"{path}:{inner.lineno}"


def _constants(arguments: list[Any]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def _words(line: str) -> tuple[str, ...]:
    """The words of a command line; unbalanced quotes are left as they are."""
    try:
        return tuple(shlex.split(line, comments=True))
    except ValueError:
        return tuple(line.split())
