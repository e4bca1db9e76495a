"""Files named in `.worktreeinclude`: what git ignores but a workspace needs, such as `.env`.

The file has the syntax of `.gitignore`. They are copied, never linked, and may be secrets: no
commit, snapshot or list of changes contains them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from orchestrate.adapters.workspace.git import shown
from orchestrate.adapters.workspace.store import Store
from orchestrate.adapters.workspace.user_tree import UserTree
from orchestrate.errors import RequestError

NAME = ".worktreeinclude"
#: Linux: the ioctl FICLONE, which shares the blocks of two files until one is written.
_SHARE_BLOCKS = 0x40049409


def included(tree: UserTree, store: Store) -> tuple[bytes, ...]:
    """Names of files that the list matches and git ignores, relative to the user's folder."""
    if not (tree.root / NAME).is_file():
        return ()
    with tree.view(store) as git:
        matched = git.names(
            "ls-files", "-z", "--others", "--ignored", f"--exclude-from={tree.root / NAME}"
        )
        candidates = [name for name in matched if not name.endswith(b"/")]
        # Every name starts with a folder, since a colon in front would mean something to git.
        output = git.run(
            *("check-ignore", "-z", "--stdin"),
            stdin=b"".join(b"./%s\0" % name for name in candidates),
            ok=(0, 1),
            env={"GIT_LITERAL_PATHSPECS": None},  # which this command does not know
        )
    return tuple(name.removeprefix(b"./") for name in output.split(b"\0") if name)


def copy_included(names: Iterable[bytes], root: Path, work: Path) -> None:
    """Copy files of `root` into `work`; a link is copied as a link.

    Raises:
        RequestError: a folder of one of them is a link in the workspace, so that writing there
            would leave it.
    """
    for name in names:
        source, target = root / os.fsdecode(name), work / os.fsdecode(name)
        _require_folders(work, target, name)
        with contextlib.suppress(FileNotFoundError):  # the user has removed it meanwhile
            _copy(source, target)


def _require_folders(work: Path, target: Path, name: bytes) -> None:
    for folder in reversed(target.parents):
        if not folder.is_relative_to(work) or folder == work:
            continue
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise RequestError(
                f"{shown(name)} of {NAME} cannot be copied: {folder.relative_to(work)} is no"
                " folder in the commit that the workspace starts from",
                remedy=f"remove the line from {NAME}, or commit the folder",
            )
        folder.mkdir(exist_ok=True)


def _copy(source: Path, target: Path) -> None:
    status = source.lstat()
    target.unlink(missing_ok=True)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(source.readlink())
    elif stat.S_ISREG(status.st_mode):
        if not _shares_blocks(source, target):
            shutil.copyfile(source, target, follow_symlinks=False)
        shutil.copystat(source, target, follow_symlinks=False)


def _shares_blocks(source: Path, target: Path) -> bool:
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new.fileno(), _SHARE_BLOCKS, old.fileno())
        except OSError:  # another file system, or one that cannot
            return False
    return True
