"""Where workspaces lie, and what is recorded about each.

`<home>/runs/<run>/<name>/` has `work`, the folder an attempt sees; `control`, a git folder of ours
for what we do with its files; and `record.json`. It comes into being by one rename, so it is whole
or not there.
"""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from orchestrate.adapters.workspace.git import Git
from orchestrate.adapters.workspace.skeleton import AS_IS, Skeleton
from orchestrate.adapters.workspace.store import Store, segment
from orchestrate.core.sharing.work import Conflict
from orchestrate.ports.workspace import WorkspaceRequest


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a workspace was made from.

    `included` are files of .worktreeinclude, which are never taken.
    """

    kind: Literal["workspace", "checkout", "spare"]
    request: WorkspaceRequest
    conflicts: tuple[Conflict, ...] = ()
    included: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Place:
    """One workspace on the disk."""

    folder: Path

    @property
    def work(self) -> Path:
        """The folder an attempt sees."""
        return self.folder / "work"

    @property
    def git_dir(self) -> Path:
        """The attempt's own git folder. Ours until the attempt starts, not to be believed after."""
        return self.work / ".git"

    @property
    def control(self) -> Path:
        """Our git folder for its files."""
        return self.folder / "control"

    @property
    def clean_index(self) -> Path:
        """The index as it was right after the checkout."""
        return self.control / "index"

    def own(self) -> Git:
        """Git as an attempt would run it. Only while nobody else has written to the folder."""
        return Git(self.git_dir, work=self.work, index=self.git_dir / "index")

    def outside(self, store: Store, index: Path, *, raw: bool = False) -> Git:
        """Git on its files with nothing of its git folder; `raw` without any conversion."""
        control = self.folder / "control-raw" if raw else self.control
        return replace(store.git, git_dir=control, work=self.work, index=index)

    def write_control(self, skeleton: Skeleton) -> None:
        """Write both control folders."""
        skeleton.write(self.control)
        replace(skeleton, attributes=AS_IS).write(self.folder / "control-raw")

    def record(self) -> Record | None:
        """What it was made from; None if it is not there or not whole."""
        try:
            data = (self.folder / "record.json").read_bytes()
            found = msgspec.json.decode(data, type=Record)
        except (OSError, msgspec.DecodeError):
            return None
        whole = self.control.is_dir() and self.work.is_dir() and not self.work.is_symlink()
        return found if whole else None

    def write_record(self, record: Record) -> None:
        """Write what it was made from; the last step but the rename."""
        (self.folder / "record.json").write_bytes(msgspec.json.encode(record))


@dataclass(frozen=True)
class Places:
    """All workspaces below one folder."""

    home: Path

    def of(self, run: str, name: str) -> Place:
        """The place of a workspace, whether or not it is there."""
        return Place(self.home / "runs" / segment(run) / segment(name))

    @property
    def moment(self) -> Path:
        """A folder for what is needed for a moment; a process that is killed leaves it there."""
        folder = self.home / "building"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def unfinished(self) -> Place:
        """A new place nobody else knows."""
        folder = self.moment / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        return Place(folder)

    def finish(self, built: Place, target: Place) -> None:
        """Put what was built where it belongs; what was there is removed."""
        target.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.remove(target)
        built.folder.rename(target.folder)

    def remove(self, place: Place) -> None:
        """Remove a place; does nothing if it is not there. It is gone at once, whole."""
        doomed = self.moment / uuid.uuid4().hex
        try:
            place.folder.rename(doomed)
        except FileNotFoundError:
            return
        remove_folder(doomed)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all below it, also where an attempt took our permissions away."""
    if folder.is_symlink():
        folder.unlink()
        return
    try:
        shutil.rmtree(folder)
    except PermissionError:
        unlock(folder)
        shutil.rmtree(folder)


def unlock(folder: Path) -> None:
    """Give us all permissions on `folder` and the folders below it, not on what links lead to."""
    folder.chmod(stat.S_IRWXU)
    for top, names, _ in os.walk(folder):
        for inner in (Path(top, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(stat.S_IRWXU)
