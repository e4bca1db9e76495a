"""Where the tested code was imported from: proof that it was this checkout and no other tree."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from orchestrate.adapters.evidence.environment import Built
from orchestrate.adapters.evidence.python_wheel import import_roots
from orchestrate.adapters.evidence.report_files import read_report

PROBE = Path(__file__).with_name("probe")
PLUGIN = "orchestrate_evidence_probe"
ORIGIN_VARIABLE = "ORCHESTRATE_PROBE"
ROOTS_VARIABLE = "ORCHESTRATE_ROOTS"
PACKAGES_VARIABLE = "ORCHESTRATE_PACKAGES"

#: Top-level names that belong to a project's surroundings; others have them as well, so where they
#: were imported from says nothing.
_SURROUNDINGS = frozenset(
    {"bench", "benchmark", "benchmarks", "demo", "demos", "doc", "docs", "example", "examples"}
    | {"conftest", "fuzz", "test", "testing", "tests", "versioneer"}
    | {"fabfile", "manage", "noxfile", "script", "scripts", "setup", "tasks", "tools"}
)
_NOT_ITS_OWN = _SURROUNDINGS | sys.stdlib_module_names
#: Modules of tests, by the names their runners look for.
_IS_TEST = re.compile(r"test_|\w+_tests?$")
_PLACES = ("", "src")


class Project(msgspec.Struct, frozen=True):
    """What there is to import: top-level `packages`, from `roots` in the checkout."""

    packages: tuple[str, ...]
    roots: tuple[str, ...]


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """`said` is for the evidence. `problem`: other code was tested. `unproven`: none was seen."""

    said: str = ""
    problem: str = ""
    unproven: str = ""


def project_in(folder: Path, built: Built) -> Project:
    """The project in `folder`: as its build says, else as its folders look."""
    if built.modules:
        packages = tuple(name for name in built.packages if name not in _NOT_ITS_OWN)
        return Project(packages, tuple(map(str, import_roots(folder, built.modules))))
    found = [(place, name) for place in _PLACES for name in _modules(folder / place)]
    return Project(
        tuple(sorted({name for _, name in found})),
        tuple(dict.fromkeys(str(folder / place) for place, _ in found)),
    )


def origin(record: Path, checkout: Path, packages: Iterable[str]) -> Origin:
    """Judge what the processes of one run left in the folder `record`.

    A project without packages has nothing to prove. One that has must show at least one process
    that imported it: a suite that never touches the code says nothing about it, and neither does
    one whose processes hid what they imported.
    """
    packages = tuple(packages)
    if not packages:
        return Origin()
    inside: set[Path] = set()
    outside: dict[str, str] = {}
    top = checkout.resolve()
    for folder, module in _records(record):
        if Path(folder).is_relative_to(top):
            inside.add(Path(folder))
        else:
            outside.setdefault(module, folder)
    if outside:
        module, folder = min(outside.items())
        return Origin(
            said=folder,
            problem=f"{module} was imported from {folder} and not from the checkout {top}; an"
            " editable install or a path set by the tests leads there",
        )
    if not inside:
        listed = ", ".join(packages)
        return Origin(unproven=f"no process of it was seen to import {listed} from {top}")
    return Origin(said=str(min(inside, key=lambda path: len(path.parts))))


def path_list(folders: Iterable[str]) -> str:
    """`folders` as one variable; those with the separator in their name cannot be said."""
    return os.pathsep.join(folder for folder in folders if os.pathsep not in folder)


def _records(record: Path) -> Iterator[tuple[str, str]]:
    """Folder and module, for every folder that a process imported the project from."""
    for path in sorted(record.glob("origin-*.json")):
        try:
            found = json.loads(read_report(path) or b"")
        except (ValueError, RecursionError):
            continue  # cut off by the end of its process: it then counts as none
        if isinstance(found, dict):
            yield from ((str(folder), str(module)) for folder, module in found.items())


def _modules(folder: Path) -> Iterator[str]:
    """Top-level names that can be imported from `folder` and are the project's own."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = entry.name.removesuffix(".py")
        if name in _NOT_ITS_OWN or not name.isidentifier() or _IS_TEST.match(name):
            continue
        if entry.name.endswith(".py") or Path(entry.path, "__init__.py").is_file():
            yield name
