"""Commands about delivered work, and about groups: merged, sent back, in conflict, expanded.

A report names what it is about (the line, the commit of the work), because both may have changed
since: somebody rolled the run back, or handed in another version of the work.
"""

from __future__ import annotations

from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.expansion import problem_with
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.legality import Events, StaleAttemptError, position
from orchestrate.core.running.recovery import climb
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus

_Report = cmd.AcceptWork | cmd.ReturnWork | cmd.ReportConflict


def _queued(state: RunState, report: _Report) -> tuple[TaskSpec, TaskState]:
    """The task whose delivered work `report` is about, with its definition.

    Raises:
        StaleAttemptError: that work, or that line, is not what waits to be merged.
    """
    number = position(state, report.task)
    task = state.tasks[number]
    replaced = report.work and (task.work is None or task.work.commit != report.work)
    if task.status is not TaskStatus.MERGING or task.attempts != report.number or replaced:
        raise StaleAttemptError(f"work {report.task}.{report.number} is not waiting to be merged")
    if report.line != state.line and (report.line or not isinstance(report, cmd.ReturnWork)):
        raise StaleAttemptError(f"the line is at {state.line}, and no longer at {report.line}")
    return state.index.order[number], task


def _require_conflict(state: RunState, name: str, number: int) -> None:
    task = state.tasks[position(state, name)]
    if task.status is not TaskStatus.CONFLICTED or task.attempts != number:
        raise StaleAttemptError(
            f"attempt {number} of task {name} is not in conflict: the task is {task.status.value},"
            f" its latest attempt {task.attempts}"
        )


def accept_work(state: RunState, command: cmd.AcceptWork, now: float) -> Events:
    """See AcceptWork."""
    _queued(state, command)
    return (
        ev.WorkMerged(
            at=now,
            task=command.task,
            number=command.number,
            commit=command.commit,
            checks=command.checks,
            verified=command.verified,
        ),
    )


def return_work(state: RunState, command: cmd.ReturnWork, now: float) -> Events:
    """See ReturnWork."""
    if command.human:
        _require_conflict(state, command.task, command.number)
        again, moved = True, None
    else:
        spec, task = _queued(state, command)
        # What could not be found out now cannot be found out by doing the work again.
        again = command.cause != "checks_unknown" and task.returns < spec.max_returns
        moved = None if again else climb(spec, task, command.cause, now)
    return (
        ev.WorkReturned(
            at=now,
            task=command.task,
            number=command.number,
            cause=command.cause,
            message=command.message,
            checks=command.checks,
            retry=again or moved is not None,
            together=command.together,
            by=command.by,
            rung="" if moved is None else moved.rung,
            performer=0 if moved is None else moved.performer,
        ),
    )


def report_conflict(state: RunState, command: cmd.ReportConflict, now: float) -> Events:
    """See ReportConflict."""
    spec, task = _queued(state, command)
    resolver = state.index.workflow.resolver is not None and task.returns < spec.max_returns
    return (
        ev.WorkConflicted(
            at=now,
            task=command.task,
            number=command.number,
            line=command.line,
            conflicts=command.conflicts,
            resolver=resolver,
        ),
    )


def resolve_conflict(state: RunState, command: cmd.ResolveConflict, now: float) -> Events:
    """See ResolveConflict."""
    _require_conflict(state, command.task, command.number)
    return (
        ev.WorkResolved(
            at=now, task=command.task, number=command.number, work=command.work, by=command.by
        ),
    )


def expand_group(state: RunState, command: cmd.ExpandGroup, now: float) -> Events:
    """See ExpandGroup."""
    number = position(state, command.task)
    group = state.index.order[number]
    if not state.groups >> number & 1 or group.expanded:
        raise StaleAttemptError(f"group {command.task} is not waiting for its list")
    keys = [item.key for item in command.items]
    problem = command.problem or problem_with(state.index.workflow, group, keys)
    if problem:
        return (ev.TaskFailed(at=now, task=command.task, message=problem),)
    return (ev.GroupExpanded(at=now, task=command.task, items=command.items),)
