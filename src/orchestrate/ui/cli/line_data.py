"""What the commands about checkpoints, states and conflicts print as `data` with --json.

Times are Unix seconds; commits and trees are full ids. Fields are only ever added.
"""

from __future__ import annotations

import msgspec

from orchestrate.app.checkpoints import Checkpoint
from orchestrate.app.rollback_preview import GateChange, TaskChange
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.core.views.lifecycle import Transition


class CheckpointRow(Checkpoint, frozen=True, kw_only=True):
    """A line of `checkpoint list`: a checkpoint, and how many tasks there were, done, at work."""

    tasks: int
    done: int
    at_work: int


class HeldWorkspace(msgspec.Struct, frozen=True, kw_only=True):
    """The workspace of a task that was at work; `paths` differ from the commit it began at.

    `tree` is empty when the snapshot has been pruned since.
    """

    task: str
    commit: str
    tree: str
    paths: tuple[str, ...]


class RollbackPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What going to a checkpoint changes, compared with now.

    `files` differ on the integration line; `added` and `removed` count lines of text.
    """

    run: str
    checkpoint: str
    status: RunStatus
    line_now: str
    line_then: str
    files: tuple[str, ...]
    added: int
    removed: int
    tasks: tuple[TaskChange, ...]
    gates: tuple[GateChange, ...]


class CheckpointDetail(CheckpointRow, frozen=True, kw_only=True):
    """All of a checkpoint. `digest` is the SHA-256 of what it restores of the state.

    `problem` says why it cannot be gone to now, if so; `changes` is null if its code is gone.
    """

    run: str
    line_tree: str
    workspaces: tuple[HeldWorkspace, ...]
    statuses: dict[str, TaskStatus]
    digest: str
    changes: RollbackPreview | None
    problem: str


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """A run after a rollback. `forward` is the checkpoint that holds what was there before it."""

    run: str
    checkpoint: str
    forward: str
    status: RunStatus
    line: str
    digest: str
    changes: RollbackPreview


class CurrentState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands now, after event number `version`.

    `transitions` are the statuses that `state transition` can bring about, `commands` what can be
    typed, `waiting` why nothing goes on. `digest` is as in `checkpoint show`.
    """

    run: str
    status: RunStatus
    reason: str
    version: int
    digest: str
    base: str
    line: str
    branch: str
    checkpoints: int
    tasks: dict[TaskStatus, int]
    transitions: tuple[RunStatus, ...]
    commands: tuple[str, ...]
    waiting: tuple[str, ...]
    next: str
    driven: bool
    note: str


class StateHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Every change of a run's status, oldest first."""

    run: str
    transitions: tuple[Transition, ...]


class ConflictRow(msgspec.Struct, frozen=True, kw_only=True):
    """Work that contradicts what was merged. `returns` is how often it was sent back.

    `resolving`: an attempt is to join the two, and nobody is asked.
    """

    task: str
    number: int
    work: str
    files: tuple[str, ...]
    returns: int
    resolving: bool


class ConflictedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file in conflict. A version is null where there is no such file, or where it is no text.

    `base` is what both began at, `ours` what the line has, `theirs` what the work has; `kind` is
    git's word for the conflict. `binary`: at least one version is no UTF-8 text.
    """

    path: str
    kind: str
    base: str | None
    ours: str | None
    theirs: str | None
    binary: bool


class ConflictDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict. `folder` holds the files with both sides and the base marked in them.

    `base` is the commit of the line it was laid out from; `begun`: somebody was given it before.
    """

    run: str
    task: str
    number: int
    work: str
    base: str
    folder: str
    begun: bool
    files: tuple[ConflictedFile, ...]


class ConflictAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a conflict: `commit` joins both sides; empty when the work was sent back."""

    run: str
    task: str
    number: int
    status: TaskStatus
    commit: str
    by: str
