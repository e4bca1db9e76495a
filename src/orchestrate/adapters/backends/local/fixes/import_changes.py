"""Imports that come and go with a change.

A new import stands beside the one that gave the flawed call its name, so that it is bound wherever
that is: in the same function, under the same condition. An import that nothing uses any more goes,
unless others may take it from this module (`__init__.py`, `__all__`) or a comment belongs to it.
"""

from __future__ import annotations

import re
from typing import Any

import libcst as cst
from libcst import metadata

from orchestrate.adapters.backends.local.fixes.flaw import Change, NewImport, Refused
from orchestrate.adapters.backends.local.fixes.module_view import (
    ImportNode,
    ModuleView,
    statement_of,
)


class ImportChanges:
    """What becomes of each import statement. Keys are original nodes."""

    def __init__(self, view: ModuleView, change: Change) -> None:
        self.before: dict[cst.BaseStatement, list[cst.SimpleStatementLine]] = {}
        self.after: dict[cst.BaseStatement, list[cst.SimpleStatementLine]] = {}
        self.removed: set[cst.BaseStatement] = set()
        self._view = view
        self._dropped: dict[ImportNode, set[str]] = {}
        self._added: dict[ImportNode, list[str]] = {}
        self._instead: dict[ImportNode, str] = {}
        for assignment in _unused(view, change.released):
            self._dropped.setdefault(statement_of(assignment), set()).add(assignment.name)
        seen: set[tuple[str, str, cst.CSTNode | None]] = set()
        for new in change.imports:
            key = (new.module, new.name, self._home(new.beside))
            if key not in seen:
                seen.add(key)
                self._add(new)
        for node in self._dropped:
            self._remove_if_empty(node)

    def replaced(self, original: ImportNode, node: Any) -> Any:
        """The statement that takes the place of an import."""
        if original in self._instead:
            return _import(self._instead[original], node.semicolon)
        dropped = self._dropped.get(original, set())
        added = list(self._added.get(original, []))
        if not dropped and not added:
            return node
        aliases: list[cst.ImportAlias] = []
        for alias in node.names:
            if _local_name(alias) in dropped and added:
                new = cst.ImportAlias(cst.Name(added.pop(0)), comma=alias.comma)
                aliases.append(new)
            elif _local_name(alias) not in dropped:
                aliases.append(alias)
        for name in added:
            aliases = _appended(aliases, name)
        if not aliases:  # its statement is removed as a whole, or has to stay
            return node
        last = node.names[-1]
        if isinstance(node, cst.Import) or not node.lpar:
            aliases[-1] = aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        elif aliases[-1] is not last:
            aliases[-1] = aliases[-1].with_changes(comma=last.comma)
        return node.with_changes(names=aliases)

    def _add(self, new: NewImport) -> None:
        if new.name:
            self._added.setdefault(new.beside, []).append(new.name)
        elif self._all_dropped(new.beside) and new.beside not in self._instead:
            self._instead[new.beside] = new.module
        else:
            self._insert(new)

    def _insert(self, new: NewImport) -> None:
        """A line of its own, at its place in the run of plain imports around."""
        line = self._view.parents[new.beside]
        if not isinstance(line, cst.SimpleStatementLine):
            raise Refused("its import shares a line with other code")
        statement = cst.SimpleStatementLine([_import(new.module)])
        run = self._run(line)
        earlier = [each for each in run if _plain_module(each) < new.module]
        if earlier or line not in run:
            self.after.setdefault(earlier[-1] if earlier else line, []).append(statement)
        else:
            self.before.setdefault(run[0], []).append(statement)

    def _run(self, line: cst.SimpleStatementLine) -> list[cst.SimpleStatementLine]:
        """The plain imports directly above and below `line`, itself included if it is one."""
        if not _plain_module(line):
            return []
        body = list(getattr(self._view.parents[line], "body", ()))
        first = last = body.index(line)
        while first and _plain_module(body[first - 1]) and not body[first].leading_lines:
            first -= 1
        while (
            last + 1 < len(body)
            and _plain_module(body[last + 1])
            and not body[last + 1].leading_lines
        ):
            last += 1
        return body[first : last + 1]

    def _home(self, node: ImportNode) -> cst.CSTNode | None:
        """The block an import stands in: two flaws of one block share their new import."""
        line = self._view.parents.get(node)
        return self._view.parents.get(line) if line is not None else None

    def _all_dropped(self, node: ImportNode) -> bool:
        if isinstance(node.names, cst.ImportStar):
            return False
        dropped = self._dropped.get(node, set())
        return {_local_name(alias) for alias in node.names} <= dropped

    def _remove_if_empty(self, node: ImportNode) -> None:
        if not self._all_dropped(node) or node in self._instead or self._added.get(node):
            return
        line = self._view.parents[node]
        block = self._view.parents.get(line)
        alone = len(getattr(block, "body", ())) < 2
        inside_try = isinstance(self._view.parents.get(block) if block else None, cst.Try)
        if isinstance(line, cst.SimpleStatementLine) and not alone and not inside_try:
            commented = any(each.comment for each in line.leading_lines)
            if len(line.body) == 1 and not commented and not line.trailing_whitespace.comment:
                self.removed.add(line)


def _unused(view: ModuleView, released: set[cst.Name]) -> list[metadata.ImportAssignment]:
    """Imports whose every use is among `released`."""
    found: list[metadata.ImportAssignment] = []
    kept = view.path.endswith("__init__.py")
    exported = (
        set(re.findall(r"""["'](\w+)["']""", view.module.code))
        if ("__all__" in view.module.code)
        else set()
    )
    for name in released:
        for assignment in view.assignments(name, name.value):
            if not isinstance(assignment, metadata.ImportAssignment) or assignment in found:
                continue
            uses = {_first_name(access.node) for access in assignment.references}
            if uses <= released and not kept and assignment.name not in exported:
                found.append(assignment)
    return found


def _first_name(node: cst.CSTNode) -> cst.CSTNode:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


def _local_name(alias: cst.ImportAlias) -> str:
    return alias.evaluated_alias or alias.evaluated_name


def _plain_module(line: cst.CSTNode) -> str:
    """The module of a line that is `import module` and nothing else, else ""."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return ""
    node = line.body[0]
    if not isinstance(node, cst.Import) or len(node.names) != 1:
        return ""
    return node.names[0].evaluated_name


def _import(
    module: str, semicolon: cst.Semicolon | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
) -> cst.Import:
    return cst.Import([cst.ImportAlias(cst.Name(module))], semicolon=semicolon)


def _appended(aliases: list[cst.ImportAlias], name: str) -> list[cst.ImportAlias]:
    """`aliases` with one more at the end, laid out like the others."""
    if not aliases:
        return [cst.ImportAlias(cst.Name(name))]
    last = aliases[-1]
    gap = (
        aliases[-2].comma
        if len(aliases) > 1
        else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    )
    return [
        *aliases[:-1],
        last.with_changes(comma=gap),
        cst.ImportAlias(cst.Name(name), comma=last.comma),
    ]
