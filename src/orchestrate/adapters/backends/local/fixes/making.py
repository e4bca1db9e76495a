"""Working out one fix: the new bytes of every file, and the test. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.backends.local.fixes import pins
from orchestrate.adapters.backends.local.fixes.code_fix import BY_NAME, fix_code
from orchestrate.adapters.backends.local.fixes.flaw import Refused
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Unchangeable
from orchestrate.adapters.backends.local.fixes.pin_proof import pin_test
from orchestrate.adapters.backends.local.fixes.proof import code_test
from orchestrate.adapters.backends.local.fixes.python_versions import oldest_python
from orchestrate.adapters.backends.local.repository import disk_name, read_bytes, survey

_UNCOMMITTED = "the flaw is not in the base commit: is the code that was scanned committed?"


@dataclass(frozen=True, slots=True)
class FixedFile:
    """One file before and after."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class MadeFix:
    """A fix ready to be written. `count` are flaws removed, `left` flaws of the kind that stay;
    `notes` say what behaves differently."""

    files: tuple[FixedFile, ...]
    test: str
    count: int
    left: int
    notes: tuple[str, ...]


def make_fix(workspace: Path, item: FixItem) -> MadeFix:
    """The fix as it is made on the files in `workspace`.

    Raises:
        Refused: the flaw is not there, or must not be touched as it stands there.
    """
    if item.test and (workspace / disk_name(item.test)).exists():
        raise Refused(f"{item.test} exists already")
    if item.codemod == pins.NAME:
        return _raise_pin(workspace, item)
    codemod = BY_NAME.get(item.codemod)
    if codemod is None:
        raise Refused(f"there is no codemod {item.codemod!r}")
    data = _read(workspace, item.path)
    try:
        view = ModuleView(item.path, data, oldest_python(workspace))
    except Unchangeable as error:
        raise Refused(str(error)) from None
    fix = fix_code(codemod, view, data, item.symbol, frozenset(item.calls.split()))
    files = (FixedFile(item.path, fix.before, fix.after),)
    test = code_test(item, codemod, fix.left)
    return MadeFix(files, test, len(fix.flaws), len(fix.left), fix.notes)


def _raise_pin(workspace: Path, item: FixItem) -> MadeFix:
    texts = [file.path for file in survey(workspace).texts]
    found = pins.pinning_files(workspace, texts, item.package, item.version)
    if item.path not in found:
        raise Refused(_UNCOMMITTED)
    changed = pins.raise_pins(found, item.package, item.version, item.fixed)
    files = tuple(FixedFile(path, found[path], changed[path]) for path in found)
    notes = (f"behaviour: {item.package} {item.fixed} is installed instead of {item.version}",)
    return MadeFix(files, pin_test(item, found), len(files), 0, notes)


def _read(workspace: Path, path: str) -> bytes:
    try:
        return read_bytes(workspace, path)
    except FileNotFoundError:
        raise Refused(_UNCOMMITTED) from None
    except OSError as error:
        raise Refused(f"the file cannot be read: {error.strerror or error}") from None
