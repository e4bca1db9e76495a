"""Handing over the result: a branch in the user's repository, or a patch without git."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from orchestrate.adapters.workspace.git import GitFailure
from orchestrate.adapters.workspace.store import Store, commit_id, ref_name
from orchestrate.errors import RequestError

_MOST_NAMES = 100


def publish_branch(store: Store, branch: str, commit: str) -> str:
    """Create a branch at `commit`; an existing one is never moved. Returns the name it got.

    A branch that is at `commit` already is the one this made before a crash.
    """
    store.tree(commit)
    legal = store.refs.holds("check-ref-format", f"refs/heads/{branch}")
    if not legal or branch.startswith("-"):
        raise RequestError(f"{branch!r} cannot name a branch", remedy="choose another name")
    refused = ""
    for name in _names(branch):
        ref = f"refs/heads/{name}"
        existing = store.pinned(ref)
        if existing.get(ref) == commit:
            return name
        if existing:  # it, or branches below it, are there
            continue
        create = f"create {ref} {commit_id(commit)}\n"
        try:
            store.refs.run("update-ref", "--no-deref", "--stdin", stdin=create.encode())
        except GitFailure as error:  # made meanwhile, or a branch has the name of a folder of it
            refused = error.stderr.strip()
            continue
        return name
    raise RequestError(
        f"no branch could be created for {branch}: {refused or 'all names are taken'}",
        remedy="remove branches that are no longer needed, or choose another name",
    )


def _names(branch: str) -> Iterator[str]:
    """`branch`, then with numbers; then without folders, for when a branch is called like one."""
    for name in dict.fromkeys((branch, branch.replace("/", "-"))):
        yield name
        yield from (f"{name}-{number}" for number in range(2, _MOST_NAMES))


def publish_patch(store: Store, run: str, branch: str, commit: str, folder: Path) -> str:
    """Write what changed since the run's base to a file that `git apply` takes; returns its path.

    A file that is there is never overwritten, unless it has the same contents anyway.
    """
    base = store.pinned(ref_name(run, "base")).get(ref_name(run, "base"))
    if base is None:
        raise RequestError(f"run {run} has no base", remedy="name a run that has started")
    patch = store.git.run(
        *("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
        base,
        commit_id(commit),
    )
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{uuid.uuid4().hex}.patch"
    with beside.open("wb") as file:
        file.write(patch)
        file.flush()
        os.fsync(file.fileno())
    stem = branch.replace("/", "-")
    try:
        for number in itertools.count(1):
            target = folder / (f"{stem}-{number}.patch" if number > 1 else f"{stem}.patch")
            try:
                target.hardlink_to(beside)
            except FileExistsError:
                if target.is_file() and target.read_bytes() == patch:
                    return os.fspath(target)
                continue
            return os.fspath(target)
    finally:
        beside.unlink()
    raise AssertionError("unreachable")
