"""Copies of repository files under plain names, so that tools meet contents and nothing else.

A tool that is given copies in a folder of ours cannot pick up a repository's configuration or
modules, cannot be confused by a hostile file name, follows no link, and gets a command line of
bounded length.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrate.adapters.backends.local.repository import SourceFile, decode, read_bytes

#: Limits of one batch; a batch is also the unit in which progress is seen.
BATCH_FILES = 150
BATCH_BYTES = 4_000_000

_PLAIN_SUFFIX = re.compile(r"^\.[a-z0-9]{1,8}$")


@dataclass(frozen=True, slots=True)
class Staged:
    """One copy: `name` inside the staging folder, `file` what it is a copy of."""

    name: str
    file: SourceFile


def batches(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """`files` in order, cut into batches that respect the limits."""
    batch: list[SourceFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) >= BATCH_FILES or size + file.size_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size_bytes
    if batch:
        yield batch


def stage(
    root: Path,
    files: Sequence[SourceFile],
    folder: Path,
    *,
    suffix: Callable[[SourceFile], str],
    as_utf8: bool = False,
) -> tuple[list[Staged], list[SourceFile]]:
    """Copy `files` into an emptied `folder`; give the copies and the files that have gone.

    Args:
        root: the repository.
        files: what to copy.
        folder: private; whatever is in it is removed first.
        suffix: the suffix of a copy's name.
        as_utf8: decode as the file declares and write UTF-8, for tools that read nothing else.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    staged: list[Staged] = []
    gone: list[SourceFile] = []
    for number, file in enumerate(files):
        try:
            data = read_bytes(root, file.path)
        except OSError:
            gone.append(file)
            continue
        if as_utf8:
            data = decode(data).encode("utf-8", "replace")
        name = f"f{number:06d}{suffix(file)}"
        (folder / name).write_bytes(data)
        staged.append(Staged(name, file))
    return staged, gone


def plain_suffix(file: SourceFile) -> str:
    """The file's own suffix if it is a harmless one, else ""."""
    suffix = PurePosixPath(file.path).suffix.lower()
    return suffix if _PLAIN_SUFFIX.match(suffix) else ""
