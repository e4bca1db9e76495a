"""Laws of the kernel, written down a second time and from the outside.

Nothing here uses the indexes the kernel keeps: each law looks at tasks and gates one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.evolve import evolve, rederive
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


def check_history(events: Sequence[ev.AnyEvent]) -> RunState:
    """Fold `events` and check every law at every event; gives the final state."""
    state = INITIAL
    for event in events:
        after = evolve(state, event)
        check_indexes(after)
        check_transitions(state, after)
        check_event_after_end(state, event)
        if isinstance(event, ev.AttemptStarted):
            check_start(state, after, event)
        state = after
    return state


def check_indexes(state: RunState) -> None:
    """The indexes are what the facts say; of two failures at once either may be named."""
    again = rederive(state)
    assert bool(again.stopping) == bool(state.stopping), (again.stopping, state.stopping)
    again = msgspec.structs.replace(again, stopping=state.stopping)
    for name in state.__struct_fields__:
        assert getattr(again, name) == getattr(state, name), name


def check_transitions(before: RunState, after: RunState) -> None:
    """Every change of a status is a row of its table, and no task or gate appears or vanishes."""
    _row(RUN, before.status, after.status)
    if before.plan is None or before.status in (RunStatus.IDLE, RunStatus.PLANNING):
        return
    assert set(before.tasks) == set(after.tasks)
    for number, task in after.tasks.items():
        was = before.tasks[number]
        if task is was:
            continue
        if was.attempts == task.attempts and was.attempt is not None and task.attempt is not None:
            _row(ATTEMPT, was.attempt, task.attempt)
        assert task.attempts - was.attempts in (0, 1)
        _steps(TASK, was.status, task.status)
    for name, gate in after.gates.items():
        _steps(GATE, before.gates[name].status, gate.status)


_LATE = (
    ev.AttemptSucceeded,
    ev.AttemptFailed,
    ev.AttemptLost,
    ev.AttemptInterrupted,
    ev.AttemptCancelled,
    ev.RunAdopted,
)


def check_event_after_end(before: RunState, event: ev.AnyEvent) -> None:
    """Once a run has ended only attempts still end; a failed one can be resumed or given up."""
    if before.status is RunStatus.COMPLETED:
        raise AssertionError(f"{event} after the run was completed")
    if before.status is RunStatus.CANCELLED:
        assert isinstance(event, _LATE), event
    if before.status is RunStatus.FAILED:
        assert isinstance(event, (*_LATE, ev.RunResumed, ev.RunCancelled)), event


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
    assert event.number == before.tasks[number].attempts + 1
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
    phase = next(each for each in plan.workflow.phases if each.name == task.phase)
    if phase.max_concurrent is not None:
        assert sum(plan.order[n].phase == task.phase for n in running) <= phase.max_concurrent
    limit_s = plan.workflow.limits.timeout_s
    assert limit_s is None or event.at < before.leg_started_at + limit_s


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
    assert owed or any(fx.eligible(state)), "nothing is going on and nothing ever will"


def _is_run_timeout(state: RunState, effect: fx.Effect) -> bool:
    limit_s = state.index.workflow.limits.timeout_s
    return (
        isinstance(effect, fx.WakeAt)
        and limit_s is not None
        and effect.at == state.leg_started_at + limit_s
    )
