"""The codemods for Python code, and making one fix in a file."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from orchestrate.adapters.backends.local.fixes import shell, temp_file, tls, weak_hash, yaml_load
from orchestrate.adapters.backends.local.fixes.flaw import Codemod, Flaw, Refused
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Unchangeable
from orchestrate.adapters.backends.local.fixes.rewrite import rewritten

CODEMODS: tuple[Codemod, ...] = (
    yaml_load.CODEMOD,
    weak_hash.CODEMOD,
    temp_file.CODEMOD,
    tls.CODEMOD,
    shell.CODEMOD,
)
BY_NAME: dict[str, Codemod] = {codemod.name: codemod for codemod in CODEMODS}


@dataclass(frozen=True, slots=True)
class CodeFix:
    """A file before and after. `flaws` are those removed, `left` those of the same symbol and kind
    that stay; `notes` say what behaves differently."""

    before: bytes
    after: bytes
    flaws: tuple[Flaw, ...]
    left: tuple[Flaw, ...]
    notes: tuple[str, ...]


def fix_code(
    codemod: Codemod, view: ModuleView, data: bytes, symbol: str, calls: Collection[str]
) -> CodeFix:
    """Remove the flaws with the digests `calls` from `symbol`.

    Raises:
        Refused: none is there, one must not be touched, or the outcome is not what was meant.
    """
    here = [flaw for flaw in codemod.find(view) if flaw.symbol == symbol]
    wanted = [flaw for flaw in here if flaw.digest in calls and flaw.change is not None]
    left = tuple(flaw for flaw in here if flaw not in wanted)
    if not wanted:
        refused = [flaw.refusal for flaw in here if flaw.digest in calls]
        if refused:
            raise Refused(refused[0])
        raise Refused("the flaw is not in the base commit: is the code that was scanned committed?")
    changes = [flaw.change for flaw in wanted if flaw.change is not None]
    after = rewritten(view, changes)
    _check(codemod, view, after, symbol, left)
    notes = tuple(dict.fromkeys(note for change in changes for note in change.notes))
    return CodeFix(data, after, tuple(wanted), left, notes)


def _check(
    codemod: Codemod, view: ModuleView, after: bytes, symbol: str, left: tuple[Flaw, ...]
) -> None:
    """The new text is Python and has the flaws it should still have, no more and no fewer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(after)
        again = ModuleView(view.path, after, view.oldest)
    except (SyntaxError, ValueError, Unchangeable) as error:
        raise Refused(f"the fixed file would not be Python any more: {error}") from None
    remaining = sorted(flaw.digest for flaw in codemod.find(again) if flaw.symbol == symbol)
    if remaining != sorted(flaw.digest for flaw in left):
        raise Refused("the flaw would still be there after the fix")
