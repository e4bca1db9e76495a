"""What a run decides by itself: conditions, skips, gates that open, checkpoints, its own end.

Settling happens while the run executes and nothing stopped it; a paused run owes nothing but a
checkpoint somebody asked for, and one that failed at a gate falls back.
"""

from __future__ import annotations

from orchestrate.core.planning.definition import EVIDENCE_GATES
from orchestrate.core.planning.expression import ExpressionError, evaluate, parse
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide_checkpoint import fall_back, owed_now
from orchestrate.core.running.effects import startable
from orchestrate.core.running.legality import Events
from orchestrate.core.running.owed import is_publication_owed, owed_checkpoint
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import is_for_person
from orchestrate.core.running.scope import scope
from orchestrate.core.running.spending import unaffordable
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus, RunStatus, TaskStatus


def owed_decision(state: RunState, now: float) -> Events:
    """The next decision the kernel owes by itself; empty if it owes none."""
    if state.base or state.due is not None:
        taken = owed_now(state, now)
        if taken is not None:
            return (taken,)
    if state.status is RunStatus.FAILED:
        return fall_back(state, now)
    if state.status is not RunStatus.EXECUTING:
        return ()
    if state.stopping:
        # Finished work is merged all the same: it is not to blame.
        return () if state.live or state.merging else (_failure(state, now),)
    if state.unsettled:
        return (_judge(state, next(bits(state.unsettled)), now),)
    if (state.ready | state.retrying) & state.index.stepping:
        stepped = _step(state, now)
        if stepped is not None:
            return (stepped,)
    if state.groups:
        ended = _end_group(state, now)
        if ended is not None:
            return (ended,)
    if state.gates_due:
        return _open_gate(state, next(bits(state.gates_due)), now)
    if state.remaining or not all(phase.done for phase in state.phases):
        decided = _evaluate_condition_gate(state, now) if state.gates else None
        if decided is not None:
            return (decided,)
        run_out = _run_out(state, now) if state.index.paid else None
        return () if run_out is None else (run_out,)
    return _end(state, now)


def _end(state: RunState, now: float) -> Events:
    failed = _first_failure(state)
    if failed:
        return (ev.RunFailed(at=now, reason=f"task {failed} failed", task=failed),)
    if is_publication_owed(state) or owed_checkpoint(state):
        return ()
    return (ev.RunCompleted(at=now, reason="every task ended and every gate passed"),)


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


def _step(state: RunState, now: float) -> ev.AnyEvent | None:
    """A task that is to be split now, or handed to a person."""
    plan = state.index
    for number in bits((state.ready | state.retrying) & plan.stepping):
        spec, record = plan.order[number], state.tasks[number]
        if record.rung == "split":
            return ev.TaskSplit(at=now, task=spec.id)
        if not record.resolving and is_for_person(spec, record):
            hand_over = spec.hand_over or HandOver()
            limit_s = hand_over.deadline_s
            return ev.TaskHanded(
                at=now,
                task=spec.id,
                number=record.next_number,
                deadline_at=None if limit_s is None else now + limit_s,
                reason=record.message if record.rung == "human" else hand_over.message,
                base=state.line if spec.in_workspace else "",
            )
    return None


def _run_out(state: RunState, now: float) -> ev.RunPaused | None:
    """The pause of a run in which nothing is at work, and nothing can start for want of budget."""
    mask = startable(state)
    at_work = state.live or state.merging or state.groups or _is_asking(state)
    if at_work or not mask or mask & ~state.index.paid:
        return None
    shortage = unaffordable(state, mask)
    if shortage is None:
        return None
    return ev.RunPaused(at=now, reason=shortage.reason, by="engine", exhausted=True)


def _is_asking(state: RunState) -> bool:
    """Whether a gate is open that evidence decides."""
    return any(
        state.gates[name].status is GateStatus.OPEN and gate.kind in EVIDENCE_GATES
        for name, (_, gate) in state.index.gates.items()
    )


def _end_group(state: RunState, now: float) -> ev.AnyEvent | None:
    """The end of a group whose members have all ended."""
    plan = state.index
    for number in bits(state.groups):
        group = plan.order[number]
        if not group.expanded:
            continue
        members = [(name, state.task(name).status) for name in group.members]
        bad = [name for name, status in members if status is not TaskStatus.SUCCEEDED]
        if bad and not group.tolerate:
            message = f"{len(bad)} of {len(members)} did not succeed: {', '.join(bad[:5])}"
            return ev.TaskFailed(at=now, task=group.id, message=message)
        good = len(members) - len(bad)
        return ev.GroupEnded(at=now, task=group.id, succeeded=good, failed=len(bad))
    return None


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


def _open_gate(state: RunState, phase: int, now: float) -> Events:
    """The opening of the next gate of `phase`; with its verdict, where it need not be asked."""
    plan = state.index
    name = next(
        gate for gate in plan.phase_gates[phase] if state.gates[gate].status is GateStatus.CLOSED
    )
    spec = plan.gates[name][1]
    deadline_at = None
    if spec.kind == "human" and spec.deadline_s is not None:
        deadline_at = now + spec.deadline_s
    opened = ev.GateOpened(at=now, gate=name, deadline_at=deadline_at)
    if spec.when is None or _may_hold(state, spec.when):
        return (opened,)
    reason = f"not asked: {spec.when} does not hold"
    passed = ev.GateDecided(at=now, gate=name, verdict="passed", by="engine", reason=reason)
    return (opened, passed)


def _may_hold(state: RunState, condition: str) -> bool:
    """Whether `condition` holds, or cannot be decided: then the gate is asked."""
    try:
        return evaluate(parse(condition), scope(state)) is not False
    except ExpressionError:
        return True


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
