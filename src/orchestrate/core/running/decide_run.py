"""Commands about the run as a whole: made, planned, begun, paused, resumed, given up."""

from __future__ import annotations

import math

import msgspec

from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.legality import (
    BUDGET_CHANGES,
    LIMIT_CHANGES,
    Events,
    refusal,
    require_row,
)
from orchestrate.core.running.spending import require_scope
from orchestrate.core.running.state import RunState
from orchestrate.errors import RequestError


def create(state: RunState, command: cmd.CreateRun, now: float) -> Events:
    """See CreateRun."""
    if state.run:
        raise refusal(state, f"run {state.run} exists already")
    return (
        ev.RunCreated(
            at=now,
            run=command.run,
            request=command.request,
            repository=command.repository,
            revision=command.revision,
            program=command.program,
            base=command.base,
        ),
    )


def plan(state: RunState, command: cmd.PlanRun, now: float) -> Events:
    """See PlanRun."""
    require_row(state, command)
    return (
        ev.RunPlanned(
            at=now,
            workflow=command.workflow,
            inputs=command.inputs,
            fingerprint=command.fingerprint,
        ),
    )


def start(state: RunState, command: cmd.StartRun, now: float) -> Events:
    """See StartRun."""
    require_row(state, command)
    return (ev.RunStarted(at=now, reason=command.reason),)


def adopt(state: RunState, command: cmd.AdoptRun, now: float) -> Events:
    """See AdoptRun."""
    require_row(state, command)
    return (ev.RunAdopted(at=now, owner=command.owner),)


def pause(state: RunState, command: cmd.PauseRun, now: float) -> Events:
    """See PauseRun."""
    require_row(state, command)
    return (ev.RunPaused(at=now, reason=command.reason, by=command.by),)


def resume(state: RunState, command: cmd.ResumeRun, now: float) -> Events:
    """See ResumeRun."""
    require_row(state, command)
    return (ev.RunResumed(at=now, reason=command.reason, by=command.by),)


def cancel(state: RunState, command: cmd.CancelRun, now: float) -> Events:
    """See CancelRun."""
    require_row(state, command)
    return (ev.RunCancelled(at=now, reason=command.reason, by=command.by),)


def set_budget(state: RunState, command: cmd.SetBudget, now: float) -> Events:
    """See SetBudget."""
    parts = msgspec.structs.astuple(command.budget)
    if any(part is not None and not (part > 0 and math.isfinite(part)) for part in parts):
        raise RequestError(
            "a budget is more than nothing, and has an end", remedy="give a positive number"
        )
    if state.status not in BUDGET_CHANGES:
        raise refusal(state, f"SetBudget is not possible while the run is {state.status.value}")
    require_scope(state, command.scope)
    return (ev.BudgetChanged(at=now, budget=command.budget, scope=command.scope, by=command.by),)


def set_limit(state: RunState, command: cmd.SetLimit, now: float) -> Events:
    """See SetLimit."""
    if command.max_parallel < 1:
        raise RequestError("the limit of parallel attempts must be at least 1")
    if state.status not in LIMIT_CHANGES:
        raise refusal(state, f"SetLimit is not possible while the run is {state.status.value}")
    return (ev.LimitChanged(at=now, max_parallel=command.max_parallel, by=command.by),)
