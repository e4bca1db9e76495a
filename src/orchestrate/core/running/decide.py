"""`decide(state, command, now) -> events`: what a command leads to, or why it is refused.

Theory of operation
-------------------
Each command has one function. It checks legality against the transition tables, produces the events
the command itself stands for, and `advance` then lets the run *settle*: as long as the folded state
owes a decision that needs nobody outside (a condition to evaluate, a task to skip, a gate to open,
the end of the run), the event for it is appended. So after every `advance`, whatever the run still
waits for is outside the kernel, and `pending` names it.

A refused command raises IllegalCommandError, which names the commands that are legal now, and adds
no event. Commands that report the outside world (an attempt ended) are refused only when the
attempt is not the live one: a repeated acknowledgement.

Settling happens only while the run executes and nothing stopped it; a paused run owes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from orchestrate.core.planning.expression import ExpressionError, evaluate, parse
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.evolve import evolve, fold
from orchestrate.core.running.plan import bits
from orchestrate.core.running.retry import MAX_LOSSES, retry_at
from orchestrate.core.running.scope import scope
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import (
    RUN,
    AttemptStatus,
    GateStatus,
    RunStatus,
    TaskStatus,
)
from orchestrate.errors import ConflictError, IllegalCommandError, RequestError

Events = tuple[ev.AnyEvent, ...]

#: Which trigger of the run table a command stands for.
_RUN_COMMANDS: dict[str, str] = {
    "PlanRun": "run_planned",
    "StartRun": "run_started",
    "AdoptRun": "run_adopted",
    "PauseRun": "run_paused",
    "ResumeRun": "run_resumed",
    "CancelRun": "run_cancelled",
}

_LIMIT_CHANGES = frozenset({RunStatus.PLANNING, RunStatus.EXECUTING, RunStatus.PAUSED})
_GATES_DECIDED = frozenset({RunStatus.EXECUTING, RunStatus.PAUSED})


class StaleAttemptError(ConflictError):
    """An outcome or verdict came for something that no longer waits for it.

    Repeated, or from a past owner. The reporter has nothing to do; hosts drop it.
    """


def legal_commands(state: RunState) -> tuple[str, ...]:
    """Names of the commands somebody may give now, those of the lifecycle first."""
    if not state.run:
        return ("CreateRun",)
    legal = [name for name, trigger in _RUN_COMMANDS.items() if trigger in RUN[state.status]]
    if state.status in _LIMIT_CHANGES:
        legal.append("SetLimit")
    if state.status in _GATES_DECIDED and any(
        gate.status is GateStatus.OPEN for gate in state.gates.values()
    ):
        legal.append("DecideGate")
    return tuple(legal)


def decide(state: RunState, command: cmd.AnyCommand, now: float) -> Events:
    """The events `command` leads to at Unix time `now`.

    Raises:
        IllegalCommandError: the status does not allow it; names what is allowed.
        StaleAttemptError: the attempt reported on is not live.
        RequestError: the command names something that does not exist.
    """
    return advance(state, command, now)[0]


def advance(state: RunState, command: cmd.AnyCommand, now: float) -> tuple[Events, RunState]:
    """Like `decide`, with the state after the events, so that nobody has to fold them again."""
    events = _DECIDE[type(command)](state, command, now)
    state = fold(state, events)
    consequences: list[ev.AnyEvent] = []
    while (event := _owed_decision(state, now)) is not None:
        consequences.append(event)
        state = evolve(state, event)
    return (*events, *consequences), state


# -- settling ----------------------------------------------------------------------------------


def _owed_decision(state: RunState, now: float) -> ev.AnyEvent | None:
    """The next decision the kernel owes by itself, or None."""
    if state.status is not RunStatus.EXECUTING:
        return None
    if state.stopping:
        return None if state.live else _failure(state, now)
    if state.unsettled:
        return _judge(state, next(bits(state.unsettled)), now)
    if state.gates_due:
        return _open_gate(state, next(bits(state.gates_due)), now)
    if state.remaining or not all(phase.done for phase in state.phases):
        return _evaluate_condition_gate(state, now)
    failed = _first_failure(state)
    if failed:
        return ev.RunFailed(at=now, reason=f"task {failed} failed", task=failed)
    return ev.RunCompleted(at=now, reason="every task ended and every gate passed")


def _failure(state: RunState, now: float) -> ev.RunFailed:
    kind, name, _ = state.stopping.split(" ", 2)
    if kind == "gate":
        return ev.RunFailed(at=now, reason=state.stopping, gate=name)
    return ev.RunFailed(at=now, reason=state.stopping, task=name)


def _first_failure(state: RunState) -> str:
    plan = state.index
    failed = [
        (task.finished_at, number)
        for number, task in state.tasks.items()
        if task.status is TaskStatus.FAILED and not plan.tolerated >> number & 1
    ]
    return plan.order[min(failed)[1]].id if failed else ""


def _judge(state: RunState, number: int, now: float) -> ev.AnyEvent:
    """Decide about one unsettled task: skip it, or let it be ready."""
    plan = state.index
    task = plan.order[number]
    if task.trigger == "all_success" and not state.phases[plan.phase_of[number]].sound:
        return ev.TaskSkipped(at=now, task=task.id, cause="phase", detail="an earlier phase failed")
    culprit = _unmet_rule(state, number)
    if culprit:
        if task.trigger == "one_success" and _has_failed_need(state, number):
            # The failures upstream are tolerated only for the sake of this task: as it cannot go
            # on either, somebody has to answer for them, or the run would end as completed.
            return ev.TaskFailed(at=now, task=task.id, message=culprit)
        return ev.TaskSkipped(at=now, task=task.id, cause="upstream", detail=culprit)
    phase = plan.workflow.phases[plan.phase_of[number]]
    for condition in (phase.when, task.when):
        if condition is None:
            continue
        try:
            holds = evaluate(parse(condition), scope(state))
        except ExpressionError as error:
            return ev.TaskFailed(
                at=now, task=task.id, message=f"condition {condition!r} cannot be decided: {error}"
            )
        if holds is not True:
            return ev.TaskSkipped(at=now, task=task.id, cause="condition", detail=condition)
    return ev.ConditionHeld(at=now, task=task.id)


def _unmet_rule(state: RunState, number: int) -> str:
    """Why the trigger rule of a task can no longer be met; empty when it is met."""
    plan = state.index
    task = plan.order[number]
    ended = {plan.order[n].id: state.tasks[n].status for n in plan.needs[number]}
    if task.trigger == "all_success":
        for name, status in ended.items():
            if status in (TaskStatus.FAILED, TaskStatus.SKIPPED):
                return f"{name} {status.value}"
    elif task.trigger == "one_success" and ended and TaskStatus.SUCCEEDED not in ended.values():
        return f"none of {', '.join(ended)} succeeded"
    return ""


def _has_failed_need(state: RunState, number: int) -> bool:
    return any(
        state.tasks[other].status is TaskStatus.FAILED for other in state.index.needs[number]
    )


def _open_gate(state: RunState, phase: int, now: float) -> ev.GateOpened:
    plan = state.index
    name = next(
        gate for gate in plan.phase_gates[phase] if state.gates[gate].status is GateStatus.CLOSED
    )
    spec = plan.gates[name][1]
    deadline_at = None
    if spec.kind == "human" and spec.deadline_s is not None:
        deadline_at = now + spec.deadline_s
    return ev.GateOpened(at=now, gate=name, deadline_at=deadline_at)


def _evaluate_condition_gate(state: RunState, now: float) -> ev.GateDecided | None:
    for name, (_, gate) in state.index.gates.items():
        if gate.kind != "condition" or state.gates[name].status is not GateStatus.OPEN:
            continue
        evidence = {"condition": gate.condition}
        try:
            holds = evaluate(parse(gate.condition), scope(state))
        except ExpressionError as error:
            return ev.GateDecided(
                at=now,
                gate=name,
                verdict="unknown",
                by="engine",
                reason=str(error),
                evidence=evidence,
            )
        return ev.GateDecided(
            at=now,
            gate=name,
            verdict="passed" if holds is True else "failed",
            by="engine",
            reason="" if holds is True else "the condition does not hold",
            evidence=evidence,
        )
    return None


# -- commands about the run --------------------------------------------------------------------


def _require(state: RunState, command: object) -> None:
    name = type(command).__name__
    if _RUN_COMMANDS[name] not in RUN[state.status] or not state.run:
        raise IllegalCommandError(
            f"{name} is not possible while the run is {state.status.value}",
            legal=legal_commands(state),
        )


def _create(state: RunState, command: cmd.CreateRun, now: float) -> Events:
    if state.run:
        raise IllegalCommandError(f"run {state.run} exists already", legal=legal_commands(state))
    return (
        ev.RunCreated(
            at=now,
            run=command.run,
            request=command.request,
            repository=command.repository,
            revision=command.revision,
            program=command.program,
        ),
    )


def _plan(state: RunState, command: cmd.PlanRun, now: float) -> Events:
    _require(state, command)
    return (
        ev.RunPlanned(
            at=now,
            workflow=command.workflow,
            inputs=command.inputs,
            fingerprint=command.fingerprint,
        ),
    )


def _start(state: RunState, command: cmd.StartRun, now: float) -> Events:
    _require(state, command)
    return (ev.RunStarted(at=now, reason=command.reason),)


def _adopt(state: RunState, command: cmd.AdoptRun, now: float) -> Events:
    _require(state, command)
    return (ev.RunAdopted(at=now, owner=command.owner),)


def _pause(state: RunState, command: cmd.PauseRun, now: float) -> Events:
    _require(state, command)
    return (ev.RunPaused(at=now, reason=command.reason, by=command.by),)


def _resume(state: RunState, command: cmd.ResumeRun, now: float) -> Events:
    _require(state, command)
    return (ev.RunResumed(at=now, reason=command.reason, by=command.by),)


def _cancel(state: RunState, command: cmd.CancelRun, now: float) -> Events:
    _require(state, command)
    return (ev.RunCancelled(at=now, reason=command.reason, by=command.by),)


def _set_limit(state: RunState, command: cmd.SetLimit, now: float) -> Events:
    if command.max_parallel < 1:
        raise RequestError("the limit of parallel attempts must be at least 1")
    if state.status not in _LIMIT_CHANGES:
        raise IllegalCommandError(
            f"SetLimit is not possible while the run is {state.status.value}",
            legal=legal_commands(state),
        )
    return (ev.LimitChanged(at=now, max_parallel=command.max_parallel, by=command.by),)


# -- commands about attempts -------------------------------------------------------------------


def _grant(state: RunState, command: cmd.GrantSlots, now: float) -> Events:
    if state.status is not RunStatus.EXECUTING or state.stopping:
        raise IllegalCommandError(
            "no attempt may start now: the run is "
            + (f"stopping ({state.stopping})" if state.stopping else state.status.value),
            legal=legal_commands(state),
        )
    if state.live.bit_count() + len(command.tasks) > state.max_parallel:
        raise IllegalCommandError(
            f"the limit of {state.max_parallel} attempts at once would be exceeded",
            legal=legal_commands(state),
        )
    if _is_out_of_time(state, now):
        # Nobody has said PassTime yet; nothing starts on borrowed time.
        return _pass_time(state, cmd.PassTime(), now)
    numbers = [_position(state, name) for name in command.tasks]
    _require_room_in_phases(state, numbers)
    started: list[ev.AnyEvent] = []
    left = state.ready | state.retrying
    for name, number in zip(command.tasks, numbers, strict=True):
        task = state.tasks[number]
        if not left >> number & 1 or (state.retrying >> number & 1 and task.not_before > now):
            raise IllegalCommandError(
                f"task {name} is {task.status.value} and may not start", legal=legal_commands(state)
            )
        left ^= 1 << number
        started.append(ev.AttemptStarted(at=now, task=name, number=task.attempts + 1))
    return tuple(started)


def _require_room_in_phases(state: RunState, numbers: list[int]) -> None:
    limited = state.index.limited
    if not limited:
        return
    phase_of = state.index.phase_of
    running = Counter(phase_of[number] for number in (*bits(state.live), *numbers))
    for phase, limit in limited.items():
        if running[phase] > limit:
            raise IllegalCommandError(
                f"phase {state.index.workflow.phases[phase].name} may run {limit} at once",
                legal=legal_commands(state),
            )


def _position(state: RunState, name: str) -> int:
    number = None if state.plan is None else state.plan.position.get(name)
    if number is None:
        raise RequestError(f"run {state.run or 'without a name'} has no task {name}")
    return number


def _live(state: RunState, name: str, number: int) -> TaskState:
    task = state.tasks[_position(state, name)]
    if task.attempt is not AttemptStatus.STARTED or task.attempts != number:
        raise StaleAttemptError(f"attempt {number} of task {name} is not running")
    return task


def _succeed(state: RunState, command: cmd.SucceedAttempt, now: float) -> Events:
    _live(state, command.task, command.number)
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
        ),
    )


def _fail(state: RunState, command: cmd.FailAttempt, now: float) -> Events:
    task = _live(state, command.task, command.number)
    policy = state.index.order[state.index.position[command.task]].retry
    again = None
    if state.status is not RunStatus.CANCELLED:
        again = retry_at(policy, command.cause, task.failures + 1, now)
    return (
        ev.AttemptFailed(
            at=now,
            task=command.task,
            number=command.number,
            cause=command.cause,
            message=command.message,
            exit_code=command.exit_code,
            duration_s=command.duration_s,
            retry_at=again,
        ),
    )


def _lose(state: RunState, command: cmd.LoseAttempt, now: float) -> Events:
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


def _interrupt(state: RunState, command: cmd.InterruptAttempt, now: float) -> Events:
    _live(state, command.task, command.number)
    if state.status is RunStatus.CANCELLED:
        return (ev.AttemptCancelled(at=now, task=command.task, number=command.number),)
    return (
        ev.AttemptInterrupted(
            at=now, task=command.task, number=command.number, reason=command.reason
        ),
    )


# -- gates and time ----------------------------------------------------------------------------


def _decide_gate(state: RunState, command: cmd.DecideGate, now: float) -> Events:
    known = state.plan.gates if state.plan is not None else {}
    if command.gate not in known:
        raise RequestError(
            f"run {state.run} has no gate {command.gate}",
            remedy=f"its gates: {', '.join(known) or 'none'}",
        )
    status = state.gates[command.gate].status
    gate = known[command.gate][1]
    late = command.opened_at not in (None, state.gates[command.gate].opened_at)
    if status is not GateStatus.OPEN or state.status not in _GATES_DECIDED or late:
        problem = f"gate {command.gate} is {status.value} and the run {state.status.value}"
        if late:
            problem = f"gate {command.gate} was asked anew since this verdict was sought"
        if not command.human:
            raise StaleAttemptError(f"{problem}: its verdict is not awaited")
        raise IllegalCommandError(problem, legal=legal_commands(state))
    if command.human != (gate.kind == "human"):
        raise RequestError(
            f"gate {command.gate} is decided by "
            + ("a person" if gate.kind == "human" else "evidence, not by a person")
        )
    if gate.approvers and command.human and command.by not in gate.approvers:
        raise RequestError(
            f"{command.by} may not decide gate {command.gate}",
            remedy=f"one of: {', '.join(gate.approvers)}",
        )
    return (
        ev.GateDecided(
            at=now,
            gate=command.gate,
            verdict=command.verdict,
            by=command.by,
            reason=command.reason,
            evidence=command.evidence,
        ),
    )


def _is_out_of_time(state: RunState, now: float) -> bool:
    limit = state.index.workflow.limits.timeout_s
    return limit is not None and now >= state.leg_started_at + limit


def _pass_time(state: RunState, command: cmd.PassTime, now: float) -> Events:  # noqa: ARG001
    if state.status is not RunStatus.EXECUTING:
        return ()
    if _is_out_of_time(state, now):
        limit = state.index.workflow.limits.timeout_s
        return (ev.RunFailed(at=now, reason=f"the run's time-out of {limit:g} s has passed"),)
    return tuple(
        ev.GateDecided(
            at=now, gate=name, verdict="unknown", by="deadline", reason="nobody decided in time"
        )
        for name, gate in sorted(state.gates.items())
        if gate.status is GateStatus.OPEN
        and gate.deadline_at is not None
        and gate.deadline_at <= now
    )


_DECIDE: dict[type, Callable[[RunState, Any, float], Events]] = {
    cmd.CreateRun: _create,
    cmd.PlanRun: _plan,
    cmd.StartRun: _start,
    cmd.AdoptRun: _adopt,
    cmd.PauseRun: _pause,
    cmd.ResumeRun: _resume,
    cmd.CancelRun: _cancel,
    cmd.SetLimit: _set_limit,
    cmd.GrantSlots: _grant,
    cmd.SucceedAttempt: _succeed,
    cmd.FailAttempt: _fail,
    cmd.LoseAttempt: _lose,
    cmd.InterruptAttempt: _interrupt,
    cmd.DecideGate: _decide_gate,
    cmd.PassTime: _pass_time,
}
