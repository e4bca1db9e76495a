"""Every attempt at a task, from the log: who performed it, how it ended and what it consumed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running import events as ev
from orchestrate.core.sharing.usage import Denial, Usage
from orchestrate.core.views.cost import OUTCOMES, Ended


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Times are Unix seconds; `ended_at` is None while it is at work.

    Attributes:
        agent, backend, model: who performed it; empty where no model did. A person is `human`.
        rung: where on the ladder of recovery the task stood; empty for a task without one.
        outcome: running, handed, succeeded, failed, lost, interrupted, cancelled or advised.
        cause, message: why it failed; of one that ended well the summary or the advice.
        by: the person who handed it in.
        duration_s: how long it worked, as whoever performed it measured.
        usage: what it consumed; None where no model was asked, or nobody knows.
        reserved: what it was allowed to consume.
        denials: tools it was not allowed.
        handed_on: about how many tokens it was given from earlier tasks.
        returned: why what it delivered was sent back, None if it was not.
        blameless: its failure is held against nobody.
    """

    number: int
    started_at: float
    ended_at: float | None = None
    agent: str = ""
    backend: str = ""
    model: str = ""
    rung: str = ""
    outcome: str = "running"
    cause: FailureCause | None = None
    message: str = ""
    by: str = ""
    duration_s: float = 0.0
    usage: Usage | None = None
    reserved: Budget = UNLIMITED
    denials: tuple[Denial, ...] = ()
    handed_on: int = 0
    returned: FailureCause | None = None
    blameless: bool = False


def attempts_at(events: Iterable[ev.AnyEvent], task: str) -> tuple[AttemptRecord, ...]:
    """The attempts at `task` in `events`, the log of a run, in the order they began."""
    found: dict[int, AttemptRecord] = {}
    for event in events:
        if getattr(event, "task", "") != task:
            continue
        if isinstance(event, ev.AttemptStarted | ev.TaskHanded):
            found[event.number] = _begun(event)
        elif isinstance(event, ev.WorkReturned) and event.number in found:
            record = found[event.number]
            found[event.number] = msgspec.structs.replace(record, returned=event.cause)
        elif isinstance(event, Ended) and event.number in found:
            found[event.number] = _ended(found[event.number], event)
    return tuple(found.values())


def _begun(event: ev.AttemptStarted | ev.TaskHanded) -> AttemptRecord:
    if isinstance(event, ev.TaskHanded):
        return AttemptRecord(
            number=event.number,
            started_at=event.at,
            backend="human",
            outcome="handed",
            message=event.reason,
        )
    return AttemptRecord(
        number=event.number,
        started_at=event.at,
        agent=event.agent,
        backend=event.backend,
        model=event.model,
        rung=event.rung,
        reserved=event.reserved,
    )


def _ended(record: AttemptRecord, event: Ended) -> AttemptRecord:
    usage = event.usage
    told = (getattr(event, name, "") for name in ("message", "summary", "advice", "reason"))
    return msgspec.structs.replace(
        record,
        ended_at=event.at,
        outcome=OUTCOMES[type(event)],
        cause=getattr(event, "cause", None),
        message=next((text for text in told if text), ""),
        by=getattr(event, "by", ""),
        duration_s=event.duration_s,
        usage=usage,
        # What was really used may be another model than was asked for.
        model=(usage.model if usage is not None else "") or record.model,
        denials=getattr(event, "denials", ()),
        handed_on=getattr(event, "handed_on", 0),
        blameless=getattr(event, "blameless", False),
    )
