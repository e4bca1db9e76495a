"""What a run left in its folder beside the log, and taking it away when nobody needs it any more.

Transcripts, requests, artifacts and the conversations of agents lie in the entries named in
`CONTENTS`. What stays: the lock that says who drives the run, what the audit compares with, and a
patch, which is the run's result where there is no git.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from orchestrate.adapters.system.durable_file import write_durably

#: Entries of a run's folder that `purge` removes.
CONTENTS = ("attempts", "evidence", "gates", "sessions", "reused", "driver.log")
MARK_FILE = "purged.json"


class Purged(msgspec.Struct, frozen=True):
    """That a run's folder was emptied: when (Unix seconds), by whom, and what that freed."""

    at: float
    by: str
    freed_bytes: int


def contents_bytes(folder: Path) -> int:
    """Bytes of everything in `folder` that purging it removes."""
    return sum(_size_bytes(folder / name) for name in CONTENTS)


def purge(folder: Path, *, at: float, by: str) -> int:
    """Remove a run's transcripts and artifacts, and leave a note that it was done.

    The note is on disk before anything is removed, so nothing is ever missing without one. May be
    called again after a crash.

    Returns:
        the bytes freed.

    Raises:
        OSError: something cannot be removed.
    """
    freed = contents_bytes(folder)
    before = purged(folder)
    note = Purged(at, by, freed + (before.freed_bytes if before is not None else 0))
    write_durably(str(folder / MARK_FILE), msgspec.json.encode(note))
    for name in CONTENTS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return freed


def purged(folder: Path) -> Purged | None:
    """When and by whom the folder was emptied; None if it never was."""
    try:
        return msgspec.json.decode((folder / MARK_FILE).read_bytes(), type=Purged)
    except (OSError, msgspec.DecodeError):
        return None


def _size_bytes(path: Path) -> int:
    try:
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size
    except OSError:
        return 0
    total = 0
    for top, _, names in os.walk(path):
        for name in names:
            try:
                total += Path(top, name).lstat().st_size
            except OSError:
                continue
    return total
