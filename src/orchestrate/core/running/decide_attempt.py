"""Commands about attempts: granted a slot, and reported to have ended."""

from __future__ import annotations

from collections import Counter

from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide_gate import is_out_of_time, pass_time
from orchestrate.core.running.effects import startable
from orchestrate.core.running.legality import Events, StaleAttemptError, position, refusal
from orchestrate.core.running.owed import awaits_quiet
from orchestrate.core.running.plan import bits
from orchestrate.core.running.retry import MAX_LOSSES, retry_at
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import AttemptStatus, RunStatus


def grant(state: RunState, command: cmd.GrantSlots, now: float) -> Events:
    """See GrantSlots."""
    left = startable(state)
    if not left:
        _require_going_on(state)
    if state.live.bit_count() + len(command.tasks) > state.max_parallel:
        raise refusal(
            state, f"the limit of {state.max_parallel} attempts at once would be exceeded"
        )
    if is_out_of_time(state, now):
        # Nobody has said PassTime yet; nothing starts on borrowed time.
        return pass_time(state, cmd.PassTime(), now)
    numbers = [position(state, name) for name in command.tasks]
    if state.index.limited:
        _require_room_in_phases(state, numbers)
    if state.index.rivals:
        _require_no_rivals(state, numbers)
    started: list[ev.AnyEvent] = []
    line, order = state.line, state.index.order
    for name, number in zip(command.tasks, numbers, strict=True):
        task = state.tasks[number]
        if not left >> number & 1 or (state.retrying >> number & 1 and task.not_before > now):
            raise refusal(state, f"task {name} is {task.status.value} and may not start")
        left ^= 1 << number
        base = line if line and order[number].in_workspace else ""
        started.append(ev.AttemptStarted(at=now, task=name, number=task.next_number, base=base))
    return tuple(started)


def _require_going_on(state: RunState) -> None:
    if state.status is not RunStatus.EXECUTING:
        why = f"the run is {state.status.value}"
    elif state.stopping:
        why = f"the run is stopping ({state.stopping})"
    elif awaits_quiet(state):
        why = "a phase ended, and its checkpoint is taken first"
    else:
        return
    raise refusal(state, f"no attempt may start now: {why}")


def _require_room_in_phases(state: RunState, numbers: list[int]) -> None:
    phase_of = state.index.phase_of
    running = Counter(phase_of[number] for number in (*bits(state.live), *numbers))
    for phase, limit in state.index.limited.items():
        if running[phase] > limit:
            raise refusal(
                state, f"phase {state.index.workflow.phases[phase].name} may run {limit} at once"
            )


def _require_no_rivals(state: RunState, numbers: list[int]) -> None:
    rivals = state.index.rivals
    writing = (state.live | state.merging) & state.index.writing
    for number in numbers:
        if rivals.get(number, 0) & writing:
            name = state.index.order[number].id
            raise refusal(
                state, f"task {name} may not start: work on the files it writes is not merged yet"
            )
        writing |= 1 << number & state.index.writing


def _live(state: RunState, name: str, number: int) -> TaskState:
    task = state.tasks[position(state, name)]
    if task.attempt is not AttemptStatus.STARTED or task.attempts != number:
        raise StaleAttemptError(f"attempt {number} of task {name} is not running")
    return task


def succeed(state: RunState, command: cmd.SucceedAttempt, now: float) -> Events:
    """See SucceedAttempt."""
    task = _live(state, command.task, command.number)
    if task.resolving and command.work is None:
        # Without this the work that is in conflict would be dropped, and its task have succeeded.
        nothing = "it handed in nothing that resolves the conflict"
        return _failed(state, command, "conflict", nothing, now)
    return (
        ev.AttemptSucceeded(
            at=now,
            task=command.task,
            number=command.number,
            summary=command.summary,
            artifacts=command.artifacts,
            metrics=command.metrics,
            exit_code=command.exit_code,
            duration_s=command.duration_s,
            recovered=command.recovered,
            work=command.work,
        ),
    )


def fail(state: RunState, command: cmd.FailAttempt, now: float) -> Events:
    """See FailAttempt."""
    return _failed(state, command, command.cause, command.message, now)


def _failed(
    state: RunState,
    command: cmd.FailAttempt | cmd.SucceedAttempt,
    cause: FailureCause,
    message: str,
    now: float,
) -> Events:
    task = _live(state, command.task, command.number)
    policy = state.index.order[state.index.position[command.task]].retry
    again = None
    if state.status is not RunStatus.CANCELLED:
        again = retry_at(policy, cause, task.failures + 1, now)
    return (
        ev.AttemptFailed(
            at=now,
            task=command.task,
            number=command.number,
            cause=cause,
            message=message,
            exit_code=command.exit_code,
            duration_s=command.duration_s,
            retry_at=again,
        ),
    )


def lose(state: RunState, command: cmd.LoseAttempt, now: float) -> Events:
    """See LoseAttempt."""
    task = _live(state, command.task, command.number)
    if state.status is RunStatus.CANCELLED:
        return (ev.AttemptCancelled(at=now, task=command.task, number=command.number),)
    return (
        ev.AttemptLost(
            at=now,
            task=command.task,
            number=command.number,
            retry=task.losses + 1 < MAX_LOSSES,
            message=command.message,
        ),
    )


def interrupt(state: RunState, command: cmd.InterruptAttempt, now: float) -> Events:
    """See InterruptAttempt."""
    _live(state, command.task, command.number)
    if state.status is RunStatus.CANCELLED:
        return (ev.AttemptCancelled(at=now, task=command.task, number=command.number),)
    return (
        ev.AttemptInterrupted(
            at=now, task=command.task, number=command.number, reason=command.reason
        ),
    )
