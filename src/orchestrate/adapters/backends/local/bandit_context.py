"""One of bandit's results with the code around it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from orchestrate.adapters.backends.local.bandit_rules import BanditRule
from orchestrate.adapters.backends.local.python_source import PythonSource, Site
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Confidence, Exposure, Severity


@dataclass(frozen=True, slots=True)
class Result:
    """One result of bandit with the code around it.

    `site` is the node bandit points at (None if it cannot be found), `line_sites` all nodes that
    begin on its line, `entry` the key and value of a dictionary if it points at a key.
    """

    test: str
    level: str
    certainty: str
    rule: BanditRule
    exposure: Exposure
    line: str
    site: Site | None = None
    line_sites: tuple[Site, ...] = ()
    entry: tuple[ast.expr, ast.expr] | None = None

    @property
    def call(self) -> ast.Call | None:
        """The call bandit points at, if it is one."""
        node = self.site.node if self.site else None
        return node if isinstance(node, ast.Call) else None

    @property
    def symbol(self) -> str:
        """The function or class around the result."""
        site = self.site or (self.line_sites[0] if self.line_sites else None)
        return site.symbol if site else ""

    @property
    def words_near(self) -> str:
        """Names that tell what a value is for."""
        return f"{self.symbol} {self.line}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the finding will say. `remark` is a sentence added to the rule's message."""

    severity: Severity
    confidence: Confidence
    remark: str = ""


class SourceIndex:
    """The nodes of one file by where they begin."""

    def __init__(self, source: PythonSource) -> None:
        self._by_line: dict[int, list[Site]] = {}
        self._entries: dict[tuple[int, int], tuple[ast.expr, ast.expr]] = {}
        for site in source.sites():
            line = getattr(site.node, "lineno", None)
            if line is not None:
                self._by_line.setdefault(line, []).append(site)
            if isinstance(site.node, ast.Dict):
                for key, value in zip(site.node.keys, site.node.values, strict=True):
                    if key is not None:
                        self._entries[key.lineno, key.col_offset] = (key, value)

    def entry(self, line: int, column: int) -> tuple[ast.expr, ast.expr] | None:
        """The dictionary entry whose key begins at a place."""
        return self._entries.get((line, column))

    def on_line(self, line: int) -> tuple[Site, ...]:
        """All nodes that begin on `line`, outermost first."""
        return tuple(self._by_line.get(line, ()))

    def at(self, line: int, column: int) -> Site | None:
        """The call beginning at a place (column in bytes from 0), else the innermost node."""
        here = [s for s in self.on_line(line) if getattr(s.node, "col_offset", -1) == column]
        calls = [site for site in here if isinstance(site.node, ast.Call)]
        return calls[0] if calls else (here[-1] if here else None)


def rank(severity: Severity) -> int:
    """Grows with severity; for `min` and `max`."""
    return -SEVERITY_ORDER.index(severity)
