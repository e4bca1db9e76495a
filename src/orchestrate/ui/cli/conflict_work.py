"""Work in conflict with the integration line, and the workspace in which a person joins the two."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from orchestrate.app import runs
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ports.store import EventStore
from orchestrate.ports.workspace import Workspace, WorkspaceRequest, Workspaces
from orchestrate.ui.cli.line_data import ConflictedFile, ConflictRow


def conflicts_of(state: RunState) -> tuple[ConflictRow, ...]:
    """All work of the run that contradicts its line, in the order of the workflow."""
    if state.plan is None:
        return ()
    found = []
    for spec in state.index.workflow.tasks:
        task = state.task(spec.id)
        if task.work is None or not task.conflicts:
            continue
        found.append(
            ConflictRow(
                task=spec.id,
                number=task.attempts,
                work=task.work.commit,
                files=tuple(item.path for item in task.conflicts),
                returns=task.returns,
                resolving=task.status is not TaskStatus.CONFLICTED,
            )
        )
    return tuple(found)


def conflicted(state: RunState, name: str) -> tuple[TaskState, Work]:
    """The task called `name`, which waits for a person to join its work with the line.

    Raises:
        RequestError: the run has no such task.
        ConflictError: it waits for no such thing.
    """
    if state.plan is None or name not in state.index.position:
        raise RequestError(
            f"run {state.run} has no task {name!r}",
            remedy=f"see: orchestrate conflict list {state.run}",
        )
    task = state.task(name)
    if task.status is not TaskStatus.CONFLICTED or task.work is None:
        waiting = [row.task for row in conflicts_of(state) if not row.resolving]
        raise ConflictError(
            f"task {name} of run {state.run} is {task.status.value} and waits for no resolution",
            remedy=f"in conflict: {', '.join(waiting)}"
            if waiting
            else f"see: orchestrate status {state.run}",
        )
    return task, task.work


# -- the workspace -----------------------------------------------------------------------------


def opened_resolution(
    store: EventStore, workspaces: Workspaces, state: RunState, name: str
) -> Workspace | None:
    """The workspace in which the conflict of task `name` is being resolved; None before that.

    The line may have moved on since somebody began: what they did there stays valid, because a
    resolution is merged like any other work.
    """
    for base in reversed(_lines_since(store, state, name)):
        found = workspaces.open(_request(state, name, base))
        if found is not None:
            return found
    return None


def prepared_resolution(workspaces: Workspaces, state: RunState, name: str) -> Workspace:
    """A new workspace with the line as it is now and the work, conflicts marked in the files."""
    return workspaces.prepare(_request(state, name, state.line))


def _request(state: RunState, name: str, base: str) -> WorkspaceRequest:
    task, work = conflicted(state, name)
    return WorkspaceRequest(
        run=state.run, name=f"{name}.{task.attempts}.resolve", base=base, merging=work.commit
    )


def _lines_since(store: EventStore, state: RunState, name: str) -> list[str]:
    """Where the line has been since the conflict was found, oldest first, now last.

    A rollback begins anew: what the line was before it may hold work that was taken back.
    """
    found: list[str] = []
    for _, event in runs.history(store, state.run):
        match event:
            case ev.WorkConflicted() if event.task == name:
                found = [event.line]
            case ev.RunRolledBack():
                found = [event.line]
            case ev.WorkMerged() if found:
                found.append(event.commit)
            case ev.CheckpointTaken() if found:
                found.append(event.line)
    return list(dict.fromkeys((*found, state.line)))


# -- what it is about --------------------------------------------------------------------------


def file_in_conflict(workspaces: Workspaces, conflict: Conflict) -> ConflictedFile:
    """The three versions of a file."""
    contents = [
        workspaces.blob(blob) if blob else None
        for blob in (conflict.base, conflict.ours, conflict.theirs)
    ]
    texts = [None if data is None else _text(data) for data in contents]
    binary = any(
        data is not None and text is None for data, text in zip(contents, texts, strict=True)
    )
    base, ours, theirs = texts
    return ConflictedFile(
        path=conflict.path, kind=conflict.kind, base=base, ours=ours, theirs=theirs, binary=binary
    )


def _text(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def changes_of(file: ConflictedFile) -> Iterator[str]:
    """What each side made of the base, as unified differences, one after the other."""
    if file.binary:
        yield "  (not text: look at the versions in the workspace)"
        return
    for label, side in (("the line", file.ours), ("the work", file.theirs)):
        if side is None:
            yield f"  {label} has no such file"
            continue
        yield from difflib.unified_diff(
            _lines(file.base), _lines(side), "the base", label, lineterm=""
        )


def versions_of(file: ConflictedFile) -> Iterator[str]:
    """The three versions whole, one after the other."""
    sides = (("the base", file.base), ("the line", file.ours), ("the work", file.theirs))
    for label, text in sides:
        yield f"--- {label}"
        yield from ("  (no such file, or not text)",) if text is None else _lines(text)


def _lines(text: str | None) -> list[str]:
    return [] if text is None else text.splitlines()
