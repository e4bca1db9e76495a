"""What is kept, and removing of it what holds no work that is nowhere else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from orchestrate.adapters.workspace.collecting import Collector
from orchestrate.adapters.workspace.own_commits import own_head
from orchestrate.adapters.workspace.places import Place, Places, Record
from orchestrate.adapters.workspace.room import used_bytes
from orchestrate.adapters.workspace.store import REFS, Store, ref_name
from orchestrate.errors import OrchestrateError, RequestError
from orchestrate.ports.workspace import Kept

_LIVE = "the run is not over"
#: Names of what no run has: workspaces made ahead, and what was being made when a process died.
_AHEAD = ("spare", "building")
#: What is being made for longer belongs to a process that has died. Seconds.
_ABANDONED_S = 3600.0


@dataclass(frozen=True)
class Pruner:
    """Lists and deletes below `places` and below REFS of `store`."""

    store: Store
    places: Places
    limit_bytes: int

    def leftovers(self, runs: Mapping[str, bool]) -> list[Kept]:
        """See `Workspaces.leftovers`. What no run has is listed with an empty run."""
        return [
            *(kept for run, over in runs.items() for kept in self._of_run(run, over)),
            *self._of_no_run(),
        ]

    def prune(self, kept: Sequence[Kept]) -> int:
        """See `Workspaces.prune`. Looks again first: nothing is deleted if one is refused."""
        now = [self._looked_at(item) for item in kept]
        refused = [item for item in (*kept, *now) if item.unmerged]
        if refused:
            names = ", ".join(dict.fromkeys(f"{one.run}/{one.name}" for one in refused))
            raise RequestError(
                f"work that is nowhere else would be lost: {names}",
                remedy="merge it or keep it on a branch first, or leave it out",
            )
        for item in now:
            if item.kind == "ref":
                self.store.unpin(ref_name(item.run, item.name))
            elif item.kind == "workspace":
                self.places.remove(self._place(item))
        return sum(item.size_bytes for item in now)

    def _looked_at(self, item: Kept) -> Kept:
        if item.kind == "environment":
            raise RequestError(
                f"{item.name} is an environment, not a workspace", remedy="prune environments apart"
            )
        if item.kind == "ref":
            ref = ref_name(item.run, item.name)
            commit = self.store.pinned(ref).get(ref)
            return self._ref(item.run, item.name, commit) if commit else item
        return self._workspace(item.run, item.name, self._place(item))

    def _place(self, item: Kept) -> Place:
        if item.run:
            return self.places.of(item.run, item.name)
        area, _, name = item.name.partition("/")
        if area not in _AHEAD or not name or "/" in name or name.startswith("."):
            raise RequestError(f"{item.name!r} is not kept here", remedy="list what is kept first")
        return Place(self.places.home / area / name)

    def _of_run(self, run: str, over: bool) -> Iterator[Kept]:
        folder = self.places.of(run, "any").folder.parent
        found = [
            self._workspace(run, one.name, Place(one))
            for one in (sorted(folder.iterdir()) if folder.is_dir() else ())
        ]
        prefix = f"{REFS}/{run}/"
        for ref, commit in self.store.pinned(prefix.rstrip("/")).items():
            found.append(self._ref(run, ref.removeprefix(prefix), commit))
        for kept in found:
            yield kept if over else msgspec.structs.replace(kept, unmerged=True, reason=_LIVE)

    def _of_no_run(self) -> Iterator[Kept]:
        for area in _AHEAD:
            folder = self.places.home / area
            for one in sorted(folder.iterdir()) if folder.is_dir() else ():
                if area == "spare" or time.time() - one.lstat().st_mtime > _ABANDONED_S:
                    yield Kept("", "workspace", f"{area}/{one.name}", used_bytes(one))

    def _workspace(self, run: str, name: str, place: Place) -> Kept:
        size = used_bytes(place.folder)
        record = place.record()
        if not run or record is None or record.kind == "checkout":
            return Kept(run, "workspace", name, size)
        try:
            reason = self._uncollected(place, record)
        except OrchestrateError as error:
            reason = f"its contents cannot be compared: {error.message}"
        return Kept(run, "workspace", name, size, bool(reason), reason)

    def _uncollected(self, place: Place, record: Record) -> str:
        """Why a workspace holds work that is nowhere else; empty if all of it is in a commit."""
        request = record.request
        pinned = self.store.pinned(ref_name(request.run, "base").removesuffix("/base"))
        head = own_head(place.git_dir)
        if head and not any(self._has(commit, head) for commit in pinned.values()):
            return "it has commits of its own that were not collected"
        lasting = {commit for ref, commit in pinned.items() if not _superseded(ref, pinned)}
        trees = {self.store.tree(commit) for commit in {request.base, *lasting}}
        with tempfile.TemporaryDirectory(prefix="objects-", dir=self.places.moment) as name:
            aside = Collector(self.store.aside(Path(name)), self.places.moment, self.limit_bytes)
            tree = aside.tree(place, record, aside.start(record, head or request.base))
        return "" if tree in trees else "it has changes that were not collected"

    def _has(self, commit: str, own: str) -> bool:
        return self.store.has(own) and self.store.is_ancestor(own, commit)

    def _ref(self, run: str, name: str, commit: str) -> Kept:
        reason = "" if name == "base" else self._only_here(run, name, commit)
        return Kept(run, "ref", name, 0, bool(reason), reason)

    def _only_here(self, run: str, name: str, commit: str) -> str:
        """Why `commit` would be lost without this ref; empty if it would not."""
        refs = self.store.pinned("refs")
        ours = f"{REFS}/{run}/"
        me = ours + name
        if _superseded(me, refs):
            return ""
        others = [
            other
            for ref, other in refs.items()
            if not ref.startswith(f"{REFS}/")
            or (ref.startswith(ours) and (other != commit or ref < me) and "/snapshots/" not in ref)
        ]
        return "" if self.store.contained(commit, others) else "no branch or tag contains it"


def _superseded(ref: str, refs: Mapping[str, str]) -> bool:
    """Whether `ref` is a snapshot of an attempt whose work has been collected since."""
    before, found, name = ref.partition("/snapshots/")
    return bool(found) and f"{before}/attempts/{name.rpartition('-')[0]}" in refs
