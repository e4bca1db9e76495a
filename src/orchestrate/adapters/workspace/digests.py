"""Digests of files and folders: kind, mode and contents, or kind, mode, size and time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path


def walk(top: Path, skip: Collection[bytes] = ()) -> Iterator[tuple[bytes, os.stat_result]]:
    """Everything below `top`, folders too (their names end with "/"), in no particular order.

    Names are relative and in the file system's bytes. Links are not followed. Whatever is in
    `skip`, by name, is left out with all below it.

    Raises:
        OSError: a folder cannot be listed: leaving it out would be silent.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        for name, status in _entries(top, folder):
            if name in skip:
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append(name + b"/")
                yield name + b"/", status
            else:
                yield name, status


def _entries(top: Path, folder: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """What is in one folder; what vanishes while we look is not in it."""
    with (
        contextlib.suppress(FileNotFoundError),
        os.scandir(os.fsencode(top) + b"/" + folder) as found,
    ):
        for entry in found:
            with contextlib.suppress(FileNotFoundError):
                yield folder + entry.name, entry.stat(follow_symlinks=False)


def content_digest(path: bytes, status: os.stat_result) -> str:
    """Digest of kind, mode and contents of one entry; a folder's is its mode."""
    mode = status.st_mode
    kind = f"{stat.filemode(mode)}:"
    if stat.S_ISLNK(mode):
        return kind + hashlib.sha256(os.readlink(path)).hexdigest()  # noqa: PTH115 - bytes
    if stat.S_ISREG(mode):
        try:
            with open(path, "rb") as file:
                return kind + hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return f"{kind}unreadable({error.errno}):{stat_digest(status)}"
    return kind + ("" if stat.S_ISDIR(mode) else f"device {status.st_rdev}")


def stat_digest(status: os.stat_result) -> str:
    """Size, times (ns) and mode of one entry; a folder's is its mode, since its time is noise.

    When it was last modified can be set by anybody; when its entry changed, by nobody.
    """
    kind = stat.filemode(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return kind
    return f"{kind}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def folder_digest(top: Path, skip: Collection[bytes] = ()) -> str:
    """One digest of everything below `top`; empty if there is no such folder."""
    if not top.is_dir():
        return ""
    whole = hashlib.sha256()
    for name, status in sorted(walk(top, skip), key=lambda found: found[0]):
        digest = content_digest(os.fsencode(top) + b"/" + name, status)
        whole.update(b"%s\0%s\0" % (name, digest.encode()))
    return whole.hexdigest()
