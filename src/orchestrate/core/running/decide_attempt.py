"""Commands about attempts: granted a slot, and reported to have ended."""

from __future__ import annotations

from collections import Counter

from orchestrate.core.planning.budget import UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.crew import Crew
from orchestrate.core.running.decide_gate import is_out_of_time, pass_time
from orchestrate.core.running.effects import startable
from orchestrate.core.running.legality import Events, StaleAttemptError, position, refusal
from orchestrate.core.running.owed import awaits_quiet
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import climb, is_advising, next_step, performing
from orchestrate.core.running.retry import MAX_LOSSES
from orchestrate.core.running.spending import Shortage, hold, reservation, reserved
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
    if state.index.sparing:
        _require_free_agents(state, numbers)
    started: list[ev.AnyEvent] = []
    held = reserved(state) if state.index.paid else {}
    for name, number in zip(command.tasks, numbers, strict=True):
        task = state.tasks[number]
        if not left >> number & 1 or (state.retrying >> number & 1 and task.not_before > now):
            raise refusal(state, f"task {name} is {task.status.value} and may not start")
        among = (left & state.index.paid).bit_count()
        left ^= 1 << number
        started.append(_started(state, number, held, among, now))
    return tuple(started)


def _started(
    state: RunState, number: int, held: dict[str, Amount], among: int, now: float
) -> ev.AttemptStarted:
    """The beginning of an attempt, one of `among`; what it may consume is added to `held`."""
    spec, task = state.index.order[number], state.tasks[number]
    base = _base(state, number)
    who = performing(state.index, number, task)
    if who is None:
        return ev.AttemptStarted(at=now, task=spec.id, number=task.next_number, base=base)
    budget = _reserved(state, number, held, among)
    hold(held, spec, who, budget)
    return ev.AttemptStarted(
        at=now,
        task=spec.id,
        number=task.next_number,
        base=base,
        agent=who.agent,
        backend=who.backend,
        model=who.model,
        reserved=budget,
        rung=task.rung,
    )


def _base(state: RunState, number: int) -> str:
    """The commit an attempt works from; empty for one that needs no workspace.

    That is the line, unless it goes on with files made from an earlier commit. They hold nothing of
    what was merged since, and on the line that would look as if the attempt had taken it back.
    """
    spec, task = state.index.order[number], state.tasks[number]
    if not (state.line and spec.in_workspace):
        return ""
    if task.session is not None and task.session.base and not task.resolving:
        return task.session.base
    return task.base if task.snapshot and task.base else state.line


def _reserved(state: RunState, number: int, held: dict[str, Amount], among: int) -> Budget:
    if not state.index.paid >> number & 1:
        return UNLIMITED
    try:
        return reservation(state, number, held, among)
    except Shortage as shortage:
        name = state.index.order[number].id
        raise refusal(state, f"task {name} may not start: {shortage.reason}") from None


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


def _require_free_agents(state: RunState, numbers: list[int]) -> None:
    crew = Crew(state)
    for number in numbers:
        if full := crew.full(number):
            name = state.index.order[number].id
            raise refusal(state, f"task {name} may not start: {full}")
        crew.take(number)


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
    if is_advising(state.index.order[position(state, command.task)], task):
        return _advised(state, command, now)
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
            usage=command.usage,
            session=command.session,
            denials=command.denials,
            handed_on=command.handed_on,
            follow_ups=command.follow_ups,
            version=command.version,
        ),
    )


def _advised(state: RunState, command: cmd.SucceedAttempt, now: float) -> Events:
    """The end of an advisor's attempt."""
    if state.status is RunStatus.CANCELLED:
        return (_cancelled(command, now),)
    if not command.summary.strip():
        # Without advice the advisor would be asked again, and again.
        return _failed(state, command, "bad_output", "no advice was given", now)
    return (
        ev.AdviceGiven(
            at=now,
            task=command.task,
            number=command.number,
            advice=command.summary,
            duration_s=command.duration_s,
            usage=command.usage,
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
    number = state.index.position[command.task]
    step = None
    if state.status is not RunStatus.CANCELLED:
        step = next_step(
            state.index.order[number],
            task,
            cause,
            now,
            command.retry_after_s if isinstance(command, cmd.FailAttempt) else None,
            who=performing(state.index, number, task),
            consumed=command.usage.amount(command.duration_s) if command.usage else None,
        )
    moved = step is not None and (step.rung, step.performer) != (task.rung, task.performer)
    return (
        ev.AttemptFailed(
            at=now,
            task=command.task,
            number=command.number,
            cause=cause,
            message=message,
            exit_code=command.exit_code,
            duration_s=command.duration_s,
            retry_at=None if step is None else step.at,
            rung=step.rung if step is not None and moved else "",
            performer=step.performer if step is not None and moved else 0,
            blameless=step is not None and step.blameless,
            usage=command.usage,
            session=command.session,
            denials=command.denials,
            version=command.version,
        ),
    )


def lose(state: RunState, command: cmd.LoseAttempt, now: float) -> Events:
    """See LoseAttempt."""
    task = _live(state, command.task, command.number)
    if state.status is RunStatus.CANCELLED:
        return (_cancelled(command, now),)
    again, moved = task.losses + 1 < MAX_LOSSES, None
    if not again and not task.resolving:
        moved = climb(state.index.order[position(state, command.task)], task, "lost", now)
    return (
        ev.AttemptLost(
            at=now,
            task=command.task,
            number=command.number,
            retry=again or moved is not None,
            message=command.message,
            duration_s=command.duration_s,
            usage=command.usage,
            session=command.session,
            rung="" if moved is None else moved.rung,
            performer=0 if moved is None else moved.performer,
        ),
    )


def interrupt(state: RunState, command: cmd.InterruptAttempt, now: float) -> Events:
    """See InterruptAttempt."""
    _live(state, command.task, command.number)
    if state.status is RunStatus.CANCELLED:
        return (_cancelled(command, now),)
    return (
        ev.AttemptInterrupted(
            at=now,
            task=command.task,
            number=command.number,
            reason=command.reason,
            duration_s=command.duration_s,
            usage=command.usage,
            session=command.session,
        ),
    )


def _cancelled(
    command: cmd.LoseAttempt | cmd.InterruptAttempt | cmd.SucceedAttempt, now: float
) -> ev.AttemptCancelled:
    return ev.AttemptCancelled(
        at=now,
        task=command.task,
        number=command.number,
        duration_s=command.duration_s,
        usage=command.usage,
    )
