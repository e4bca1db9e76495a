"""Laws of the kernel, written down a second time and from the outside.

Nothing here uses the indexes the kernel keeps: each law looks at tasks and gates one by one. Laws
about delivered work and the integration line are in `line_laws`, those about who performs a task in
`ladder_laws`, and those about what it costs in `budget_laws`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.evolve import evolve, rederive
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import (
    ATTEMPT,
    GATE,
    RUN,
    TASK,
    TASK_SETTLED,
    GateStatus,
    RunStatus,
    TaskStatus,
)
from tests.property.budget_laws import BudgetLaws
from tests.property.ladder_laws import LadderLaws
from tests.property.line_laws import LineLaws
from tests.property.staff import LONE


def check_history(events: Sequence[ev.AnyEvent]) -> RunState:
    """Fold `events` and check every law at every event; gives the final state."""
    state = INITIAL
    started: set[tuple[str, int]] = set()
    about = (LineLaws(), LadderLaws(), BudgetLaws())
    for event in events:
        after = evolve(state, event)
        check_indexes(after)
        check_transitions(state, after, event)
        check_event_after_end(state, event)
        for laws in about:
            laws.check(state, after, event)
        if isinstance(event, ev.AttemptStarted):
            check_start(state, after, event)
        if isinstance(event, ev.AttemptStarted | ev.TaskHanded):
            assert (event.task, event.number) not in started, "a number was given twice"
            started.add((event.task, event.number))
        state = after
    return state


def check_indexes(state: RunState) -> None:
    """The indexes are what the facts say; of two failures at once either may be named."""
    again = rederive(state)
    assert bool(again.stopping) == bool(state.stopping), (again.stopping, state.stopping)
    again = msgspec.structs.replace(again, stopping=state.stopping)
    for name in state.__struct_fields__:
        assert getattr(again, name) == getattr(state, name), name


def check_transitions(before: RunState, after: RunState, event: ev.AnyEvent) -> None:
    """Every change of a status is a row of its table, and no task or gate appears or vanishes.

    But by a rollback, which puts records back as they were, and an expansion, which adds tasks.
    """
    _row(RUN, before.status, after.status)
    if before.plan is None or before.status in (RunStatus.IDLE, RunStatus.PLANNING):
        return
    if isinstance(event, ev.RunRolledBack):
        check_rollback(before, after, event)
        return
    if isinstance(event, ev.GroupExpanded):
        check_expansion(before, after, event)
        return
    if isinstance(event, ev.TaskSplit):
        check_split(before, after, event)
        return
    assert before.plan is after.plan
    assert set(before.tasks) == set(after.tasks)
    for number, task in after.tasks.items():
        was = before.tasks[number]
        if task is was:
            continue
        if was.attempts == task.attempts and was.attempt is not None and task.attempt is not None:
            _row(ATTEMPT, was.attempt, task.attempt)
        assert task.attempts in (was.attempts, was.next_number)
        _steps(TASK, was.status, task.status)
    for name, gate in after.gates.items():
        _steps(GATE, before.gates[name].status, gate.status)


def check_rollback(before: RunState, after: RunState, event: ev.RunRolledBack) -> None:
    """Nothing is at work before or after, no number is forgotten, and the rest is untouched."""
    assert not any(task.status is TaskStatus.RUNNING for task in before.tasks.values())
    assert not any(task.status is TaskStatus.RUNNING for task in after.tasks.values())
    assert not any(task.status is TaskStatus.HANDED for task in after.tasks.values())
    assert not any(gate.status is GateStatus.OPEN for gate in after.gates.values())
    assert after.line == event.line
    assert after.checkpoints == before.checkpoints
    names = set(before.index.position) | set(after.index.position)
    for name in names:
        assert _next_number(after, name) >= _next_number(before, name)
    for name in names - set(event.tasks):
        if name in after.index.position:
            assert after.task(name) == before.task(name)


def _next_number(state: RunState, name: str) -> int:
    if name in state.index.position:
        return state.task(name).next_number
    return state.retired.get(name, 0) + 1


def check_expansion(before: RunState, after: RunState, event: ev.GroupExpanded) -> None:
    """A group comes to need its members, and every other record stays what it was."""
    members = {f"{event.task}.{item.key}" for item in event.items}
    assert set(after.index.position) - set(before.index.position) == members
    for name in before.index.position:
        if name != event.task:
            assert after.task(name) == before.task(name)
    for task in before.index.workflow.tasks:
        assert task.id == event.task or task in after.index.workflow.tasks
    assert before.task(event.task).status is TaskStatus.READY
    for name in members:
        assert after.task(name).status in (TaskStatus.READY, TaskStatus.BLOCKED)
        assert after.task(name).attempts == 0
    assert after.gates == before.gates
    assert bool(after.stopping) == bool(before.stopping)


def check_split(before: RunState, after: RunState, event: ev.TaskSplit) -> None:
    """A task becomes a group over its list, and everything else stays what it was."""
    spec = after.index.order[after.index.position[event.task]]
    assert spec.each is not None
    assert spec.each == before.index.order[before.index.position[event.task]].split
    assert spec.each.task in spec.needs
    assert before.task(event.task).status in (TaskStatus.READY, TaskStatus.RETRYING)
    assert after.task(event.task).status is TaskStatus.READY
    assert set(after.index.position) == set(before.index.position)
    for name in before.index.position:
        if name != event.task:
            assert after.task(name) == before.task(name)
    assert after.gates == before.gates


_WORK = (ev.WorkMerged, ev.WorkReturned, ev.WorkConflicted, ev.WorkResolved)
_LATE = (
    ev.AttemptSucceeded,
    ev.AttemptFailed,
    ev.AttemptLost,
    ev.AttemptInterrupted,
    ev.AttemptCancelled,
    ev.RunAdopted,
    ev.AuditRecorded,
)
_GOES_BACK = (ev.CheckpointTaken, ev.RunRolledBack, ev.AuditRecorded)


def check_event_after_end(before: RunState, event: ev.AnyEvent) -> None:
    """Once a run has ended only attempts still end; all but a cancelled one can be taken back.

    A failed one can be resumed or given up as well, and what happened to its work is recorded.
    """
    if before.status is RunStatus.COMPLETED:
        assert isinstance(event, _GOES_BACK), event
    if before.status is RunStatus.CANCELLED:
        assert isinstance(event, _LATE), event
    if before.status is RunStatus.FAILED:
        ways_on = (ev.RunResumed, ev.RunCancelled, ev.BudgetChanged, ev.AdviceGiven)
        assert isinstance(event, (*_LATE, *_GOES_BACK, *_WORK, *ways_on)), event


def _row(table, before, after) -> None:  # type: ignore[no-untyped-def]
    assert before is after or after in table[before].values(), (before, after)


def _steps(table, before, after) -> None:  # type: ignore[no-untyped-def]
    """One event may take a task two rows on: reopened, and at once ready again."""
    reachable = {before, *table[before].values()}
    reachable |= {status for middle in tuple(reachable) for status in table[middle].values()}
    assert after in reachable, (before, after)


def check_start(before: RunState, after: RunState, event: ev.AttemptStarted) -> None:
    """An attempt starts only when everything lets it."""
    plan = before.index
    number = plan.position[event.task]
    task = plan.order[number]
    assert before.status is RunStatus.EXECUTING
    assert not before.stopping
    assert event.number == before.tasks[number].next_number
    assert not task.is_group
    assert event.base in (_files_from(before, number) if task.in_workspace else ("",))
    assert before.tasks[number].not_before <= event.at or (
        before.tasks[number].status is TaskStatus.READY
    )
    ended = [before.task(name).status for name in task.needs]
    if task.trigger == "all_success":
        assert all(status is TaskStatus.SUCCEEDED for status in ended)
    elif task.trigger == "one_success":
        assert not ended or TaskStatus.SUCCEEDED in ended
    else:
        assert all(status in TASK_SETTLED for status in ended)
    check_phases_before(before, task.phase, needs_success=task.trigger == "all_success")
    running = [n for n, each in after.tasks.items() if each.status is TaskStatus.RUNNING]
    assert len(running) <= after.max_parallel
    at_work = [performing(plan, number, after.tasks[number]) for number in running]
    assert sum(who is not None and who.agent == LONE.agent for who in at_work) <= 1
    phase = next(each for each in plan.workflow.phases if each.name == task.phase)
    if phase.max_concurrent is not None:
        assert sum(plan.order[n].phase == task.phase for n in running) <= phase.max_concurrent
    limit_s = plan.workflow.limits.timeout_s
    assert limit_s is None or event.at < before.leg_started_at + limit_s


def _files_from(before: RunState, number: int) -> tuple[str, ...]:
    """The commits that the next attempt's files may be made from: the line, or what it goes on.

    The first programs put files that a checkpoint held onto the line, and so did their histories.
    """
    record = before.tasks[number]
    if record.session is not None and record.session.base and not record.resolving:
        return (record.session.base if before.line else "",)
    return (before.line, record.base) if record.snapshot and record.base else (before.line,)


def check_phases_before(state: RunState, name: str, *, needs_success: bool) -> None:
    """Every phase before `name` has ended, with its gates passed where they were to be asked."""
    workflow = state.index.workflow
    phases = {phase.name: phase for phase in workflow.phases}
    for earlier in phases[name].depends_on:
        tasks = [state.task(task.id) for task in workflow.tasks if task.phase == earlier]
        assert all(task.status in TASK_SETTLED for task in tasks)
        gates = [state.gates[f"{earlier}/{gate.name}"].status for gate in phases[earlier].gates]
        if any(status is not GateStatus.PASSED for status in gates):
            assert all(status in (GateStatus.CLOSED, GateStatus.PASSED) for status in gates)
            declined = any(task.skipped_by == "condition" for task in tasks) and all(
                task.status is TaskStatus.SKIPPED for task in tasks
            )
            assert declined or (workflow.on_failure == "continue" and not needs_success)
        check_phases_before(state, earlier, needs_success=False)


def check_waits_for_something(state: RunState) -> None:
    """A run that executes has something going on, something to start, or somebody to ask.

    The run's own time-out does not count: waiting for that alone would be a deadlock.
    """
    if state.status is not RunStatus.EXECUTING:
        return
    owed = [effect for effect in fx.pending(state) if not _is_run_timeout(state, effect)]
    # Whatever waits until some time, or for a provider, has waited long enough then.
    some_day = HostView(at=state.updated_at + 1e9)
    assert owed or admit(state, some_day).grants, "nothing is going on and nothing ever will"


def _is_run_timeout(state: RunState, effect: fx.Effect) -> bool:
    limit_s = state.index.workflow.limits.timeout_s
    return (
        isinstance(effect, fx.WakeAt)
        and limit_s is not None
        and effect.at == state.leg_started_at + limit_s
    )
