"""Entry points that packaging files declare. Read as data: setup.py is parsed, never run."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.backends.local.python_source import PythonSource
from orchestrate.adapters.backends.local.python_values import argument
from orchestrate.core.sharing.findings import EntryPoint, Location

#: Groups whose entries are programs; others are hooks for another program.
_SCRIPT_GROUPS = {"console_scripts": "console-script", "gui_scripts": "gui-script"}


class ManifestError(Exception):
    """A packaging file cannot be read; the text says why."""


def from_pyproject(path: str, text: str) -> Iterator[EntryPoint]:
    """Scripts and entry points of a pyproject.toml, also in Poetry's table.

    Raises:
        ManifestError: it is not valid TOML.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ManifestError(str(error)) from None
    project = _table(data, "project")
    groups = {
        "console_scripts": _table(project, "scripts"),
        "gui_scripts": _table(project, "gui-scripts"),
        **_table(project, "entry-points"),
    }
    poetry = _table(_table(data, "tool"), "poetry")
    yield from _declared(groups, path, text)
    yield from _declared({"console_scripts": _table(poetry, "scripts")}, path, text)


def from_setup_cfg(path: str, text: str) -> Iterator[EntryPoint]:
    """`[options.entry_points]` of a setup.cfg.

    Raises:
        ManifestError: it is not a valid configuration file.
    """
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ManifestError(str(error).replace("\n", " ")) from None
    if parser.has_section("options.entry_points"):
        groups = {name: _lines(value) for name, value in parser.items("options.entry_points")}
        yield from _declared(groups, path, text)


def from_setup_py(source: PythonSource) -> Iterator[EntryPoint]:
    """`entry_points=` and `scripts=` of the call to `setup`, as far as they are literals."""
    for site in source.sites():
        if site.called.rpartition(".")[2] != "setup" or not isinstance(site.node, ast.Call):
            continue
        given = argument(site.node, None, "entry_points")
        value = _literal(given)
        if isinstance(value, str):
            value = _ini_groups(value)
        if isinstance(value, dict):
            groups = {str(name): _lines(entries) for name, entries in value.items()}
            yield from _declared(groups, source.path, source.text)
        for script in _strings(_literal(argument(site.node, None, "scripts"))):
            where = Location(source.path, _line(source.text, script))
            yield EntryPoint("console-script", script.rpartition("/")[2], script, where)


def _declared(groups: dict[str, Any], path: str, text: str) -> Iterator[EntryPoint]:
    for group, entries in groups.items():
        for name, target in (entries if isinstance(entries, dict) else {}).items():
            if isinstance(target, str):
                kind = _SCRIPT_GROUPS.get(group, f"plugin:{group}")
                where = Location(path, _line(text, str(name), target))
                yield EntryPoint(kind, str(name), target.partition("[")[0].strip(), where)


def _lines(value: object) -> dict[str, str]:
    """`name = target` lines, as one text or a list of them."""
    found = {}
    for line in value.splitlines() if isinstance(value, str) else _strings(value):
        name, equals, target = line.partition("=")
        if equals:
            found[name.strip()] = target.strip()
    return found


def _ini_groups(text: str) -> dict[str, str]:
    groups: dict[str, str] = {}
    group = ""
    for line in text.splitlines():
        header = re.match(r"\s*\[([^\]]+)\]\s*$", line)
        group = header.group(1) if header else group
        if group and not header:
            groups[group] = groups.get(group, "") + line + "\n"
    return groups


def _literal(node: ast.expr | None) -> object:
    """The value of a literal; None for anything that would have to be run."""
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _table(data: object, name: str) -> dict[str, Any]:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _line(text: str, *wanted: str) -> int:
    """The first line that contains all of `wanted`, else 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        if all(part in line for part in wanted):
            return number
    return 1
