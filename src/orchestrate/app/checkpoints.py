"""Checkpoints of a run, read from its log: listed, found, shown, and what they hold."""

from __future__ import annotations

import hashlib

import msgspec

from orchestrate.app.runs import load
from orchestrate.core import codec
from orchestrate.core.running.events import CheckpointTaken, RunRolledBack
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus
from orchestrate.errors import RequestError
from orchestrate.ports.store import EventStore


class Checkpoint(msgspec.Struct, frozen=True):
    """One checkpoint. `version` is its place in the run's log, `chain` the log's hash chain there.

    `line` is the commit of the integration line, empty in a run without one. `snapshots` maps a
    task that was at work to the commit holding its workspace, `missing` those that could not be
    held to the reason. `current`: the run went back to it last and nothing happened since.
    """

    checkpoint: str
    version: int
    chain: str
    at: float
    kind: str
    line: str
    snapshots: dict[str, str]
    missing: dict[str, str]
    quiet: bool
    note: str
    by: str
    current: bool = False


def checkpoints(store: EventStore, run: str) -> list[Checkpoint]:
    """All checkpoints of `run`, oldest first. The hash chain is checked on the way."""
    found: list[Checkpoint] = []
    last_rollback = ""
    at_version = 0
    for stored in store.read(run):
        if stored.kind not in ("CheckpointTaken", "RunRolledBack"):
            continue
        event = codec.decode_event(stored.data, stored.schema)
        if isinstance(event, RunRolledBack):
            last_rollback, at_version = event.checkpoint, stored.version
        elif isinstance(event, CheckpointTaken):
            found.append(
                Checkpoint(
                    checkpoint=event.checkpoint,
                    version=stored.version,
                    chain=stored.chain.hex(),
                    at=event.at,
                    kind=event.kind,
                    line=event.line,
                    snapshots=event.snapshots,
                    missing=event.missing,
                    quiet=event.quiet,
                    note=event.note,
                    by=event.by,
                )
            )
    head = store.head(run)
    if head is not None and head.version == at_version:
        return [
            msgspec.structs.replace(item, current=item.checkpoint == last_rollback)
            for item in found
        ]
    return found


def find(store: EventStore, run: str, name: str) -> Checkpoint:
    """The checkpoint called `name`; "last" is the latest, "stable" the latest quiet one.

    Raises:
        RequestError: there is none of that name.
    """
    found = checkpoints(store, run)
    if name == "last" and found:
        return found[-1]
    for item in reversed(found):
        if item.checkpoint == name or (name == "stable" and item.quiet):
            return item
    known = ", ".join(item.checkpoint for item in found[-8:]) or "none"
    raise RequestError(
        f"run {run} has no checkpoint {name!r}",
        remedy=f"its latest: {known}; all of them: orchestrate checkpoint list {run}",
    )


def facts_at(store: EventStore, run: str, checkpoint: Checkpoint) -> Facts:
    """What the checkpoint holds of the state."""
    state = load(store, run, at=checkpoint.version)
    return facts(state, checkpoint.checkpoint, checkpoint.snapshots)


def state_digest(state: RunState) -> str:
    """The SHA-256 of what a checkpoint restores, so that two moments can be compared.

    Attempts at work count as ready with their workspace's snapshot, and tasks that people have as
    ready to be handed out, as a rollback leaves them; the numbers of attempts and all times are
    left out.
    """
    return facts_digest(facts(state, ""))


def facts_digest(held: Facts) -> str:
    """Like `state_digest`, of what a checkpoint holds."""
    tasks = {name: essence(task, held.snapshots.get(name)) for name, task in held.tasks.items()}
    gates = {
        name: "closed" if gate.status.value == "open" else gate.status.value
        for name, gate in held.gates.items()
    }
    whole = (held.line, sorted(tasks.items()), sorted(gates.items()), held.workflow)
    return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()


def essence(task: TaskState, snapshot: str | None = None) -> dict[str, object]:
    """What of a task a checkpoint restores; `snapshot` is that of its workspace, if at work."""
    at_work = task.status is TaskStatus.RUNNING
    begun = at_work or task.status is TaskStatus.HANDED
    return {
        "status": "ready" if begun else task.status.value,
        "summary": task.summary,
        "artifacts": task.artifacts,
        "commit": task.commit,
        "work": task.work.tree if task.work is not None else "",
        "snapshot": (snapshot or "") if at_work else task.snapshot,
    }
