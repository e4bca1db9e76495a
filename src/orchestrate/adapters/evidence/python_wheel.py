"""What a project's own wheel says about it: its modules, its extras, what its build added."""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from email.parser import Parser
from pathlib import Path, PurePosixPath

#: Suffixes of files that a build turns into something else.
_COMPILED_FROM = frozenset(
    {".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".pyx", ".pxd", ".pxi", ".rs", ".f", ".f90", ".f95"}
    | {".proto", ".y", ".l", ".lex", ".toml.in", ".py.in", ".go", ".zig", ".s", ".asm"}
)
_SKIPPED = frozenset({"node_modules", "venv", "build", "dist", "target", "__pycache__"})
#: How deep below the checkout's top an import root is looked for: `src`, `python/src`, `lib3`.
_ROOT_DEPTH = 3


def compiled_sources(checkout: Path) -> Iterator[Path]:
    """Files below `checkout` that a compiled module could be made from."""
    for folder, names, files in os.walk(checkout):
        names[:] = [name for name in names if name not in _SKIPPED and not name.startswith(".")]
        yield from (
            Path(folder, name) for name in files if PurePosixPath(name).suffix in _COMPILED_FROM
        )


def module_files(wheel: Path) -> tuple[str, ...]:
    """Paths in `wheel` that are installed to be imported, sorted; metadata and scripts are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    return tuple(sorted(name for name in names if not _is_metadata(name)))


def extras_of(wheel: Path) -> frozenset[str]:
    """Names of the extras it offers."""
    with zipfile.ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(path).decode("utf-8", "replace")
    return frozenset(Parser().parsestr(text, headersonly=True).get_all("Provides-Extra", ()))


def top_level(files: Iterable[str]) -> tuple[str, ...]:
    """Top-level names one can import from `files`, sorted."""
    found = set()
    for name in files:
        first = PurePosixPath(name).parts[0]
        module = re.match(r"(\w+)(\.(py|pyd|so|[\w-]+\.so|[\w-]+\.pyd))?$", first)
        if module and (module[2] or "/" in name):
            found.add(module[1])
    return tuple(sorted(found))


def import_roots(checkout: Path, files: Iterable[str]) -> tuple[Path, ...]:
    """Folders of `checkout` from which the modules in `files` can be imported, best first.

    For each top-level name the folder that has most of its files: sources need not be where they
    are installed, and there may be several trees to choose from (`lib` and `lib3`).
    """
    wanted: dict[str, list[str]] = {}
    for name in files:
        wanted.setdefault(PurePosixPath(name).parts[0], []).append(name)
    places = list(_folders(checkout, _ROOT_DEPTH))
    scores: Counter[Path] = Counter()
    for first, names in wanted.items():
        candidates = [place for place in places if (place / first).exists()]
        counted = {place: sum((place / name).is_file() for name in names) for place in candidates}
        # Between equals the one nearest to the top, which `places` lists first.
        best = max(candidates, key=lambda place: counted[place], default=None)
        if best is not None and counted[best]:
            scores[best] += counted[best]
    return tuple(place for place, _ in scores.most_common())


def generated_files(wheel: Path, checkout: Path, keep: Path) -> tuple[str, ...]:
    """Unpack into `keep` what of the modules in `wheel` the checkout does not have.

    Returns their paths, as installed. Empty when the project's sources are not found at all.
    """
    files = module_files(wheel)
    roots = import_roots(checkout, files)
    if not roots:
        return ()
    missing = tuple(name for name in files if not any((root / name).is_file() for root in roots))
    with zipfile.ZipFile(wheel) as archive:
        for name in missing:
            archive.extract(name, keep)
    return missing


def remove_installed(venv: Path, wheel: Path) -> None:
    """Take the modules of `wheel` out of the environment; its metadata and scripts stay."""
    with zipfile.ZipFile(wheel) as archive:
        record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    for site in venv.glob("lib*/python*/site-packages"):
        installed = site / record
        if not installed.is_file():
            continue
        rows = csv.reader(installed.read_text("utf-8").splitlines())
        for path in (site / row[0] for row in rows if row):
            inside = path.is_relative_to(site) and ".." not in path.parts
            if inside and not _is_metadata(path.relative_to(site).as_posix()):
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, site)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _is_metadata(name: str) -> bool:
    return PurePosixPath(name).parts[0].endswith((".dist-info", ".data"))


def _folders(top: Path, depth: int) -> Iterator[Path]:
    """`top` and what is below it, nearest first."""
    level = [top]
    for _ in range(depth + 1):
        yield from level
        level = [entry for folder in level for entry in _inner(folder)]


def _inner(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        entry
        for entry in entries
        if entry.name not in _SKIPPED
        and not entry.name.startswith(".")
        and not entry.is_symlink()
        and entry.is_dir()
    ]
