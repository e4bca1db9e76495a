"""Tasks in the hands of people: which there are, all that is known of one, and its workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.running import events as ev
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import RUN_ENDED, TaskStatus
from orchestrate.errors import ConflictError, RequestError, StoreError
from orchestrate.hosts.local.perform import workspace_request
from orchestrate.hosts.local.request import build_request
from orchestrate.ports.performer import AttemptRequest
from orchestrate.ports.store import EventStore
from orchestrate.ports.workspace import Workspace
from orchestrate.ui.cli.task_data import HandedTask, HandedTaskDetail


class Handed(NamedTuple):
    """A task that waits for a person: its definition, its record, and the request for it."""

    state: RunState
    spec: TaskSpec
    record: TaskState
    request: AttemptRequest

    @property
    def key(self) -> AttemptKey:
        """The attempt that is the person's."""
        return self.request.key


def handed(site: wiring.Site, state: RunState, name: str) -> Handed:
    """The task called `name`, which waits for a person to do it.

    Raises:
        RequestError: the run has no such task.
        ConflictError: it waits for no such thing.
    """
    if state.plan is None or name not in state.index.position:
        raise RequestError(
            f"run {state.run} has no task {name!r}",
            remedy=f"see: orchestrate task list {state.run}",
        )
    record = state.task(name)
    if record.status is not TaskStatus.HANDED or state.status in RUN_ENDED:
        there = [state.index.order[number].id for number in bits(state.handed)]
        raise ConflictError(
            f"task {name} of run {state.run} is {record.status.value} and in nobody's hands",
            remedy=f"to be done: {', '.join(there)}"
            if there and state.status not in RUN_ENDED
            else f"see: orchestrate status {state.run}",
        )
    key = AttemptKey(state.run, name, record.attempts)
    request = build_request(state, key, site.runs_dir, wiring.catalog_of(site))
    return Handed(state, state.index.order[state.index.position[name]], record, request)


def all_handed(site: wiring.Site, store: EventStore, run: str = "") -> Iterator[HandedTask]:
    """Tasks that wait for a person, in `run` or in all runs, the latest run first."""
    for name in [run] if run else [head.stream for head in store.heads()]:
        try:
            state = runs.load(store, name)
        except StoreError:
            if run:
                raise
            continue  # `orchestrate list` says so
        if state.plan is None or state.status in RUN_ENDED:
            continue
        events = [event for _, event in runs.history(store, name)] if state.handed else []
        for number in bits(state.handed):
            task = handed(site, state, state.index.order[number].id)
            yield _row(site, task, events)


def detail(site: wiring.Site, store: EventStore, task: Handed) -> HandedTaskDetail:
    """All that a person needs to do it."""
    events = [event for _, event in runs.history(store, task.state.run)]
    request = task.request
    return HandedTaskDetail(
        **msgspec.structs.asdict(_row(site, task, events)),
        prompt=request.prompt,
        message=task.spec.hand_over.message if task.spec.hand_over is not None else "",
        earlier=tuple(earlier(events, task.spec.id)),
        inputs=request.inputs,
        writes=task.spec.writes,
        must_change=task.spec.must_change,
        outputs=request.outputs,
        outputs_dir=request.outputs_dir,
        artifacts=request.artifacts,
    )


def opened_workspace(site: wiring.Site, task: Handed) -> Workspace | None:
    """The workspace the task is being done in; None before that, and in a run without one."""
    if not task.request.base:
        return None
    return wiring.workspaces_of(site).open(workspace_request(task.request))


def taken_workspace(site: wiring.Site, task: Handed) -> tuple[Workspace | None, bool]:
    """The workspace to do the task in, made if need be, and whether it was there before."""
    found = opened_workspace(site, task)
    if found is not None or not task.request.base:
        return found, found is not None
    return wiring.workspaces_of(site).prepare(workspace_request(task.request)), False


def new_folder(site: wiring.Site, into: str) -> Path:
    """A new folder for links to where a task is done.

    Raises:
        RequestError: it is there already, or inside the repository, where it would be a change.
    """
    target = Path(into).absolute()
    if target.resolve().is_relative_to(site.root):
        raise RequestError(
            f"{target} is inside the repository, which a run leaves as it is",
            remedy="name a folder outside of it",
        )
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise RequestError(f"{target} is there already", remedy="name a new folder") from None
    return target


def _row(site: wiring.Site, task: Handed, events: Sequence[ev.AnyEvent]) -> HandedTask:
    name = task.spec.id
    asked = [event for event in events if isinstance(event, ev.TaskHanded) and event.task == name]
    place = opened_workspace(site, task)
    return HandedTask(
        run=task.state.run,
        task=name,
        number=task.key.number,
        phase=task.spec.phase,
        handed_at=task.record.started_at,
        deadline_at=task.record.deadline_at,
        reason=asked[-1].reason if asked and task.record.rung == "human" else "",
        folder=place.folder if place is not None else "",
    )


def earlier(events: Sequence[ev.AnyEvent], name: str) -> Iterator[str]:
    """What became of attempts before this one, and what was advised."""
    for event in events:
        if getattr(event, "task", "") != name:
            continue
        match event:
            case ev.AttemptFailed():
                yield f"attempt {event.number} failed ({event.cause}): {event.message}"
            case ev.WorkReturned():
                seen = "; ".join(
                    f"{note.name} {note.verdict}: {note.path}" for note in event.checks
                )
                said = f"{event.message} ({seen})" if seen else event.message
                yield f"attempt {event.number} was sent back ({event.cause}): {said}"
            case ev.AdviceGiven():
                yield f"advice after attempt {event.number}: {event.advice}"
            case _:
                pass
