"""How a run came to its status: one row of the run's transition table after the other."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from orchestrate.core.running import events as ev
from orchestrate.core.running.status import RUN, RunStatus, following

#: Events about the run as a whole -> the trigger each stands for.
_TRIGGERS: dict[type, str] = {
    ev.RunPlanned: "run_planned",
    ev.RunStarted: "run_started",
    ev.RunAdopted: "run_adopted",
    ev.RunPaused: "run_paused",
    ev.RunResumed: "run_resumed",
    ev.RunCompleted: "run_completed",
    ev.RunFailed: "run_failed",
    ev.RunCancelled: "run_cancelled",
    ev.RunRolledBack: "run_rolled_back",
}
#: Who decided what nobody asked for.
ENGINE = "engine"


class Transition(msgspec.Struct, frozen=True):
    """One change of a run's status, by the event at `version` of its log.

    `before` is None for the event that made the run. `trigger` is the row of the table. `by` is
    "engine" for what followed by itself, and empty where the log names nobody.
    """

    version: int
    at: float
    before: RunStatus | None
    after: RunStatus
    trigger: str
    reason: str
    by: str


def transitions(history: Iterable[tuple[int, ev.AnyEvent]]) -> tuple[Transition, ...]:
    """Every transition in `history`, which begins with the run's first event, in order.

    Rows that lead back to the same status are told only for a rollback; a change of driver says
    nothing about the lifecycle.
    """
    found: list[Transition] = []
    status = RunStatus.IDLE
    for version, event in history:
        if isinstance(event, ev.RunCreated):
            found.append(Transition(version, event.at, None, status, "run_created", "", ""))
            continue
        trigger = _trigger(event)
        if not trigger:
            continue
        before, status = status, following(RUN, status, trigger)
        if status is before and not isinstance(event, ev.RunRolledBack):
            continue
        reason = getattr(event, "reason", "")
        found.append(Transition(version, event.at, before, status, trigger, reason, _by(event)))
    return tuple(found)


def _trigger(event: ev.AnyEvent) -> str:
    if isinstance(event, ev.RunRolledBack) and event.automatic:
        return "run_rolled_back_by_failure"
    return _TRIGGERS.get(type(event), "")


def _by(event: ev.AnyEvent) -> str:
    if isinstance(event, ev.RunCompleted | ev.RunFailed):
        return ENGINE
    if isinstance(event, ev.RunRolledBack) and event.automatic:
        return ENGINE
    return str(getattr(event, "by", ""))


def reachable(status: RunStatus) -> dict[RunStatus, str]:
    """Statuses that a person may ask for from `status`, and the trigger that leads there."""
    return {
        target: trigger
        for trigger, target in RUN[status].items()
        if trigger in _BY_HAND and target is not status
    }


_BY_HAND = frozenset({"run_paused", "run_resumed", "run_cancelled"})
