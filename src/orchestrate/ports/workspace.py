"""Isolated places to work in, and the commits that come out of them.

Commits are full hexadecimal ids. Everything blocks; callers in an event loop use a thread. Every
method may be called again after a crash with the same arguments and then gives the same commit:
identity is fixed and the caller says the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from orchestrate.core.sharing.work import Conflict, Work

BaseChoice = Literal["head", "working-tree"]


class WorkspaceRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which workspace: `name` is unique in the run (`task.number`).

    It starts at `base`. With `snapshot`, the files of that commit are laid over it, uncommitted,
    as they were when it was taken. With `merging`, that commit is merged into `base` and the
    conflicts are left in the files, marked, with the base shown (diff3), for somebody to resolve.
    `sparse` restricts the checkout to these folders (cone mode); empty checks out everything.
    """

    run: str
    name: str
    base: str
    snapshot: str = ""
    merging: str = ""
    sparse: tuple[str, ...] = ()


class Workspace(msgspec.Struct, frozen=True, omit_defaults=True):
    """A workspace that is ready. `folder` is its top; `merging` as in its request."""

    run: str
    name: str
    folder: str
    base: str
    merging: str = ""
    conflicts: tuple[Conflict, ...] = ()


class Merge(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a merge went: the resulting commit and its tree, or the conflicts and no commit."""

    commit: str = ""
    tree: str = ""
    conflicts: tuple[Conflict, ...] = ()


class Base(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run starts from. `changes` lists what the working tree has beyond HEAD.

    `branch` is the branch HEAD is on, empty when detached. `notes` are sentences for the user:
    what is not part of the workspaces (submodules that are not checked out, LFS contents, …).
    """

    commit: str
    head: str = ""
    branch: str = ""
    changes: tuple[str, ...] = ()
    included: bool = False
    notes: tuple[str, ...] = ()


class Fingerprint(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of the user's that a run must not touch, as digests.

    `files` maps a path of the working tree to a digest of kind, mode and content; `refs` maps a
    ref's full name to what it points at, those under refs/orchestrate/ and the run's own branch
    left out; `parts` maps head, index, config, stash, hooks, info and worktrees to a digest.
    """

    files: dict[str, str] = {}
    refs: dict[str, str] = {}
    parts: dict[str, str] = {}


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something `prune` could delete. `unmerged`: it holds work that is nowhere else."""

    run: str
    kind: Literal["workspace", "ref", "environment"]
    name: str
    size_bytes: int = 0
    unmerged: bool = False
    reason: str = ""


class Workspaces(Protocol):
    """Workspaces of one repository, and the runs' integration lines.

    Raises (all methods):
        ConfigurationError: git is missing or too old, or there is no room.
        RequestError: the repository's state does not allow it; says which and what to do.
    """

    def base(self, run: str, choice: BaseChoice, at: float) -> Base:
        """Decide and pin what `run` starts from. The user's repository is only read."""
        ...

    def prepare(self, request: WorkspaceRequest) -> Workspace:
        """Make the workspace, or make it anew: whatever was in it before is gone."""
        ...

    def open(self, request: WorkspaceRequest) -> Workspace | None:
        """The workspace as an attempt left it; None if it is not there or not whole."""
        ...

    def prefetch(self, base: str) -> None:
        """Have an unnamed workspace at `base` ready for the next `prepare`, which takes it."""
        ...

    def collect(self, workspace: Workspace, message: str, at: float) -> Work | None:
        """Commit and keep everything changed since the base; None when nothing was.

        Commits the attempt made itself are kept beneath. A workspace with a merge in progress
        yields the merge commit.

        Raises:
            RequestError: conflict markers are left, or what is there cannot be committed.
        """
        ...

    def snapshot(self, workspace: Workspace, at: float) -> str:
        """Keep tracked and untracked files as they are now, without disturbing the workspace.

        Returns the snapshot's commit, whose tree is exactly what `prepare(snapshot=…)` restores.
        """
        ...

    def merge(self, line: str, work: str, message: str, at: float) -> Merge:
        """Merge `work` into `line` without a working tree; fast-forward where that is possible."""
        ...

    def mark(self, line: str, message: str, at: float) -> str:
        """A commit on top of `line` with the same tree, and this message."""
        ...

    def keep(self, run: str, name: str, commit: str) -> None:
        """Pin `commit` under refs/orchestrate/<run>/<name>."""
        ...

    def checkout(self, run: str, name: str, commit: str, extra: Mapping[str, str] = {}) -> Path:
        """A folder with the files of `commit` to run checks in.

        `extra` maps a path to the commit it is taken from instead. Taken anew if it was there.
        """
        ...

    def discard(self, run: str, name: str) -> None:
        """Remove a workspace or checkout. Does nothing if there is none."""
        ...

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        ...

    def difference(self, base: str, commit: str) -> Work:
        """What `commit` changes of `base`, whoever made it."""
        ...

    def file(self, commit: str, path: str) -> bytes | None:
        """The contents of a file at a commit; None if it has none."""
        ...

    def blob(self, blob: str) -> bytes:
        """The contents of a blob."""
        ...

    def publish(self, run: str, branch: str, commit: str, folder: Path) -> str:
        """Create `branch` at `commit`; the name it got (never an existing branch is moved).

        Without git in the user's folder, write `<branch>.patch` into `folder`; returns its path.
        """
        ...

    def fingerprint(self, exempt: Sequence[str] = ()) -> Fingerprint:
        """What the user has now. Paths under `exempt` (relative) are left out."""
        ...

    def leftovers(self, runs: Mapping[str, bool]) -> list[Kept]:
        """What is kept for `runs` (run -> whether it is over), workspaces and refs."""
        ...

    def prune(self, kept: Sequence[Kept]) -> int:
        """Delete these; refuses those that are unmerged. Returns bytes freed."""
        ...
