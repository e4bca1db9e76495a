"""The core is pure: what it may import and call is listed here, everything else is refused.

The layer contracts are in pyproject.toml; import-linter cannot see calls, nor modules of the
standard library one by one.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "orchestrate" / "core"
SOURCES = sorted(CORE.rglob("*.py"))

VENDORS = {"msgspec", "immutables"}
# Modules of the standard library whose results depend on their arguments alone.
PURE_STDLIB = {
    "__future__",
    "abc",
    "ast",
    "base64",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "graphlib",
    "hashlib",
    "heapq",
    "html",
    "itertools",
    "json",
    "keyword",
    "math",
    "operator",
    "posixpath",
    "re",
    "statistics",
    "string",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
}
# Calls that read a clock or the world, or write to it, though no import gives them away. `hash`
# of a text differs from process to process, and `id` from object to object; only `__hash__`, which
# promises no more than that, may use it.
IMPURE_BUILTINS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "hash", "id"}
IMPURE_METHODS = {"now", "utcnow", "today", "fromtimestamp", "astimezone"}


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def _impurities(source: str) -> list[str]:
    """Imports and calls the core must not have, each as `line: what`."""
    tree = ast.parse(source)
    found = [
        f"{line}: import of {name}"
        for line, name in _imported(tree)
        if name.split(".")[0] not in PURE_STDLIB | VENDORS
        and not name.startswith(("orchestrate.core", "orchestrate.errors"))
    ]
    hashing = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node in hashing:
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in IMPURE_BUILTINS:
            found.append(f"{node.lineno}: call of {called.id}()")
        elif (
            isinstance(called, ast.Attribute)
            and called.attr in IMPURE_METHODS
            and re.search(r"\b(datetime|date)$", ast.unparse(called.value))
        ):
            found.append(f"{node.lineno}: call of {ast.unparse(called)}()")
    return found


def test_core_has_sources() -> None:
    assert CORE / "ids.py" in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(CORE).as_posix())
def test_module_of_the_core_is_pure(path: Path) -> None:
    assert _impurities(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import random",
        "from os import environ",
        "import io",
        "from pathlib import Path",
        "import subprocess",
        "import socket, math",
        "import sqlite3",
        "import asyncio",
        "def late():\n    import uuid",
        "from orchestrate.ports.clock import Clock",
        "from . import ids",
        "from datetime import datetime\nnoted = datetime.now()",
        "import datetime\nnoted = datetime.datetime.now(datetime.UTC)",
        "import datetime\nnoted = datetime.date.today()",
        "text = open('file')",
        "order = hash('task')",
    ],
)
def test_impure_source_is_noticed(source: str) -> None:
    assert len(_impurities(source)) == 1


def test_every_dependency_is_forbidden_to_the_core_or_allowed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    forbidden = {
        module
        for contract in contracts
        if contract["id"] == "vendors"
        for module in contract["forbidden_modules"]
    }
    modules = defaultdict(set)
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules[canonicalize_name(distribution)].add(module)
    unnamed = [
        requirement
        for requirement in settings["project"]["dependencies"]
        if not modules[canonicalize_name(Requirement(requirement).name)] & (forbidden | VENDORS)
    ]
    assert unnamed == []
