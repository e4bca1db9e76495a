"""YAML read with a loader that builds any object: have it read plain data only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from orchestrate.adapters.backends.local.fixes.arguments import argument, has_spread, is_name
from orchestrate.adapters.backends.local.fixes.flaw import (
    Change,
    Codemod,
    Flaw,
    Refused,
    flaw_at,
)
from orchestrate.adapters.backends.local.fixes.import_names import sibling
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Reference

_SAFE_CALL = {
    "yaml.load": "safe_load",
    "yaml.load_all": "safe_load_all",
    "yaml.full_load": "safe_load",
    "yaml.full_load_all": "safe_load_all",
    "yaml.unsafe_load": "safe_load",
    "yaml.unsafe_load_all": "safe_load_all",
}
_SAFE_LOADER = {
    "yaml.Loader": "SafeLoader",
    "yaml.FullLoader": "SafeLoader",
    "yaml.UnsafeLoader": "SafeLoader",
    "yaml.CLoader": "CSafeLoader",
    "yaml.CFullLoader": "CSafeLoader",
    "yaml.CUnsafeLoader": "CSafeLoader",
}
_SAFE = {"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"}
_NOTE = (
    "documents that name Python objects (`!!python/…`) now raise yaml.constructor.ConstructorError"
)


def find(view: ModuleView) -> Iterator[Flaw]:
    """Calls that load YAML with anything but a safe loader."""
    for call in view.calls:
        called = view.refers(call.func)
        if called is not None and called.name in _SAFE_CALL and not _is_safe(view, call, called):
            yield flaw_at(view, call, partial(_fix, view, call, called))


def _is_safe(view: ModuleView, call: cst.Call, called: Reference) -> bool:
    if called.name not in {"yaml.load", "yaml.load_all"}:
        return False
    loader = _loader(call)
    chosen = view.refers(loader.value) if loader is not None else None
    return chosen is not None and chosen.name in _SAFE


def _loader(call: cst.Call) -> cst.Arg | None:
    return argument(call, 1, "Loader")


def _fix(view: ModuleView, call: cst.Call, called: Reference, change: Change) -> None:
    if called.indirect:
        raise Refused("the loading function is called through a variable")
    if has_spread(call):
        raise Refused("arguments passed on with * or ** may choose the loader")
    chooses = called.name in {"yaml.load", "yaml.load_all"}
    loader = _loader(call) if chooses else None
    if loader is None or is_name(loader.value, "None"):
        if loader is not None:
            raise Refused("its loader is None, which PyYAML releases understand differently")
        sibling(view, call.func, _SAFE_CALL[called.name], change)
    else:
        chosen = view.refers(loader.value)
        if chosen is None or chosen.name not in _SAFE_LOADER:
            raise Refused("what its own loader class allows cannot be told here")
        if chosen.indirect:
            raise Refused("the loader is chosen through a variable")
        sibling(view, loader.value, _SAFE_LOADER[chosen.name], change)
    change.notes.append(f"behaviour: {_NOTE}")


CODEMOD = Codemod(
    name="yaml-safe-load",
    title="Load YAML as plain data",
    rules=frozenset({"ORC-SEC-202", "ORC-PY-202"}),
    watched=("yaml",),
    find=find,
)
