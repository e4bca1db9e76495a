"""Dead code, found with vulture.

Vulture compares the names a program defines with the names it uses anywhere, so it must see all
files before it can say anything; only names are kept, not texts. It states a confidence:

- 100 % unreachable code and parameters never used, 90 % imports: reported, except that an unused
  parameter is often required by an interface and an import may be there for others to use;
- 60 % functions, classes, methods, attributes and variables: a public one may be used by programs
  we do not see, so only names with a leading underscore are reported.

Tests are used for what they use, but of their own dead code only unreachable code is reported.
"""

from __future__ import annotations

import ast
import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrate.adapters.backends.local.python_source import PythonSource
from orchestrate.adapters.backends.local.python_values import text_of
from orchestrate.adapters.backends.local.rule import Hit, Lines, Rule, RuleSet
from orchestrate.core.sharing.findings import Exposure

UNREACHABLE = Rule(
    "ORC-PY-811",
    "Code that is never reached",
    561,
    "low",
    "high",
    "Remove it, or repair the condition above it.",
    category="dead-code",
    remarks="info in tests",
)
UNUSED_IMPORT = Rule(
    "ORC-PY-812",
    "Import that is never used",
    561,
    "info",
    "medium",
    "Remove it, or list the name in __all__ if it is there for others.",
    category="dead-code",
)
UNUSED_NAME = Rule(
    "ORC-PY-813",
    "Private function, class or variable that is never used",
    561,
    "info",
    "medium",
    "Remove it.",
    category="dead-code",
)
UNUSED_PARAMETER = Rule(
    "ORC-PY-814",
    "Parameter that is never used",
    563,
    "info",
    "low",
    "Remove it, or start its name with an underscore if an interface requires it.",
    category="dead-code",
)

RULES = RuleSet(rules=(UNREACHABLE, UNUSED_IMPORT, UNUSED_NAME, UNUSED_PARAMETER))

#: Vulture looks for test folders in absolute paths. A fixed root keeps its answer independent of
#: where the repository lies.
_ROOT = "/repository/"
#: A shorter beginning, such as a lone underscore, would excuse everything.
_LEAST_PREFIX = 3


def vulture_version() -> str:
    """The installed vulture's version. Raises ImportError when there is none."""
    import vulture

    return str(vulture.__version__)


class DeadCode:
    """Collects definitions and uses file by file, then says what is unused."""

    def __init__(self) -> None:
        from vulture import Vulture

        self._vulture: Any = Vulture()
        self._probes: set[tuple[str, int]] = set()
        self._exposures: dict[str, Exposure] = {}
        self._prefixes: set[str] = set()

    def add(self, source: PythonSource, exposure: Exposure) -> None:
        """Take in one file that parses."""
        self._exposures[source.path] = exposure
        self._prefixes.update(_dynamic_prefixes(source))
        self._probes.update((source.path, line) for line in _availability_probes(source.tree))
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            self._vulture.scan(source.text, filename=Path(_ROOT + source.path))

    def findings(self) -> Iterator[tuple[str, Hit]]:
        """What no file uses, with its path, ordered by path and line."""
        found = []
        for item in self._vulture.get_unused_code(min_confidence=60):
            path = str(item.filename).removeprefix(_ROOT)
            hit = self._judge(item, path)
            if hit is not None:
                found.append((path, item.first_lineno, item.name, hit))
        found.sort(key=lambda entry: entry[:3])
        for path, _, _, hit in found:
            yield path, hit

    def _judge(self, item: Any, path: str) -> Hit | None:
        in_test = self._exposures.get(path) in {"test", "docs", "example"}
        node = Lines(item.first_lineno, item.last_lineno)
        if item.typ == "unreachable_code":
            message = f"{item.message.capitalize()}."
            return Hit(UNREACHABLE, node, message, "info" if in_test else None)
        if in_test:
            return None
        if item.typ == "import":
            if (path, item.first_lineno) in self._probes:
                return None
            return Hit(UNUSED_IMPORT, node, f"{item.name!r} is imported and not used.")
        if item.confidence == 100:
            return Hit(UNUSED_PARAMETER, node, f"The parameter {item.name!r} is not used.")
        if item.name.startswith(tuple(self._prefixes)):
            return None
        if item.name.startswith("_") and not item.name.startswith("__"):
            return Hit(UNUSED_NAME, node, f"The {item.typ} {item.name!r} is not used anywhere.")
        return None


def _dynamic_prefixes(source: PythonSource) -> Iterator[str]:
    """Beginnings of names that are looked up by `getattr(x, "_process_" + kind)`."""
    for site in source.sites():
        if site.called == "builtins.getattr" and len(site.call.args) >= 2:
            text = text_of(site.call.args[1], site.scope) or ""
            prefix, varies, _ = text.partition("{}")
            if varies and len(prefix) >= _LEAST_PREFIX:
                yield prefix


def _availability_probes(tree: ast.AST) -> Iterator[int]:
    """Lines of imports inside `try`, which find out whether something is there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            for statement in node.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    yield statement.lineno
            for handler in node.handlers:
                for statement in handler.body:
                    if isinstance(statement, ast.Import | ast.ImportFrom):
                        yield statement.lineno
