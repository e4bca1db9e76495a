"""Making workspaces.

A workspace is what `git clone --shared --no-checkout` and a checkout would give, without a remote
and with its configuration written by hand: one git process instead of several.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.adapters.workspace.included import copy_included, included
from orchestrate.adapters.workspace.merging import join
from orchestrate.adapters.workspace.places import Place, Places, Record, remove_folder
from orchestrate.adapters.workspace.room import Room
from orchestrate.adapters.workspace.snapshots import lay_over
from orchestrate.adapters.workspace.staging import copy_index
from orchestrate.adapters.workspace.store import Store, commit_id
from orchestrate.adapters.workspace.template import Template
from orchestrate.adapters.workspace.user_tree import UserTree
from orchestrate.core.sharing.work import Conflict
from orchestrate.ports.workspace import Workspace, WorkspaceRequest

#: The branch an attempt is on; nobody reads it but the attempt.
BRANCH = "refs/heads/attempt"


@dataclass
class Clones:
    """Makes workspaces for `tree` from commits of `store`."""

    tree: UserTree
    store: Store
    places: Places
    room: Room
    template: Template
    _spare: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, request: WorkspaceRequest) -> Workspace:
        """See `Workspaces.prepare`."""
        target = self.places.of(request.run, request.name)
        for commit in filter(None, (request.base, request.snapshot, request.merging)):
            self.store.tree(commit)
        built = self._checked_out(request.base, request.base, request.sparse)
        conflicts = self._merge_into(built, request) if request.merging else ()
        copy_index(built.git_dir / "index", built.clean_index)
        if request.snapshot:
            lay_over(built, self.store, request.snapshot, merged=bool(request.merging))
        names = included(self.tree, self.store)
        copy_included(names, self.tree.root, built.work)
        record = Record("workspace", request, conflicts, names)
        built.write_record(record)
        self.places.finish(built, target)
        return workspace(target, record)

    def checkout(self, run: str, name: str, commit: str, tree: str) -> Path:
        """A folder with the files of `tree`, in which git takes `commit` for HEAD."""
        target = self.places.of(run, name)
        built = self._checked_out(commit, tree, ())
        copy_index(built.git_dir / "index", built.clean_index)
        names = included(self.tree, self.store)
        copy_included(names, self.tree.root, built.work)
        request = WorkspaceRequest(run, name, commit)
        built.write_record(Record("checkout", request, included=names))
        self.places.finish(built, target)
        return target.work

    def prefetch(self, base: str) -> None:
        """See `Workspaces.prefetch`. There is one spare workspace at a time."""
        self.store.tree(base)
        with self._spare:
            spares = self._spares()
            if any(spare.folder.name.startswith(base) for spare in spares):
                return
            self.room.require(base)
            built = self._blank(base, ())
            built.own().run("read-tree", "--reset", "-u", base)
            target = Place(self.spare_home / f"{base}-{built.folder.name}")
            built.write_record(Record("spare", WorkspaceRequest("", "", base)))
            self.places.finish(built, target)
            for old in spares:
                self.places.remove(old)

    @property
    def spare_home(self) -> Path:
        """Where the spare workspace waits."""
        return self.places.home / "spare"

    def _spares(self) -> list[Place]:
        try:
            return [Place(folder) for folder in sorted(self.spare_home.iterdir())]
        except FileNotFoundError:
            return []

    def _checked_out(self, commit: str, tree: str, sparse: Sequence[str]) -> Place:
        """An unfinished workspace whose HEAD is `commit` and whose files are those of `tree`."""
        built = None if sparse else self._claimed(commit)
        if built is None:
            self.room.require(commit, sparse)
            built = self._blank(commit, sparse)
            built.own().run("read-tree", "--reset", "-u", tree)
        elif tree != commit or not self._stands_at(built, commit):
            built.own().run("read-tree", "--reset", "-u", tree)
        _write_branch(built.git_dir, commit)
        return built

    def _claimed(self, commit: str) -> Place | None:
        """Take the spare workspace, if there is one: whoever renames it has it."""
        for spare in sorted(
            self._spares(), key=lambda place: not place.folder.name.startswith(commit)
        ):
            mine = self.places.moment / spare.folder.name
            try:
                spare.folder.rename(mine)
            except OSError:
                continue
            if Place(mine).record() is not None:
                self._write_git_dirs(Place(mine), ())
                return Place(mine)
            remove_folder(mine)
        return None

    def _stands_at(self, place: Place, commit: str) -> bool:
        record = place.record()
        return record is not None and record.request.base == commit

    def _blank(self, commit: str, sparse: Sequence[str]) -> Place:
        built = self.places.unfinished()
        built.work.mkdir(mode=0o700)
        self._write_git_dirs(built, sparse)
        _write_branch(built.git_dir, commit)
        if sparse:
            folders = "".join(f"{folder}\n" for folder in sparse)
            built.own().run("sparse-checkout", "set", "--cone", "--stdin", stdin=folders.encode())
        return built

    def _write_git_dirs(self, built: Place, sparse: Sequence[str]) -> None:
        built.write_control(self.template.control(sparse=bool(sparse)))
        self.template.clone(f"ref: {BRANCH}\n").write(built.git_dir)

    def _merge_into(self, built: Place, request: WorkspaceRequest) -> tuple[Conflict, ...]:
        joined = join(self.store, self.places.moment, request.base, request.merging)
        built.own().run(
            *("merge", "--quiet", "--no-commit", "--no-ff", "--no-stat", request.merging),
            ok=(0, 1),
        )
        return joined.conflicts


def workspace(place: Place, record: Record) -> Workspace:
    """What callers are told about a workspace."""
    request = record.request
    return Workspace(
        request.run,
        request.name,
        os.fspath(place.work),
        request.base,
        request.merging,
        record.conflicts,
    )


def _write_branch(git_dir: Path, commit: str) -> None:
    (git_dir / BRANCH).write_text(f"{commit_id(commit)}\n", "ascii")
