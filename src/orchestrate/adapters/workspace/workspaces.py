"""All of it behind one port."""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrate.adapters.workspace.audit import fingerprint
from orchestrate.adapters.workspace.base import Bases
from orchestrate.adapters.workspace.clones import Clones, workspace
from orchestrate.adapters.workspace.collecting import Collector, contents
from orchestrate.adapters.workspace.merging import merge
from orchestrate.adapters.workspace.places import Place, Places, Record
from orchestrate.adapters.workspace.private import private_repository
from orchestrate.adapters.workspace.pruning import Pruner
from orchestrate.adapters.workspace.publishing import publish_branch, publish_patch
from orchestrate.adapters.workspace.room import Room
from orchestrate.adapters.workspace.snapshots import snapshot
from orchestrate.adapters.workspace.store import Store, commit_id, ref_name
from orchestrate.adapters.workspace.template import Template
from orchestrate.adapters.workspace.user_tree import UserTree
from orchestrate.core.sharing.work import Work
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import (
    Base,
    BaseChoice,
    Fingerprint,
    Kept,
    Merge,
    Workspace,
    WorkspaceRequest,
)

#: Room that stays free on the disk: enough to commit, log and clean up.
RESERVE_BYTES = 512 * 1024 * 1024
#: New contents that one base, snapshot or piece of work may bring.
LIMIT_BYTES = 512 * 1024 * 1024


class GitWorkspaces:
    """Implements `ports.workspace.Workspaces` with git's command line.

    Args:
        root: the user's folder.
        git_dir: its common git folder; None without git.
        state_dir: where the state of its runs is kept; without git, the commits too.
        home: where its workspaces are put; a folder of ours alone.
        quota_bytes: what all its workspaces together may take; None for no limit.
        reserve_bytes: what has to stay free on the disk.
        limit_bytes: new contents that one base, snapshot or piece of work may bring.
    """

    def __init__(
        self,
        root: Path,
        git_dir: Path | None,
        state_dir: Path,
        home: Path,
        *,
        quota_bytes: int | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._git_dir = git_dir
        self._state_dir = state_dir
        self._home = home
        self._quota_bytes = quota_bytes
        self._reserve_bytes = reserve_bytes
        self._limit_bytes = limit_bytes
        self._places = Places(home)
        self._tree = UserTree(root, git_dir, home / "building", (state_dir, home))
        self._opening = threading.Lock()

    def base(self, run: str, choice: BaseChoice, at: float) -> Base:
        """Decide and pin what `run` starts from."""
        self._clones.template.forget()
        return Bases(self._tree, self._store, self._limit_bytes).choose(run, choice, at)

    def prepare(self, request: WorkspaceRequest) -> Workspace:
        """Make the workspace, or make it anew."""
        return self._clones.prepare(request)

    def open(self, request: WorkspaceRequest) -> Workspace | None:
        """The workspace as an attempt left it, if it was made from this very request."""
        place = self._places.of(request.run, request.name)
        record = place.record()
        if record is None or record.kind != "workspace" or record.request != request:
            return None
        return workspace(place, record)

    def prefetch(self, base: str) -> None:
        """Have an unnamed workspace at `base` ready for the next `prepare`."""
        self._clones.prefetch(base)

    def collect(self, workspace: Workspace, message: str, at: float) -> Work | None:
        """Commit and keep everything changed since the base."""
        place, record = self._opened(workspace)
        collector = Collector(self._store, self._places.moment, self._limit_bytes)
        return collector.collect(place, record, message, at)

    def snapshot(self, workspace: Workspace, at: float) -> str:
        """Keep tracked and untracked files as they are now."""
        place, record = self._opened(workspace)
        return snapshot(place, record, self._store, at, self._limit_bytes)

    def merge(self, line: str, work: str, message: str, at: float) -> Merge:
        """Merge `work` into `line` without a working tree."""
        return merge(self._store, self._places.moment, line, work, message, at)

    def mark(self, line: str, message: str, at: float) -> str:
        """A commit on top of `line` with the same tree."""
        return self._store.commit(self._store.tree(line), [line], message, at)

    def keep(self, run: str, name: str, commit: str) -> None:
        """Pin `commit` under refs/orchestrate/<run>/<name>."""
        self._store.tree(commit)
        self._store.pin(ref_name(run, name), commit)

    def checkout(
        self,
        run: str,
        name: str,
        commit: str,
        extra: Mapping[str, str] = {},
    ) -> Path:
        """A folder with the files of `commit`, `extra` laid over it, to run checks in."""
        tree = self._store.tree(commit)
        for path, other in sorted(extra.items()):
            tree = self._replaced(tree, path, commit_id(other))
        return self._clones.checkout(run, name, commit, tree)

    def discard(self, run: str, name: str) -> None:
        """Remove a workspace or checkout. Does nothing if there is none."""
        self._places.remove(self._places.of(run, name))

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self._store.tree(commit)

    def difference(self, base: str, commit: str) -> Work:
        """What `commit` changes of `base`."""
        collector = Collector(self._store, self._places.moment, self._limit_bytes)
        return collector.describe(commit_id(base), commit_id(commit))

    def file(self, commit: str, path: str) -> bytes | None:
        """The contents of a file at a commit; None if it has none."""
        return contents(self._store, commit_id(commit), path)

    def blob(self, blob: str) -> bytes:
        """The contents of a blob."""
        return self._store.git.run("cat-file", "blob", commit_id(blob))

    def publish(self, run: str, branch: str, commit: str, folder: Path) -> str:
        """Create `branch` at `commit`, or write a patch without git."""
        if self._git_dir is None:
            return publish_patch(self._store, run, branch, commit, folder)
        return publish_branch(self._store, branch, commit)

    def fingerprint(self, exempt: Sequence[str] = ()) -> Fingerprint:
        """What the user has now."""
        return fingerprint(self._tree, self._store, exempt)

    def leftovers(self, runs: Mapping[str, bool]) -> list[Kept]:
        """What is kept for `runs`, and what no run has."""
        return self._pruner.leftovers(runs)

    def prune(self, kept: Sequence[Kept]) -> int:
        """Delete these; refuses those that are unmerged."""
        return self._pruner.prune(kept)

    @property
    def _store(self) -> Store:
        return self._clones.store

    @property
    def _pruner(self) -> Pruner:
        return Pruner(self._store, self._places, self._limit_bytes)

    @property
    def _clones(self) -> Clones:
        # Not in the constructor: commands that need no workspace start no git.
        with self._opening:
            return self._opened_clones

    @functools.cached_property
    def _opened_clones(self) -> Clones:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = Store(self._git_dir or private_repository(self._state_dir), self._home)
        room = Room(store, self._home, self._quota_bytes, self._reserve_bytes)
        return Clones(self._tree, store, self._places, room, Template(self._tree, store))

    def _opened(self, workspace: Workspace) -> tuple[Place, Record]:
        place = self._places.of(workspace.run, workspace.name)
        record = place.record()
        if record is None or record.kind != "workspace" or record.request.base != workspace.base:
            raise RequestError(
                f"the workspace {workspace.name} of run {workspace.run} is not there, or not whole",
                remedy="prepare it again",
            )
        return place, record

    def _replaced(self, tree: str, path: str, other: str) -> str:
        """`tree` with `path` as it is in the commit `other`; without it if it is not there."""
        git = self._store.git
        with tempfile.TemporaryDirectory(prefix="index-", dir=self._places.moment) as name:
            indexed = replace(git, index=Path(name) / "index")
            indexed.run("read-tree", tree)
            old = indexed.names("ls-files", "-z", "--", path)
            new = git.names("ls-tree", "-r", "-z", "--full-tree", other, "--", path)
            nothing = "0" * len(other)
            removals = [b"0 %s\t%s" % (nothing.encode(), name) for name in old]
            entries = b"".join(entry + b"\0" for entry in [*removals, *new])
            indexed.run("update-index", "-z", "--replace", "--index-info", stdin=entries)
            return indexed.line("write-tree")
