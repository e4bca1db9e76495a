"""setup.py and setup.cfg, read as text: nothing of them is executed."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path


def declared_extras(folder: Path) -> frozenset[str]:
    """Names of extras that either file declares."""
    return frozenset((*_cfg_extras(folder), *_literal_extras(folder)))


def tests_require(folder: Path) -> tuple[str, ...]:
    """What old projects say in setup.cfg or, literally, in setup.py."""
    text = read_ini(folder / "setup.cfg").get("options", "tests_require", fallback="")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    value = setup_argument(folder, "tests_require")
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, list | tuple):
        lines += [line for line in value if isinstance(line, str) and line.strip()]
    return tuple(lines)


def _cfg_extras(folder: Path) -> tuple[str, ...]:
    parser = read_ini(folder / "setup.cfg")
    section = "options.extras_require"
    return tuple(parser.options(section)) if parser.has_section(section) else ()


def _literal_extras(folder: Path) -> tuple[str, ...]:
    value = setup_argument(folder, "extras_require")
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, dict) else ()


def setup_argument(folder: Path, argument: str) -> object:
    """The value of a keyword of `setup(…)` in setup.py: a literal, or a variable that holds one."""
    try:
        tree = ast.parse((folder / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    values = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if getattr(call.func, "id", getattr(call.func, "attr", "")) != "setup":
            continue
        for keyword in call.keywords:
            if keyword.arg == argument:
                value = keyword.value
                known = values.get(value.id) if isinstance(value, ast.Name) else None
                return _literal(known or value)
    return None


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Dict):  # its keys matter even where a value is computed
        keys = [_literal(key) for key in node.keys if key is not None]
        return {key: None for key in keys if isinstance(key, str)}
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def read_ini(path: Path, text: str = "") -> configparser.ConfigParser:
    """The sections of `text`, or of the file at `path`; none if it cannot be read."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text or path.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        parser = configparser.ConfigParser(interpolation=None)
    return parser
