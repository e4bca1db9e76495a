"""Keeping a workspace's files as they are at one moment, and putting them back.

Contents go in and come out byte by byte: attributes that convert line ends and the like do not
count, or a file that an attempt wrote against them would come back changed.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from pathlib import Path

from orchestrate.adapters.workspace.git import Git
from orchestrate.adapters.workspace.places import Place, Record, remove_folder
from orchestrate.adapters.workspace.staging import copy_index, differences, stage, without
from orchestrate.adapters.workspace.store import Store, ref_name
from orchestrate.errors import RequestError

_MESSAGE = "Files of an attempt at one moment\n"
#: An attempt goes on writing meanwhile; a file that changes under our eyes is read once more.
_TRIES = 3


def snapshot(place: Place, record: Record, store: Store, at: float, limit_bytes: int) -> str:
    """See `Workspaces.snapshot`."""
    request = record.request
    tree = raw_tree(place, record, store, limit_bytes)
    commit = store.commit(tree, [request.base], _MESSAGE, at)
    store.pin(ref_name(request.run, f"snapshots/{request.name}-{commit[:16]}"), commit)
    return commit


def raw_tree(place: Place, record: Record, store: Store, limit_bytes: int) -> str:
    """The tree of a workspace's files, tracked and untracked, unconverted."""
    kept = place.folder / "snapshot.index"
    mine = place.folder / f"snapshot-{uuid.uuid4().hex}.index"
    git = place.outside(store, mine, raw=True)
    try:
        if kept.exists():
            copy_index(kept, mine)
        elif not converts(git, place):
            copy_index(place.clean_index, mine)
            git.run("read-tree", "--reset", request_base(record))
        tree = _staged(git, record, limit_bytes)
        mine.replace(kept)
    finally:
        mine.unlink(missing_ok=True)
    return tree


def request_base(record: Record) -> str:
    """The commit whose files the workspace started with."""
    return record.request.base


def _staged(git: Git, record: Record, limit_bytes: int) -> str:
    for remaining in reversed(range(_TRIES)):
        try:
            stage(git, without(differences(git), frozenset(record.included)), limit_bytes)
            return git.line("write-tree")
        except RequestError:
            if not remaining:
                raise
    raise AssertionError("unreachable")


def converts(git: Git, place: Place) -> bool:
    """Whether contents may differ between files and store: some file has attributes."""
    names = replace(git, index=place.clean_index).names("ls-files", "-z")
    return any(name.rsplit(b"/", 1)[-1] == b".gitattributes" for name in names)


def lay_over(place: Place, store: Store, commit: str, *, merged: bool) -> None:
    """Make the files of a new workspace those of `commit`, leaving its index and HEAD alone.

    With `merged` a merge is in progress in it, which may have left files that no index has.
    """
    index = place.folder / f"restore-{uuid.uuid4().hex}.index"
    git = place.outside(store, index, raw=True)
    try:
        if merged or converts(git, place):
            _clear(place.work)
        else:
            copy_index(place.clean_index, index)
        git.run("read-tree", "--reset", "-u", commit)
    finally:
        index.unlink(missing_ok=True)


def _clear(work: Path) -> None:
    with os.scandir(work) as entries:
        for entry in entries:
            if entry.name == ".git":
                continue
            if entry.is_dir(follow_symlinks=False):
                remove_folder(Path(entry.path))
            else:
                Path(entry.path).unlink()
