"""Joining two commits without a working tree."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrate.adapters.workspace.git import Git, GitFailure, shown
from orchestrate.adapters.workspace.store import Store, commit_id
from orchestrate.core.sharing.work import Conflict
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Merge

_KIND = re.compile(rb"CONFLICT \(([^)]*)\)")


@dataclass(frozen=True)
class Join:
    """What git makes of two commits: a tree, in which conflicts are marked."""

    tree: str
    conflicts: tuple[Conflict, ...]


def merge(store: Store, home: Path, line: str, work: str, message: str, at: float) -> Merge:
    """See `Workspaces.merge`. `home` is a folder of ours for what is needed for a moment."""
    line_tree, work_tree = store.tree(line), store.tree(work)
    if store.is_ancestor(line, work):
        return Merge(work, work_tree)
    if store.is_ancestor(work, line):
        return Merge(line, line_tree)
    joined = join(store, home, line, work)
    if joined.conflicts:
        return Merge(conflicts=joined.conflicts)
    return Merge(store.commit(joined.tree, [line, work], message, at), joined.tree)


def join(store: Store, home: Path, ours: str, theirs: str) -> Join:
    """Merge `theirs` into `ours`. Attributes are those of `ours`; merge drivers are git's own.

    Raises:
        RequestError: the two have no history in common.
    """
    with tempfile.TemporaryDirectory(prefix="join-", dir=home) as name:
        git = replace(store.git, work=Path(name), config={**store.git.config, "core.bare": "false"})
        _lay_out_attributes(git, Path(name), commit_id(ours))
        code, output, stderr = git.attempt(
            "merge-tree", "--write-tree", "-z", "--messages", ours, commit_id(theirs)
        )
    if "unrelated histories" in stderr:
        raise RequestError(
            f"{ours[:12]} and {theirs[:12]} have no history in common, so nothing can be merged",
            remedy="start the work from a commit of this repository",
        )
    if code not in (0, 1):
        raise GitFailure("merge-tree", store.git_dir, code, stderr)
    fields = output.split(b"\0")
    tree = fields[0].decode()
    return Join(tree, _conflicts(fields[1:]) if code else ())


def _lay_out_attributes(git: Git, folder: Path, commit: str) -> None:
    """Git reads attributes (`merge=union`, …) from files, so they have to be there as files."""
    listed = git.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    names = [name for name in listed if name.rsplit(b"/", 1)[-1] == b".gitattributes"]
    if not names:
        return
    with tempfile.TemporaryDirectory(prefix="index-", dir=folder.parent) as place:
        indexed = replace(git, index=Path(place) / "index")
        indexed.run("read-tree", commit)
        indexed.run(
            *("checkout-index", "-z", "--stdin"), stdin=b"".join(one + b"\0" for one in names)
        )


def _conflicts(fields: list[bytes]) -> tuple[Conflict, ...]:
    """Of `git merge-tree -z`: stages (mode, id, stage, path), an empty field, then messages."""
    end = fields.index(b"")
    stages: dict[bytes, dict[bytes, str]] = {}
    for field in fields[:end]:
        about, _, path = field.partition(b"\t")
        _, blob, stage = about.split(b" ")
        stages.setdefault(path, {})[stage] = blob.decode()
    kinds = _kinds(fields[end + 1 :])
    return tuple(
        Conflict(
            shown(path),
            kinds.get(path, "content"),
            *(stages.get(path, {}).get(stage, "") for stage in (b"1", b"2", b"3")),
        )
        for path in sorted(stages.keys() | kinds.keys())
    )


def _kinds(fields: list[bytes]) -> dict[bytes, str]:
    """Of the messages (number of paths, paths, type, text): path -> git's word for its conflict."""
    kinds: dict[bytes, str] = {}
    at = 0
    while at < len(fields) and fields[at].strip().isdigit():
        count = int(fields[at])
        paths, text = fields[at + 1 : at + 1 + count], fields[at + 2 + count]
        found = _KIND.search(text)
        for path in paths[:1] if found else ():
            kinds.setdefault(path, shown(found[1]) if found else "")
        at += 3 + count
    return kinds


def left_over_markers(merged: bytes, sides: tuple[bytes, ...]) -> bool:
    """Whether `merged` has a conflict marker that none of its `sides` has."""
    old = {line for side in sides for line in side.splitlines()}
    starts = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
    return any(line.startswith(starts) and line not in old for line in merged.splitlines())
