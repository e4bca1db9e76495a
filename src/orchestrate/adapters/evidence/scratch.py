"""Folders that are there while a check runs, and gone afterwards whatever it left in them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: In a record: where the temporary folder of its running check is, so that the next one finds what
#: a crash left there.
POINTER = "scratch.path"
_PREFIX = "orchestrate-check-"


@contextlib.contextmanager
def temporary_home(record: Path) -> Iterator[Path]:
    """A folder with an empty `home` and `tmp` in it, for one run; removed in the end.

    It is in the system's temporary folder and not in `record`: tests make sockets below TMPDIR,
    whose paths must not exceed 107 bytes (unix(7)).
    """
    clear(record)
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{secrets.token_hex(5)}"
    (record / POINTER).write_text(str(folder), "utf-8", "surrogateescape")
    folder.mkdir(mode=0o700)
    try:
        for name in ("home", "tmp"):
            (folder / name).mkdir(mode=0o700)
        yield folder
    finally:
        # What cannot be removed must not cost the evidence; the next check here tries again.
        with contextlib.suppress(OSError):
            clear(record)


def clear(record: Path) -> None:
    """Remove the temporary folder that `record` points to, if there is one.

    Raises:
        OSError: something of it cannot be removed.
    """
    pointer = record / POINTER
    try:
        folder = Path(pointer.read_text("utf-8", "surrogateescape"))
    except OSError:
        return
    # The pointer is in a folder of ours, and still: nothing else is ever removed.
    if folder.name.startswith(_PREFIX) and folder.parent == Path(tempfile.gettempdir()):
        remove_tree(folder)
    pointer.unlink()


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """An empty folder at `path`, for the owner only; removed with all it holds in the end."""
    remove_tree(path)
    path.mkdir(mode=0o700, parents=True)
    try:
        yield path
    finally:
        remove_tree(path)


def remove_tree(path: Path) -> None:
    """Remove `path` and what is below it, also where permissions were taken away.

    Links are not followed. Does nothing if there is nothing.

    Raises:
        OSError: something of it cannot be removed.
    """
    if not os.path.lexists(path):
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(path)
        return
    for folder, names, _ in os.walk(path):
        _allow(Path(folder))
        for name in names:
            _allow(Path(folder, name))
    shutil.rmtree(path)


def _allow(folder: Path) -> None:
    with contextlib.suppress(OSError):
        if not folder.is_symlink():
            folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
