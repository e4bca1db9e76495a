"""What a run owes to its integration line: merges, checkpoints, lists, publication.

Each kind is done one at a time and ends in commands, like attempts do. What cannot be done for want
of room or of git pauses the run: nothing about the work itself was learnt, and trying again at once
would meet the same wall.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import InputValue
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running.events import GroupItem
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import InternalError, OrchestrateError, RequestError
from orchestrate.hosts.local.audit import Audit
from orchestrate.hosts.local.perform import workspace_request
from orchestrate.hosts.local.train import Train, tasks_merged
from orchestrate.ports.clock import Clock
from orchestrate.ports.performer import AttemptRequest
from orchestrate.ports.workspace import Workspaces

RequestOf = Callable[[RunState, AttemptKey], AttemptRequest]
Report = Callable[[cmd.AnyCommand], None]
LineEffect = fx.MergeWorks | fx.TakeCheckpoint | fx.ReadList | fx.PublishLine
_OWN = (fx.MergeWorks, fx.TakeCheckpoint, fx.ReadList, fx.PublishLine)


def branch_of(run: str) -> str:
    """The branch a run's line is published as."""
    return f"orchestrate/{run}"


class LineKeeper:
    """Performs the effects that concern a run's integration line.

    Attributes:
        failure: a defect met on the way; the driver ends with it.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        train: Train,
        clock: Clock,
        runs_dir: Path,
        build_request: RequestOf,
        audit: Audit,
    ) -> None:
        self.failure: InternalError | None = None
        self._workspaces = workspaces
        self._train = train
        self._clock = clock
        self._runs_dir = runs_dir
        self._build_request = build_request
        self._audit = audit
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._tidied: set[str] = set()
        self._spare_at = ""
        self._stuck = False

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._at_work

    def start_owed(self, state: RunState, report: Report) -> None:
        """Perform what `state` owes to the line and nobody performs yet.

        Nothing after an error: a paused run still owes a checkpoint that somebody asked for, and
        trying that in every turn would keep the driver from ending.
        """
        if self._stuck:
            return
        for effect in fx.pending(state):
            if isinstance(effect, _OWN) and (slot := _slot(effect)) not in self._at_work:
                task = asyncio.create_task(self._perform(state, effect, report))
                self._at_work[slot] = task
                task.add_done_callback(partial(self._done, slot, report))
        self._prepare_ahead(state)
        self._tidy(state)

    def stop(self) -> None:
        """Cancel what is in flight; all of it can be begun again."""
        for task in self._at_work.values():
            if not task.cancelling():
                task.cancel()

    async def release(self) -> None:
        """Cancel everything and wait until it is gone."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, slot: str, report: Report, task: asyncio.Task[None]) -> None:
        del self._at_work[slot]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, OrchestrateError | OSError):
            self._stuck = True
            report(cmd.PauseRun(reason=f"{slot}: {error}", by="engine"))
        elif error is not None:
            self.failure = InternalError(f"{slot} broke: {error!r}")
            self.failure.__cause__ = error
        # Whatever happened, somebody has to look at what is owed now.
        report(cmd.PassTime())

    async def _perform(self, state: RunState, effect: LineEffect, report: Report) -> None:
        match effect:
            case fx.MergeWorks():
                await self._train.drive(state, effect, report)
            case fx.TakeCheckpoint():
                report(await self.take_checkpoint(state, effect))
            case fx.ReadList():
                report(await asyncio.to_thread(read_list, state, effect.task))
            case fx.PublishLine():
                await self._publish(state, effect, report)

    # -- checkpoints ---------------------------------------------------------------------------

    async def take_checkpoint(
        self, state: RunState, effect: fx.TakeCheckpoint
    ) -> cmd.RecordCheckpoint:
        """Snapshot the workspaces of the attempts named, and mark the line if that is asked."""
        now = self._clock.now()
        snapshots: dict[str, str] = {}
        missing: dict[str, str] = {}
        for key in effect.attempts:
            try:
                commit = await asyncio.to_thread(self._snapshot, state, key, now)
            except (OrchestrateError, OSError) as error:
                missing[key.folder] = str(error)
            else:
                snapshots[key.folder] = commit
        mark = ""
        if effect.mark:
            message = f"Phase {' and '.join(effect.mark)} done\n\nRun: {state.run}\n"
            mark = await asyncio.to_thread(self._workspaces.mark, effect.line, message, now)
            name = f"phases/{'-'.join(effect.mark)}.{state.version}"
            await asyncio.to_thread(self._workspaces.keep, state.run, name, mark)
        return cmd.RecordCheckpoint(
            kind=effect.kind,
            checkpoint=effect.checkpoint,
            line=effect.line,
            mark=mark,
            snapshots=snapshots,
            missing=missing,
            note=effect.note,
            by=effect.by,
        )

    def _snapshot(self, state: RunState, key: AttemptKey, at: float) -> str:
        request = workspace_request(self._build_request(state, key))
        workspace = self._workspaces.open(request)
        if workspace is None:
            raise RequestError("its workspace is not ready yet")
        return self._workspaces.snapshot(workspace, at)

    # -- the end -------------------------------------------------------------------------------

    async def _publish(self, state: RunState, effect: fx.PublishLine, report: Report) -> None:
        """Give the line to the user. The audit comes first: publication ends the run."""
        branch = await asyncio.to_thread(
            self._workspaces.publish,
            state.run,
            branch_of(state.run),
            effect.line,
            self._runs_dir / state.run,
        )
        report(await asyncio.to_thread(self._audit.compare, state.run, branch))
        report(cmd.RecordPublication(branch=branch, commit=effect.line))

    # -- workspaces ----------------------------------------------------------------------------

    def _prepare_ahead(self, state: RunState) -> None:
        """Have a workspace ready while those who will need it wait for a slot."""
        if not state.line or state.status is not RunStatus.EXECUTING or state.stopping:
            return
        order = state.index.order
        waits = any(order[number].in_workspace for number in bits(state.ready | state.retrying))
        wanted = f"{state.line} {state.live.bit_count()}"
        if waits and wanted != self._spare_at and "spare" not in self._at_work:
            self._spare_at = wanted
            self._quietly("spare", self._workspaces.prefetch, state.line)

    def _tidy(self, state: RunState) -> None:
        """Remove workspaces whose work is merged: all they hold is in a commit."""
        if not state.line or "tidy" in self._at_work:
            return
        merged = [name for name in tasks_merged(state) if name not in self._tidied]
        if merged:
            self._tidied.update(merged)
            self._quietly("tidy", self._discard, state.run, merged)

    def _discard(self, run: str, names: list[str]) -> None:
        for name in names:
            self._workspaces.discard(run, name)

    def _quietly(self, slot: str, work: Callable[..., object], *arguments: object) -> None:
        """Do something that saves time or room, and whose failure concerns nobody."""

        async def attempt() -> None:
            try:
                await asyncio.to_thread(work, *arguments)
            except (OrchestrateError, OSError):
                self._spare_at = ""

        task = self._at_work[slot] = asyncio.create_task(attempt())
        task.add_done_callback(lambda _: self._at_work.pop(slot))


def _slot(effect: LineEffect) -> str:
    match effect:
        case fx.MergeWorks():
            return "merging"
        case fx.TakeCheckpoint():
            return "taking a checkpoint"
        case fx.ReadList():
            return f"reading the list of {effect.task}"
        case fx.PublishLine():
            return "publishing"


# -- lists -------------------------------------------------------------------------------------


def read_list(state: RunState, task: str) -> cmd.ExpandGroup:
    """The items of the list that group `task` is over, or what is wrong with it."""
    try:
        items = tuple(_item(entry) for entry in _entries(state, task))
    except (RequestError, OSError) as error:
        return cmd.ExpandGroup(task=task, problem=f"its list cannot be read: {error}")
    return cmd.ExpandGroup(task=task, items=items)


def _entries(state: RunState, task: str) -> list[Mapping[str, object]]:
    each = state.index.order[state.index.position[task]].each
    if each is None:
        raise RequestError(f"{task} is over no list")
    found = [item for item in state.task(each.task).artifacts if item.name == each.output]
    if not found:
        raise RequestError(f"task {each.task} left no output {each.output}")
    data = Path(found[0].path).read_bytes()
    if hashlib.sha256(data).hexdigest() != found[0].digest:
        raise RequestError(f"output {each.output} of task {each.task} was changed")
    try:
        entries: list[Mapping[str, object]] = msgspec.json.decode(
            data, type=list[dict[str, object]]
        )
        return entries
    except msgspec.MsgspecError as error:
        raise RequestError(f"{found[0].path}: not a list of objects: {error}") from error


def _item(entry: Mapping[str, object]) -> GroupItem:
    values: dict[str, InputValue] = {}
    for name, value in entry.items():
        if not isinstance(value, str | int | float | bool):
            raise RequestError(f"item {entry.get('key')!r}: {name} is not a plain value")
        values[name] = value
    key = values.pop("key", "")
    if not isinstance(key, str) or not key:
        raise RequestError("an item has no key")
    writes = str(values.get("writes", ""))
    return GroupItem(key, values, tuple(line for line in writes.splitlines() if line.strip()))
