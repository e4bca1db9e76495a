"""The oldest Python a project says it runs on."""

from __future__ import annotations

import ast
import configparser
import tomllib
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from orchestrate.adapters.backends.local.manifests.toml_files import poetry_specifier
from orchestrate.adapters.backends.local.repository import decode, read_bytes

_KNOWN = ((2, 7), *((3, minor) for minor in range(40)))


def oldest_python(root: Path) -> tuple[int, int] | None:
    """The lowest version the project at `root` allows; None if it says nothing that can be read."""
    for said in (_pyproject(root), _setup_cfg(root), _setup_py(root)):
        if said:
            try:
                allowed = SpecifierSet(said)
            except InvalidSpecifier:
                return None
            return next((each for each in _KNOWN if _allows(allowed, each)), None)
    return None


def _allows(allowed: SpecifierSet, version: tuple[int, int]) -> bool:
    major, minor = version
    return any(allowed.contains(f"{major}.{minor}.{patch}") for patch in (0, 99))


def _pyproject(root: Path) -> str:
    try:
        data: Any = tomllib.loads(_text(root, "pyproject.toml"))
        stated = data.get("project", {}).get("requires-python", "")
        if stated:
            return str(stated)
        needs = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
        return poetry_specifier(str(needs.get("python", ""))) or ""
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""


def _setup_cfg(root: Path) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(root, "setup.cfg"))
    except configparser.Error:
        return ""
    return parser.get("options", "python_requires", fallback="").strip()


def _setup_py(root: Path) -> str:
    try:
        tree = ast.parse(_text(root, "setup.py"))
    except (SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "python_requires":
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
    return ""


def _text(root: Path, path: str) -> str:
    try:
        return decode(read_bytes(root, path))
    except OSError:
        return ""
