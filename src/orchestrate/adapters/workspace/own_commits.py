"""Commits that an attempt made itself, in a git folder that it may have filled with anything.

Nothing in that folder is believed and no git command runs on it: its HEAD is read as text, its
objects are read through a git folder of ours, and they are checked again, one by one, when they
are taken over.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from orchestrate.adapters.workspace.git import GitFailure, shown
from orchestrate.adapters.workspace.skeleton import has_object_store
from orchestrate.adapters.workspace.store import Store
from orchestrate.errors import RequestError

_ID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH = re.compile(rb"refs/heads/[^\x00-\x20~^:?*\[\\\x7f]+")
_MOST_REFS_BYTES = 16 * 1024 * 1024


def own_head(git_dir: Path) -> str:
    """The commit that HEAD of an attempt's git folder names; empty if it names none.

    A folder that is gone, replaced by a link or a file, or not readable as git's, names none: then
    the files alone are the work.
    """
    if not has_object_store(git_dir):
        return ""
    head = _small_file(git_dir, b"HEAD", 4096).strip()
    if _ID.fullmatch(head):
        return head.decode()
    branch = head.removeprefix(b"ref: ").strip()
    if not _BRANCH.fullmatch(branch) or b".." in branch:
        return ""
    loose = _small_file(git_dir, branch, 4096).strip()
    if _ID.fullmatch(loose):
        return loose.decode()
    for line in _small_file(git_dir, b"packed-refs", _MOST_REFS_BYTES).splitlines():
        commit, _, name = line.partition(b" ")
        if name == branch and _ID.fullmatch(commit):
            return commit.decode()
    return ""


def _small_file(git_dir: Path, name: bytes, most: int) -> bytes:
    """The start of a regular file below `git_dir`; empty for anything else. Never waits."""
    path = Path(os.fsdecode(os.fsencode(git_dir) + b"/" + name))
    try:
        if git_dir.resolve() not in path.resolve().parents:
            return b""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, RuntimeError):  # not there, a link, or a loop of links on the way
        return b""
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, most) if regular else b""
    finally:
        os.close(descriptor)


def take_over(
    store: Store,
    git_dir: Path,
    base: str,
    head: str,
    *,
    secret: Collection[bytes] = (),
    limit_bytes: int,
) -> None:
    """Copy the commits from `base` to `head` into the store, whole and checked.

    Args:
        store: where they go.
        git_dir: the attempt's git folder.
        base: the commit the attempt started from.
        head: the commit it is at.
        secret: names of files that must not be in any of the commits.
        limit_bytes: what the commits may add to the store.

    Raises:
        RequestError: `head` does not descend from `base`; a commit is damaged or has a secret; or
            they are too large.
    """
    theirs = replace(
        store.git,
        objects=git_dir / "objects",
        alternates=store.stores(),
        config={**store.git.config, "core.commitGraph": "false", "core.multiPackIndex": "false"},
    )
    try:
        if not theirs.holds("merge-base", "--is-ancestor", base, head):
            raise RequestError(
                f"the commit {head[:12]} in {git_dir.parent} does not descend from {base[:12]},"
                " which the workspace started from",
                remedy="put the changes on top of that commit; history must not be rewritten",
            )
        span = (head, f"^{base}")
        touched = set(
            theirs.names("log", "-m", "-z", "--format=", "--name-only", "--no-renames", *span)
        )
        _refuse_secrets(touched & set(secret), git_dir)
        objects = theirs.run("rev-list", "--objects", "--no-object-names", *span)
        sizes = theirs.run("cat-file", "--batch-check=%(objectsize)", stdin=objects)
        size = sum(int(line) for line in sizes.split())
        if size > limit_bytes:
            raise RequestError(
                f"the commits in {git_dir.parent} have {size} bytes, more than {limit_bytes}",
                remedy="make them without large files that are not part of the work",
            )
        pack = theirs.run(
            *("pack-objects", "--revs", "--stdout", "--delta-base-offset", "--quiet"),
            stdin="\n".join((*span, "")).encode(),
        )
        store.git.run("unpack-objects", "-q", "--strict", stdin=pack)
    except GitFailure as error:
        raise RequestError(
            f"the commits in {git_dir.parent} cannot be taken over: {error.stderr.strip()[:400]}",
            remedy="make the commits anew in a fresh workspace",
        ) from None


def _refuse_secrets(names: Collection[bytes], git_dir: Path) -> None:
    if names:
        raise RequestError(
            f"commits in {git_dir.parent} contain {', '.join(sorted(map(shown, names)))}, which"
            " .worktreeinclude names and which must not be committed",
            remedy="make the commits without it",
        )
