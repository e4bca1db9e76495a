"""Verdicts, and what time brings: deadlines, reminders, the run's time-out, the next checkpoint."""

from __future__ import annotations

from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide_person import overdue as out_of_time
from orchestrate.core.running.legality import IN_PROGRESS, Events, StaleAttemptError, refusal
from orchestrate.core.running.owed import checkpoint_due_at, reminder_at
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus, RunStatus
from orchestrate.errors import RequestError


def decide_gate(state: RunState, command: cmd.DecideGate, now: float) -> Events:
    """See DecideGate."""
    known = state.plan.gates if state.plan is not None else {}
    if command.gate not in known:
        raise RequestError(
            f"run {state.run} has no gate {command.gate}",
            remedy=f"its gates: {', '.join(known) or 'none'}",
        )
    status = state.gates[command.gate].status
    gate = known[command.gate][1]
    late = command.opened_at not in (None, state.gates[command.gate].opened_at)
    if status is not GateStatus.OPEN or state.status not in IN_PROGRESS or late:
        problem = f"gate {command.gate} is {status.value} and the run {state.status.value}"
        if late:
            problem = f"gate {command.gate} was asked anew since this verdict was sought"
        if not command.human:
            raise StaleAttemptError(f"{problem}: its verdict is not awaited")
        raise refusal(state, problem)
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


def is_out_of_time(state: RunState, now: float) -> bool:
    """Whether this leg of the run has used up its time."""
    limit = state.index.workflow.limits.timeout_s
    return limit is not None and now >= state.leg_started_at + limit


def pass_time(state: RunState, command: cmd.PassTime, now: float) -> Events:  # noqa: ARG001
    """See PassTime."""
    if state.status is not RunStatus.EXECUTING:
        return ()
    if is_out_of_time(state, now):
        limit = state.index.workflow.limits.timeout_s
        return (ev.RunFailed(at=now, reason=f"the run's time-out of {limit:g} s has passed"),)
    overdue = (*_overdue(state, now), *_reminders(state, now)) if state.gates else ()
    if state.handed:
        overdue += out_of_time(state, now)
    return (*overdue, *_interval(state, now)) if state.base else overdue


def _interval(state: RunState, now: float) -> Events:
    at = checkpoint_due_at(state)
    if at is None or now < at:
        return ()
    return (ev.CheckpointDue(at=now, kind="interval"),)


def _reminders(state: RunState, now: float) -> Events:
    found: list[ev.AnyEvent] = []
    for name, (_, spec) in state.index.gates.items():
        gate = state.gates[name]
        if gate.status is GateStatus.OPEN and spec.remind_s is not None:
            overdue = gate.deadline_at is not None and gate.deadline_at <= now
            if now >= reminder_at(gate, spec.remind_s) and not overdue:
                found.append(ev.GateReminded(at=now, gate=name))
    return tuple(found)


def _overdue(state: RunState, now: float) -> Events:
    return tuple(
        ev.GateDecided(
            at=now, gate=name, verdict="unknown", by="deadline", reason="nobody decided in time"
        )
        for name, gate in sorted(state.gates.items())
        if gate.status is GateStatus.OPEN
        and gate.deadline_at is not None
        and gate.deadline_at <= now
    )
