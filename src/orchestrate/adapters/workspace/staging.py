"""From files in a folder to a tree, through an index that nobody else uses.

Not `git add`: it looks into nested repositories, whose configuration could name programs.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.workspace.git import Git, GitFailure, shown
from orchestrate.errors import RequestError

_GITLINK = b"160000"
#: What running and testing code leaves beside it. An agent that tries out what it wrote leaves it
#: as well, and not every project has git ignore it. Where a project keeps such files, they are in
#: its index, and changes to them count.
LITTER = (
    *("__pycache__/", "*.py[co]", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".hypothesis/"),
    *(".coverage", ".coverage.*", ".tox/", ".nox/", ".venv/", "node_modules/", ".DS_Store"),
)


@dataclass(frozen=True)
class Differences:
    """How files differ from an index; names are relative and in git's bytes.

    `present` are changed and new files, `missing` are gone. `nested` are git repositories in the
    folder that it has no submodule for.
    """

    present: tuple[bytes, ...] = ()
    missing: tuple[bytes, ...] = ()
    nested: tuple[bytes, ...] = ()


def differences(git: Git, left_out: Iterable[str] = ()) -> Differences:
    """Compare the files of `git.work` with `git.index`, which is refreshed. Writes no objects.

    New files that match a pattern in `left_out` do not count, as if they were ignored.
    """
    git.run("update-index", "-q", "--unmerged", "--refresh", ok=(0, 1))
    present: list[bytes] = []
    missing: list[bytes] = []
    nested: list[bytes] = []
    fields = git.names("diff-files", "--raw", "--no-renames", "-z", "--ignore-submodules=all")
    for entry, path in zip(fields[::2], fields[1::2], strict=True):
        _, new_mode, _, _, status = entry.split(b" ")
        if new_mode == _GITLINK:
            nested.append(path)
        (missing if status == b"D" or new_mode == _GITLINK else present).append(path)
    excluded = [f"--exclude={pattern}" for pattern in left_out]
    for path in git.names("ls-files", "-z", "--others", "--exclude-standard", *excluded):
        if path.endswith(b"/"):
            nested.append(path.rstrip(b"/"))
        else:
            present.append(path)
    return Differences(tuple(present), tuple(missing), tuple(nested))


def stage(git: Git, found: Differences, limit_bytes: int) -> None:
    """Bring what differs into `git.index`, and new contents into the object store.

    Raises:
        RequestError: the contents are larger than `limit_bytes` together, or cannot be read.
    """
    _check(git.where, found.present, limit_bytes)
    try:
        if found.missing:
            git.run(
                *("update-index", "-z", "--force-remove", "--stdin"), stdin=_joined(found.missing)
            )
        if found.present:
            # A file that has gone since it was listed is removed rather than an error.
            git.run(
                *("update-index", "-z", "--add", "--replace", "--remove", "--stdin"),
                stdin=_joined(found.present),
            )
    except GitFailure as error:
        raise RequestError(
            f"the files of {git.where} cannot be taken as they are: {error.stderr.strip()}",
            remedy="make them readable, or have git ignore them",
        ) from None


def _check(folder: Path, names: Iterable[bytes], limit_bytes: int) -> None:
    total, largest = 0, (0, b"")
    for name in names:
        try:
            status = os.lstat(os.path.join(os.fsencode(folder), name))  # noqa: PTH118 - bytes
        except OSError:
            continue
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise RequestError(
                f"{shown(name)} in {folder} is neither a file nor a link",
                remedy="remove it; pipes, sockets and devices cannot be committed",
            )
        total += status.st_size
        largest = max(largest, (status.st_size, name))
    if total > limit_bytes:
        raise RequestError(
            f"the changed and new files of {folder} have {total} bytes, more than {limit_bytes};"
            f" the largest is {shown(largest[1])} with {largest[0]}",
            remedy="have git ignore large files that are not part of the work (.gitignore)",
        )


def without(found: Differences, names: Collection[bytes]) -> Differences:
    """The same, `names` left as they are in the index."""
    return Differences(
        tuple(name for name in found.present if name not in names),
        tuple(name for name in found.missing if name not in names),
        found.nested,
    )


def _joined(names: Iterable[bytes]) -> bytes:
    return b"".join(name + b"\0" for name in names)


def unreached(git: Git) -> list[bytes]:
    """Submodules of the index whose folders have files though no repository is there."""
    found = []
    for entry in git.names("ls-files", "-z", "--stage"):
        meta, _, path = entry.partition(b"\t")
        folder = Path(os.fsdecode(os.path.join(os.fsencode(git.where), path)))  # noqa: PTH118
        if meta.startswith(_GITLINK) and not folder.is_symlink() and folder.is_dir():
            names = {one.name for one in folder.iterdir()}
            if names and ".git" not in names:
                found.append(path)
    return found


def copy_index(source: Path, target: Path) -> None:
    """Copy an index with its time, from which git tells what it must compare by contents."""
    shutil.copy2(source, target)
