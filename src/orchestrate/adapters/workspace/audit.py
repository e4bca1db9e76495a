"""Proof that a run touched nothing of the user's: a fingerprint before, one after.

Taking it writes nothing, neither files nor the index, which git likes to refresh.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrate.adapters.workspace.digests import (
    content_digest,
    folder_digest,
    stat_digest,
    walk,
)
from orchestrate.adapters.workspace.git import shown
from orchestrate.adapters.workspace.store import REFS, Store
from orchestrate.adapters.workspace.user_tree import UserTree
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Fingerprint

#: Files of a working tree's git folder that say where HEAD is and what is under way.
_HEAD = (
    "HEAD",
    "ORIG_HEAD",
    "FETCH_HEAD",
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "BISECT_LOG",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
    "logs/HEAD",
)
#: What says where things are fetched from and pushed to, and which objects there are.
_CONFIG = ("config", "remotes", "branches", "objects/info/alternates", "shallow")


def fingerprint(tree: UserTree, store: Store, exempt: Sequence[str]) -> Fingerprint:
    """See `Workspaces.fingerprint`.

    An item of `exempt` that starts with refs/ also names a ref that is left out.

    Raises:
        RequestError: a folder of the user's cannot be listed.
    """
    return Fingerprint(
        _files(tree, store, exempt), _refs(tree, store, exempt), _parts(tree) if tree.entry else {}
    )


def _files(tree: UserTree, store: Store, exempt: Sequence[str]) -> dict[str, str]:
    skip = {os.fsencode(path.strip("/")) for path in exempt}
    skip |= {
        os.fsencode(folder.relative_to(tree.root))
        for folder in tree.ours
        if folder.is_relative_to(tree.root)
    }
    if tree.git_dir is not None:
        skip.add(b".git")
    with tree.view(store) as git:
        by_content = set(git.names("ls-files", "-z"))
        by_content |= set(git.names("ls-files", "-z", "--others", "--exclude-standard"))
    top = os.fsencode(tree.root) + b"/"
    files = {}
    try:
        for name, status in walk(tree.root, skip):
            known = name in by_content
            files[shown(name)] = (
                content_digest(top + name, status) if known else f"stat:{stat_digest(status)}"
            )
    except OSError as error:
        raise RequestError(
            f"{error.filename!r} cannot be listed, so it cannot be shown to be untouched:"
            f" {error.strerror}",
            remedy="make the folder readable, or exempt it",
        ) from None
    return files


def _refs(tree: UserTree, store: Store, exempt: Sequence[str]) -> dict[str, str]:
    if tree.entry is None:
        return {}
    refs = store.pinned("refs")
    return {
        ref: commit
        for ref, commit in refs.items()
        if not ref.startswith(f"{REFS}/") and ref not in exempt
    }


def _parts(tree: UserTree) -> dict[str, str]:
    assert tree.entry is not None and tree.git_dir is not None
    entry, common = tree.entry, tree.git_dir
    indexes = [entry / "index", *sorted(entry.glob("sharedindex.*"))]
    return {
        "head": _of_paths(entry / name for name in _HEAD),
        "index": _of_paths(indexes),
        "config": _of_paths([*(common / name for name in _CONFIG), entry / "config.worktree"]),
        "stash": _of_paths([common / "logs/refs/stash"]),
        "hooks": folder_digest(common / "hooks"),
        "info": folder_digest(common / "info"),
        "worktrees": _worktrees(common / "worktrees"),
        "submodules": _submodules(common / "modules"),
    }


def _of_paths(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        found = folder_digest(path) if path.is_dir() else _of_file(path)
        whole.update(f"{path.name}\0{found}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _of_file(path: Path) -> str:
    try:
        return content_digest(os.fsencode(path), path.lstat())
    except FileNotFoundError:
        return "none"


def _worktrees(folder: Path) -> str:
    """Which working trees are linked, and where; what is done in them is not looked at."""
    if not folder.is_dir():
        return ""
    names = sorted(folder.iterdir())
    return _of_paths(tree / part for tree in names for part in ("gitdir", "HEAD", "locked"))


def _submodules(folder: Path) -> str:
    """What git runs and obeys in submodules; their HEADs and objects are not looked at."""
    if not folder.is_dir():
        return ""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {"objects", "refs", "logs", "hooks"})
        if "config" in names:
            found += [Path(place, "config"), Path(place, "hooks")]
    return _of_paths(found)
