"""Runs as the application sees them: found by prefix, loaded, created, resumed, told things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from orchestrate.core import codec
from orchestrate.core.planning.definition import InputValue, Workflow
from orchestrate.core.planning.fingerprint import fingerprint
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import advance
from orchestrate.core.running.effects import AskPerson, AwaitHandIn, pending
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.evolve import evolve, reopened
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.core.views.ladder import performer_text
from orchestrate.errors import ConflictError, OrchestrateError, RequestError
from orchestrate.ports.clock import Clock
from orchestrate.ports.store import EventStore, InboxAnswer, NewEvent, Snapshot, StreamHead

#: A snapshot is written when the log has grown by this many events, and at least doubled, since the
#: last: reading stays short and writing stays linear in the length of the log.
SNAPSHOT_EVERY = 1000


def to_store(events: Sequence[AnyEvent]) -> list[NewEvent]:
    """Encoded forms of `events`, ready to append."""
    return [
        NewEvent(type(event).__name__, event.at, codec.SCHEMA, codec.encode(event))
        for event in events
    ]


def resolve(store: EventStore, prefix: str) -> str:
    """The one run whose id begins with `prefix`; "last" is the latest created.

    Raises:
        RequestError: none or several.
    """
    heads = store.heads()
    if not heads:
        raise RequestError("there is no run here yet", remedy="start one: orchestrate security")
    if prefix in ("last", "@"):
        return heads[0].stream
    found = [head.stream for head in heads if head.stream.startswith(prefix)]
    if prefix in found:
        return prefix
    if len(found) == 1:
        return found[0]
    if not found:
        recent = ", ".join(head.stream for head in heads[:5])
        raise RequestError(f"no run begins with {prefix!r}", remedy=f"the latest: {recent}")
    raise RequestError(f"{prefix!r} could be {', '.join(found[:8])}", remedy="type one more letter")


def load(store: EventStore, run: str, *, at: int | None = None) -> RunState:
    """The state of `run`, after version `at` if given. The hash chain is checked on the way.

    Raises:
        RequestError: no such run, or no such version of it.
        StoreError: the log is damaged.
    """
    head = store.head(run)
    if head is None:
        raise RequestError(f"there is no run {run}")
    if at is not None and at > head.version:
        raise RequestError(
            f"run {run} has {head.version} events, and no event {at}",
            remedy=f"see them: orchestrate events {run}",
        )
    state, after = INITIAL, 0
    cached = store.snapshot(run)
    if cached is not None and (at is None or cached.version <= at):
        found = codec.decode_state(cached.data)
        if found is not None and found.version == cached.version:
            state, after = found, cached.version
    for stored in store.read(run, after, at):
        state = evolve(state, codec.decode_event(stored.data, stored.schema))
    return state


def history(store: EventStore, run: str, after: int = 0) -> list[tuple[int, AnyEvent]]:
    """Events of `run` later than version `after`, with their versions, in order."""
    return [
        (stored.version, codec.decode_event(stored.data, stored.schema))
        for stored in store.read(run, after)
    ]


async def save_snapshot(store: EventStore, state: RunState) -> None:
    """Cache `state`, which must be durable; does nothing if the store has moved on."""
    head = store.head(state.run)
    if head is not None and head.version == state.version:
        await store.save_snapshot(
            Snapshot(state.run, state.version, head.chain, codec.encode_state(state))
        )


class NewRun(msgspec.Struct, frozen=True):
    """What it takes to begin a run. `max_parallel` overrides the workflow's limit, by `by`.

    `base` is the commit its integration line begins at; empty for a run without one.
    """

    run: str
    workflow: Workflow
    inputs: dict[str, InputValue]
    request: str
    repository: str
    revision: str
    program: str
    max_parallel: int | None = None
    by: str = ""
    base: str = ""


async def create(store: EventStore, clock: Clock, new: NewRun, owner: str) -> RunState:
    """Create, plan, start and adopt a run in one transaction.

    Raises:
        VersionConflictError: the id is taken.
    """
    commands: list[cmd.AnyCommand] = [
        cmd.CreateRun(
            run=new.run,
            request=new.request,
            repository=new.repository,
            revision=new.revision,
            program=new.program,
            base=new.base,
        ),
        cmd.PlanRun(
            workflow=new.workflow,
            inputs=new.inputs,
            fingerprint=fingerprint(new.workflow, new.inputs),
        ),
    ]
    if new.max_parallel is not None:
        commands.append(cmd.SetLimit(max_parallel=new.max_parallel, by=new.by))
    commands += [cmd.StartRun(reason="requested"), cmd.AdoptRun(owner=owner)]
    return await apply(store, clock, INITIAL, commands, run=new.run)


async def apply(
    store: EventStore,
    clock: Clock,
    state: RunState,
    commands: Sequence[cmd.AnyCommand],
    *,
    run: str | None = None,
) -> RunState:
    """Decide `commands` one after another and append all their events at once.

    Only for the run's owner. Raises what `advance` raises, having changed nothing.
    """
    before = state.version
    events: list[AnyEvent] = []
    for command in commands:
        added, state = advance(state, command, clock.now())
        events += added
    await store.append(run or state.run, before, to_store(events))
    return state


def take_inbox(
    store: EventStore, state: RunState, now: float
) -> tuple[list[AnyEvent], list[InboxAnswer], RunState]:
    """Decide about every waiting command: events to append, an answer to each, the state after.

    Only for the run's owner, who appends events and answers in one transaction.
    """
    events: list[AnyEvent] = []
    answers: list[InboxAnswer] = []
    for entry in store.inbox(state.run):
        try:
            added, state = advance(state, codec.decode_command(entry.data), now)
        except OrchestrateError as error:
            reason = f"{error.message}; {error.remedy}" if error.remedy else error.message
            answers.append(InboxAnswer(entry.id, reason))
        else:
            events += added
            answers.append(InboxAnswer(entry.id))
    return events, answers, state


async def settle_inbox(store: EventStore, clock: Clock, state: RunState) -> RunState:
    """Take up what was sent to an owner who died before answering; returns the state after it.

    Only for the run's owner.
    """
    events, answers, after = take_inbox(store, state, clock.now())
    if answers:
        await store.append(state.run, state.version, to_store(events), answers)
    return after


# -- what can be resumed -----------------------------------------------------------------------

Fate = Literal[
    "kept",
    "recover",
    "again",
    "retry",
    "start",
    "merge",
    "conflict",
    "handed",
    "blocked",
    "skipped",
]


class PreviewLine(msgspec.Struct, frozen=True):
    """What resuming does about one task, and why."""

    task: str
    fate: Fate
    why: str


class ResumePreview(msgspec.Struct, frozen=True):
    """What resuming a run would do. Nothing is changed by asking."""

    run: str
    status: RunStatus
    reason: str
    lines: tuple[PreviewLine, ...]


#: Statuses of runs that `resume` can go on with once nobody drives them.
RESUMABLE = frozenset({RunStatus.EXECUTING, RunStatus.PAUSED, RunStatus.FAILED})


def is_resumable(state: RunState, *, owned: bool) -> bool:
    """Whether `resume` can do anything for a run that is (not) driven by a live process."""
    return not owned and state.status in RESUMABLE


def preview(state: RunState, has_outcome: Callable[[str, int], bool]) -> ResumePreview:
    """What would run again, and why.

    Args:
        state: the run.
        has_outcome: whether attempt (task, number) left its outcome on disk.

    Raises:
        ConflictError: the run is over.
    """
    if state.status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
        raise ConflictError(
            f"run {state.run} is {state.status.value}; there is nothing to resume",
            remedy=f"orchestrate show {state.run}",
        )
    plan = state.index
    # Only a run that has failed gives its failures a new allowance when it is resumed.
    again = reopened(state) if state.status is RunStatus.FAILED else 0
    lines = tuple(
        _preview_task(state, plan.position[spec.id], again, has_outcome)
        for spec in plan.workflow.tasks
    )
    return ResumePreview(state.run, state.status, state.reason, lines)


def _preview_task(
    state: RunState, number: int, again: int, has_outcome: Callable[[str, int], bool]
) -> PreviewLine:
    """The line of the task at `number`; `again` is a bit set of the tasks that open again."""
    task = state.tasks[number]
    name = state.index.order[number].id
    opens_again = bool(again >> number & 1)
    match task.status:
        case TaskStatus.SUCCEEDED:
            return PreviewLine(name, "kept", f"finished in attempt {task.attempts}")
        case TaskStatus.RUNNING if has_outcome(name, task.attempts):
            return PreviewLine(
                name, "recover", f"attempt {task.attempts} finished; its outcome is on disk"
            )
        case TaskStatus.RUNNING:
            return PreviewLine(
                name, "again", f"attempt {task.attempts} was cut off and left no outcome"
            )
        case TaskStatus.RETRYING:
            why = f"attempt {task.attempts} failed: {task.message}{_by(state, number)}"
            return PreviewLine(name, "retry", why)
        case TaskStatus.HANDED:
            why = f"a person has it: orchestrate task show {state.run} {name}"
            return PreviewLine(name, "handed", why)
        case TaskStatus.FAILED if not opens_again and state.status is RunStatus.FAILED:
            return PreviewLine(name, "kept", f"failed, and the run went on past it: {task.message}")
        case TaskStatus.FAILED if not opens_again:
            return PreviewLine(name, "kept", f"failed, and stays so for now: {task.message}")
        case TaskStatus.FAILED:
            return PreviewLine(
                name, "retry", f"failed after {task.attempts} attempts: {task.message}"
            )
        case TaskStatus.READY:
            why = f"was interrupted{_by(state, number)}" if task.attempts else "has not started"
            return PreviewLine(name, "start", why)
        case TaskStatus.MERGING:
            return PreviewLine(name, "merge", f"attempt {task.attempts} delivered work to merge")
        case TaskStatus.CONFLICTED:
            why = f"its work conflicts: orchestrate conflict show {state.run} {name}"
            return PreviewLine(name, "conflict", why)
        case TaskStatus.SKIPPED if task.skipped_by == "condition":
            return PreviewLine(name, "skipped", f"its condition was false: {task.message}")
        case TaskStatus.SKIPPED if not opens_again:
            return PreviewLine(name, "skipped", f"was skipped: {task.message}")
        case _:
            waits = [
                state.index.order[other].id
                for other in state.index.needs[number]
                if state.tasks[other].status is not TaskStatus.SUCCEEDED
            ]
            why = f"waits for {', '.join(waits)}" if waits else "waits for an earlier phase"
            return PreviewLine(name, "blocked", why)


def _by(state: RunState, number: int) -> str:
    """Who tries next, where a model does."""
    who = performer_text(state, number)
    return f"; next is {who}" if who else ""


# -- listing -----------------------------------------------------------------------------------


class RunRow(msgspec.Struct, frozen=True):
    """One line of a list of runs. Times are Unix seconds; `ended_at` is None while it goes on.

    `status` is None when the run's log cannot be read. `waiting` counts gates that a person has to
    decide, and tasks that people have.
    """

    run: str
    workflow: str
    status: RunStatus | None
    request: str
    created_at: float
    ended_at: float | None
    tasks: int
    succeeded: int
    running: int
    waiting: int


def row(state: RunState, head: StreamHead) -> RunRow:
    """The list line of a run."""
    statuses = [task.status for task in state.tasks.values()]
    return RunRow(
        run=state.run,
        workflow=state.index.workflow.name if state.plan is not None else "",
        status=state.status,
        request=state.request,
        created_at=head.created_at,
        ended_at=state.ended_at or None,
        tasks=len(statuses),
        succeeded=statuses.count(TaskStatus.SUCCEEDED),
        running=state.live.bit_count(),
        waiting=sum(isinstance(effect, AskPerson | AwaitHandIn) for effect in pending(state)),
    )


def unreadable_row(head: StreamHead) -> RunRow:
    """The list line of a run whose log is damaged: what its stream's head says."""
    return RunRow(
        run=head.stream,
        workflow="",
        status=None,
        request="",
        created_at=head.created_at,
        ended_at=None,
        tasks=0,
        succeeded=0,
        running=0,
        waiting=0,
    )
