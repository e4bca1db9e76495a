"""Why something waits that has to do with delivered work: merges, conflicts, checkpoints, lists."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.running.owed import awaits_quiet, is_publication_owed, owed_checkpoint
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import RunStatus
from orchestrate.core.views.cause import Cause, listed

_CHECKPOINTS = {
    "start": "at the beginning",
    "phase": "at the end of a phase",
    "interval": "that falls due from time to time",
    "merge": "before work is merged",
    "manual": "that somebody asked for",
    "failure": "after a failure",
    "rollback": "before going back",
}


def names_of(state: RunState, mask: int) -> tuple[str, ...]:
    """Ids of the tasks in a bit set, most urgent first."""
    return tuple(state.index.order[number].id for number in bits(mask))


# -- one task ----------------------------------------------------------------------------------


def merging_cause(state: RunState, number: int) -> Cause:
    """Where the work of a task stands in the train."""
    before = names_of(state, state.merging & ((1 << number) - 1))
    if before:
        text = f"its work waits to be merged, behind that of {listed(before)}"
    elif owed_checkpoint(state):
        text = "its work is merged as soon as a checkpoint is taken"
    else:
        text = "its work is being merged and checked"
    return Cause("merging", text, names=before)


def conflict_cause(state: RunState, number: int) -> Cause:
    """Which files are in conflict, and what a person can type about it."""
    task, record = state.index.order[number].id, state.tasks[number]
    about = f"{state.run} {task}"
    return Cause(
        "conflict",
        f"its work and what was merged meanwhile change the same places: {_files(record)};"
        " a person has to join them or send the work back",
        names=(task,),
        commands=(
            f"orchestrate conflict show {about}",
            f"orchestrate conflict resolve {about}",
            f"orchestrate conflict send-back {about} --reason TEXT",
        ),
    )


def _files(record: TaskState) -> str:
    return listed([conflict.path for conflict in record.conflicts]) or "the files are not known"


def resolving_note(record: TaskState) -> str:
    """What an attempt at a task in conflict is for; empty for any other."""
    return f", to resolve the conflict in {_files(record)}" if record.resolving else ""


def list_cause(state: RunState, number: int) -> Cause:
    """What a group waits for before it has members."""
    group = state.index.order[number]
    if group.each is None:
        return Cause("list", "all its members have ended", names=group.members)
    text = f"its members are made from the output {group.each.output} of {group.each.task}"
    return Cause("list", text, names=(group.each.task,))


def quiet_cause(state: RunState) -> Cause | None:
    """Why nothing starts for a moment; None if it may."""
    if state.status is not RunStatus.EXECUTING or not awaits_quiet(state):
        return None
    return Cause("checkpoint", "a phase has ended, and its checkpoint is taken before more starts")


# -- a run -------------------------------------------------------------------------------------


def line_causes(state: RunState) -> Iterator[Cause]:
    """What the run as a whole waits for that has to do with its line, its lists and conflicts."""
    if state.status is RunStatus.EXECUTING:
        yield from _of_engine(state)
    for number in bits(state.conflicted):
        found = conflict_cause(state, number)
        task = state.index.order[number].id
        text = f"{task} is in conflict with what was merged: {_files(state.tasks[number])}"
        yield Cause("conflict", text, names=(task,), commands=found.commands)


def _of_engine(state: RunState) -> Iterator[Cause]:
    kind = owed_checkpoint(state)
    if kind is not None:
        yield Cause("checkpoint", f"a checkpoint is taken, the one {_CHECKPOINTS[kind]}")
    works = names_of(state, state.merging)
    if works:
        behind = f"; behind it: {listed(works[1:])}" if works[1:] else ""
        yield Cause("merging", f"the work of {works[0]} is merged{behind}", names=works)
    lists = names_of(state, state.groups) if not state.stopping else ()
    if lists:
        yield Cause("list", f"lists are read for {listed(lists)}", names=lists)
    if is_publication_owed(state):
        yield Cause("publication", "all is merged, and the result is put on a branch")
