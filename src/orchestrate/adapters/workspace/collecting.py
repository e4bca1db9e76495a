"""From a workspace that an attempt has left to one commit, and what it contains."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.workspace.git import Git, shown, some
from orchestrate.adapters.workspace.merging import join, left_over_markers
from orchestrate.adapters.workspace.own_commits import own_head, take_over
from orchestrate.adapters.workspace.places import Place, Record
from orchestrate.adapters.workspace.staging import (
    LITTER,
    copy_index,
    differences,
    stage,
    unreached,
    without,
)
from orchestrate.adapters.workspace.store import Store, ref_name
from orchestrate.core.sharing.work import Work
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import WorkspaceRequest


@dataclass(frozen=True)
class Collector:
    """Collects work into `store`. `home` is a folder of ours for what is needed for a moment."""

    store: Store
    home: Path
    limit_bytes: int

    def collect(self, place: Place, record: Record, message: str, at: float) -> Work | None:
        """See `Workspaces.collect`."""
        request = record.request
        head = self._taken_over(place, record)
        merging = self._still_merging(record, head)
        tree = self.tree(place, record, self.start(record, head))
        if request.merging:
            self._require_resolved(tree, record)
        if merging or tree != self.store.tree(head):
            commit = self.store.commit(tree, [head, merging] if merging else [head], message, at)
        else:
            commit = head
        if commit == request.base or (
            not request.merging and tree == self.store.tree(request.base)
        ):
            return None
        self._keep(request, commit)
        return self.describe(request.base, commit)

    def _keep(self, request: WorkspaceRequest, commit: str) -> None:
        """Pin work, and what the same workspace delivered before: somebody may go back to that."""
        ref = ref_name(request.run, f"attempts/{request.name}")
        before = self.store.pinned(ref).get(ref, commit)
        if before != commit:
            self.store.pin(ref_name(request.run, f"earlier/{request.name}-{before[:16]}"), before)
        self.store.pin(ref, commit)

    def start(self, record: Record, head: str) -> str:
        """What counts as tracked in a workspace at `head`: also what the merge brought."""
        merging = self._still_merging(record, head)
        return join(self.store, self.home, head, merging).tree if merging else head

    def tree(self, place: Place, record: Record, start: str) -> str:
        """The tree of a workspace's files; those of `start` count as tracked."""
        index = place.folder / f"collect-{uuid.uuid4().hex}.index"
        git = place.outside(self.store, index)
        try:
            copy_index(place.clean_index, index)
            git.run("read-tree", "--reset", start)
            found = without(differences(git, LITTER), frozenset(record.included))
            self._require_plain(git, found.nested)
            stage(git, found, self.limit_bytes)
            return git.line("write-tree")
        finally:
            index.unlink(missing_ok=True)
            index.with_suffix(".index.lock").unlink(missing_ok=True)

    def describe(self, base: str, commit: str) -> Work:
        """What `commit` changes since `base`."""
        lines = self.store.git.names(
            "diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", base, commit
        )
        added = removed = binaries = 0
        paths = []
        for line in lines:
            plus, minus, path = line.split(b"\t", 2)
            paths.append(shown(path))
            if plus == b"-":
                binaries += 1
            else:
                added, removed = added + int(plus), removed + int(minus)
        tree = self.store.tree(commit)
        return Work(commit, base, tree, tuple(sorted(paths)), added, removed, binaries)

    def _taken_over(self, place: Place, record: Record) -> str:
        base = record.request.base
        head = own_head(place.git_dir)
        if head in ("", base):
            return base
        take_over(
            self.store,
            place.git_dir,
            base,
            head,
            secret=record.included,
            limit_bytes=self.limit_bytes,
        )
        return head

    def _still_merging(self, record: Record, head: str) -> str:
        """The other side of the merge, unless the attempt has made the merge commit itself."""
        merging = record.request.merging
        return "" if not merging or self.store.is_ancestor(merging, head) else merging

    def _require_plain(self, git: Git, nested: tuple[bytes, ...]) -> None:
        if nested:
            raise RequestError(
                f"repositories inside {git.where} cannot be committed: {some(nested)}",
                remedy="remove them, or remove their .git to commit their files",
            )
        hidden = unreached(git)
        if hidden:
            raise RequestError(
                f"files in the folders of submodules cannot be committed: {some(hidden)}",
                remedy="put them elsewhere, or remove the submodule first",
            )

    def _require_resolved(self, tree: str, record: Record) -> None:
        request = record.request
        sides = (request.base, request.merging)
        left = [
            path
            for path in self._joined_by_hand(tree, sides)
            if left_over_markers(
                self._contents(tree, path), tuple(self._contents(side, path) for side in sides)
            )
        ]
        if left:
            raise RequestError(
                f"conflict markers are left in {some(left)}",
                remedy="resolve the conflicts: decide what the marked parts are to be, and remove"
                " the markers",
            )

    def _joined_by_hand(self, tree: str, sides: tuple[str, str]) -> list[bytes]:
        """Files of `tree` that are as on neither side; others have nothing left to resolve."""
        differing = [
            set(
                self.store.git.names(
                    *("diff-tree", "-r", "-z", "--name-only", "--no-renames"),
                    "--diff-filter=AMT",
                    side,
                    tree,
                )
            )
            for side in sides
        ]
        return sorted(set.intersection(*differing))

    def _contents(self, commit: str, path: bytes) -> bytes:
        return contents(self.store, commit, os.fsdecode(path)) or b""


def contents(store: Store, commit: str, path: str) -> bytes | None:
    """A file's contents at a commit or tree; None if it has no such file."""
    asked = f"{commit}:".encode() + os.fsencode(path)
    if not path or path.startswith(("./", "../")) or "\0" in path:
        return None
    answer = store.git.run("cat-file", "--batch", "-z", stdin=asked + b"\0")
    about, _, rest = answer.partition(b"\n")
    words = about.rsplit(b" ", 2)
    if len(words) != 3 or words[1] != b"blob":
        return None
    return rest[: int(words[2])]
