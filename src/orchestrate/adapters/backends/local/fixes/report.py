"""What a fix says of itself: the file `fix.json`."""

from __future__ import annotations

import difflib

import msgspec

from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.making import FixedFile, MadeFix
from orchestrate.adapters.backends.local.repository import decode
from orchestrate.core.sharing.work import Proof


class FixReport(msgspec.Struct, frozen=True):
    """One fix as it was made. `diff` is unified, of the changed files without the test; `before`
    and `after` are the lines that differ. `test` is "" where the project has no tests."""

    key: str
    title: str
    rule: str
    rules: tuple[str, ...]
    fingerprints: tuple[str, ...]
    codemod: str
    path: str
    symbol: str
    files: tuple[str, ...]
    diff: str
    before: str
    after: str
    test: str
    proof: tuple[str, ...]
    notes: tuple[str, ...]


def fix_report(item: FixItem, made: MadeFix, proof: Proof) -> FixReport:
    """The report of `made`."""
    before, after = _snippets(made.files[0])
    return FixReport(
        key=item.key,
        title=item.title,
        rule=item.rule,
        rules=tuple(item.rules.split()),
        fingerprints=tuple(item.fingerprints.split()),
        codemod=item.codemod,
        path=item.path,
        symbol=item.symbol,
        files=tuple(file.path for file in made.files),
        diff="".join(_diff(file) for file in made.files),
        before=before,
        after=after,
        test=item.test,
        proof=proof.argv,
        notes=made.notes,
    )


def _diff(file: FixedFile) -> str:
    old, new = (decode(data).split("\n") for data in (file.before, file.after))
    lines = difflib.unified_diff(old, new, f"a/{file.path}", f"b/{file.path}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _snippets(file: FixedFile) -> tuple[str, str]:
    old, new = (decode(data).split("\n") for data in (file.before, file.after))
    changed = [
        block
        for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if block[0] != "equal"
    ]
    before = [line for _, first, last, _, _ in changed for line in old[first:last]]
    after = [line for _, _, _, first, last in changed for line in new[first:last]]
    return "\n".join(before), "\n".join(after)
