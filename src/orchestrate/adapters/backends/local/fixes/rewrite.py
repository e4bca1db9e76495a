"""Applying changes to a module: everything that no change names comes out byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import libcst as cst

from orchestrate.adapters.backends.local.fixes.flaw import Change
from orchestrate.adapters.backends.local.fixes.import_changes import ImportChanges
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView


def rewritten(view: ModuleView, changes: Iterable[Change]) -> bytes:
    """The module's bytes with `changes` made, in its own encoding and with its own line ends."""
    whole = Change()
    for change in changes:
        for node, edit in change.edits.items():
            whole.replace(node, edit)
        whole.before.update(change.before)
        whole.after.update(change.after)
        whole.imports += change.imports
        whole.released |= change.released
    imports = ImportChanges(view, whole)
    module = view.module.visit(_Rewriter(whole, imports))
    return module.bytes


class _Rewriter(cst.CSTTransformer):
    """Applies edits by original node, innermost first."""

    def __init__(self, change: Change, imports: ImportChanges) -> None:
        super().__init__()
        self._change = change
        self._imports = imports

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """The node that takes the place of `original_node`."""
        node: Any = super().on_leave(original_node, updated_node)
        edit = self._change.edits.get(original_node)
        if edit is not None:
            node = edit(node)
        if isinstance(original_node, cst.Import | cst.ImportFrom):
            node = self._imports.replaced(original_node, node)
        if isinstance(original_node, cst.BaseStatement):
            return self._surrounded(original_node, node)
        return node

    def _surrounded(self, original: cst.BaseStatement, node: Any) -> Any:
        if original in self._imports.removed:
            return cst.RemoveFromParent()
        before = self._change.before.get(original, []) + self._imports.before.get(original, [])
        after = self._imports.after.get(original, []) + self._change.after.get(original, [])
        if not before and not after:
            return node
        if before:
            before = [before[0].with_changes(leading_lines=node.leading_lines), *before[1:]]
            node = node.with_changes(leading_lines=())
        return cst.FlattenSentinel([*before, cast(cst.BaseStatement, node), *after])
