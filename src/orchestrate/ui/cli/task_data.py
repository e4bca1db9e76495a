"""What the commands about tasks in the hands of people print as `data` with --json.

Times are Unix seconds; commits are full ids; paths are absolute.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.definition import InputValue, OutputSpec
from orchestrate.core.running.status import TaskStatus
from orchestrate.ports.performer import UpstreamArtifact


class HandedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `task list`: a task that waits for a person.

    `deadline_at` is null where they have as long as it takes. `reason` is why it was handed over,
    empty for a task that is a person's anyway. `folder` is the workspace it is done in, empty
    before `task take`.
    """

    run: str
    task: str
    number: int
    phase: str
    handed_at: float
    deadline_at: float | None
    reason: str
    folder: str


class HandedTaskDetail(HandedTask, frozen=True, kw_only=True):
    """All a person needs. `prompt` is as an agent would read it, `message` for people only.

    `earlier` says what became of earlier attempts, oldest first. `writes` are patterns of the paths
    it is to change, `must_change` whether it has to. `outputs` go to `outputs_dir`; `artifacts` are
    outputs of earlier tasks, to be read.
    """

    prompt: str
    message: str
    earlier: tuple[str, ...]
    inputs: dict[str, InputValue]
    writes: tuple[str, ...]
    must_change: bool
    outputs: tuple[OutputSpec, ...]
    outputs_dir: str
    artifacts: tuple[UpstreamArtifact, ...]


class TakenTask(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task is done. `folder` is empty in a run without workspaces.

    `begun`: it was there before. `into` holds links to both, if that was asked for.
    """

    run: str
    task: str
    number: int
    folder: str
    outputs_dir: str
    begun: bool
    into: str


class HandedInTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was handed in, or given back. `commit` is empty where nothing was changed."""

    run: str
    task: str
    number: int
    status: TaskStatus
    commit: str
    outputs: dict[str, str]
    by: str
