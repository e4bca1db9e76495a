"""What checks, prune, purge and trust print as `data` with --json. Times are Unix seconds."""

from __future__ import annotations

import msgspec

from orchestrate.core.running.status import RunStatus
from orchestrate.core.sharing.evidence import CheckCommand, Evidence
from orchestrate.ports.workspace import Kept


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace, ref or environment; `run` is empty for what belongs to no run.

    `reason` says why it is kept, and is empty for what was deleted.
    """

    run: str
    kind: str
    name: str
    size_bytes: int
    reason: str


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted, what was kept and why, and how much room that made."""

    deleted: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]
    freed_bytes: int


class PurgedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run whose transcripts and artifacts were deleted; `ended_at` is null if it can go on."""

    run: str
    status: RunStatus
    ended_at: float | None
    freed_bytes: int


class PurgedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs, and how much room that made."""

    runs: tuple[PurgedRun, ...]
    freed_bytes: int


class TrustData(msgspec.Struct, frozen=True, kw_only=True):
    """Whether commands of the repository may be run."""

    repository: str
    trusted: bool


def leftover(item: Kept) -> Leftover:
    """What --json says of something that is kept."""
    return Leftover(
        run=item.run,
        kind=item.kind,
        name=item.name,
        size_bytes=item.size_bytes,
        reason=item.reason,
    )


class ChecksData(msgspec.Struct, frozen=True, kw_only=True):
    """Commands found in the repository, and the evidence of the one that was run.

    `setup` are the commands its environment would be built with.
    """

    commands: tuple[CheckCommand, ...]
    setup: tuple[str, ...]
    notes: tuple[str, ...]
    trusted: bool
    evidence: Evidence | None = None
