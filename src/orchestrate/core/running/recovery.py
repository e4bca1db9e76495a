"""What is tried when an attempt fails: one table, from trying again to asking a person.

Theory of operation
-------------------
The rungs of the ladder, in order:

* `same`: the same agent again, going on with its session where there is one, for the causes and as
  often as the task's retry policy says, or `max_returns` for work that is sent back;
* `alternative`: the next agent, backend or model the task names, each as often as the policy says;
* `split`: the task becomes one task per part of a list the workflow offers;
* `architect`: the task's advisor looks at what failed and says how to go on; the first agent then
  tries once more with that advice;
* `human`: the task is handed to a person.

`HELPS` says for each cause of failure which of the rungs above the first can make a difference. One
the task does not offer is passed over. Nobody climbs down: what a rung has had its tries at is not
tried again until somebody resumes the run. Two causes are not held against anybody, up to
`MAX_LIMITED` times at each place on the ladder: a rate limit is waited out, and an attempt cut
short by what was left of a budget goes on when there is more.

Two things stay below the ladder. A conflict is joined by the workflow's resolver and then by a
person, so an attempt at one is only ever tried again. And a task that is a person's from the start
has nobody else to go to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from orchestrate.core.planning.budget import Amount
from orchestrate.core.planning.definition import FailureCause, TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.rate_gate import LONGEST_TOLD_S
from orchestrate.core.running.retry import backoff_s
from orchestrate.core.running.state import Rung, TaskState

RUNGS: tuple[Rung, ...] = ("same", "alternative", "split", "architect", "human")

#: The backend of a person.
HUMAN = "human"

#: How often a failure is held against nobody before it counts. For rate limits that is, with the
#: waits below, a quarter of an hour: a limit per minute is long over then, and one per day is not.
MAX_LIMITED = 6
#: Waits after a rate limit when the provider names none, in seconds: doubled from the first on.
LIMITED_BACKOFF_S = 15.0
MAX_LIMITED_BACKOFF_S = 900.0

_ALL: frozenset[Rung] = frozenset(RUNGS[1:])
_ELSEWHERE: frozenset[Rung] = frozenset({"alternative", "human"})
#: cause -> the rungs above the first that can make a difference.
HELPS: Mapping[FailureCause, frozenset[Rung]] = {
    "crash": _ALL - {"split"},
    "exit": _ALL - {"split"},
    "timeout": _ALL,
    "output_limit": _ALL,
    "missing_output": _ALL - {"split"},
    "bad_output": _ALL - {"split"},
    "unavailable": _ELSEWHERE,
    "lost": _ELSEWHERE,
    # What conflicts goes to the workflow's resolver, and then to a person, by the merge train.
    "conflict": frozenset(),
    "checks_failed": _ALL,
    # Doing the work again does not make it known whether it is good.
    "checks_unknown": frozenset(),
    "refusal": _ALL,
    "denied": _ALL - {"split"},
    "rate_limit": _ELSEWHERE,
    "provider": _ELSEWHERE,
    "login": _ELSEWHERE,
    "bad_request": _ELSEWHERE | {"split"},
    "budget": _ALL,
    "empty_diff": _ALL,
}


class Step(msgspec.Struct, frozen=True):
    """What comes next for a task: on which rung, by whom (index of its staff), and when.

    `blameless`: the failure is not held against anybody.
    """

    rung: Rung
    performer: int
    at: float
    blameless: bool = False


def is_advising(task: TaskSpec, record: TaskState) -> bool:
    """Whether the next, or present, attempt is the advisor's."""
    return record.rung == "architect" and not record.advice and task.advisor is not None


def assignee_of(task: TaskSpec, record: TaskState) -> Assignee | None:
    """Who performs the next, or present, attempt; None for what no model performs."""
    if is_for_person(task, record):
        return Assignee(agent=task.agent or "", backend=HUMAN)
    if is_advising(task, record):
        return task.advisor
    if not task.staff:
        return None
    return task.staff[min(record.performer, len(task.staff) - 1)]


def performing(plan: PlanIndex, number: int, record: TaskState) -> Assignee | None:
    """Who performs the attempt at task `number`, the workflow's resolver included."""
    resolver = plan.workflow.resolver
    if record.resolving and resolver is not None:
        return resolver.staff[0] if resolver.staff else None
    return assignee_of(plan.order[number], record)


def is_for_person(task: TaskSpec, record: TaskState) -> bool:
    """Whether the task is to be handed to a person next."""
    return record.rung == "human" or task.backend == HUMAN


def next_step(
    task: TaskSpec,
    record: TaskState,
    cause: FailureCause,
    now: float,
    retry_after_s: float | None = None,
    *,
    who: Assignee | None = None,
    consumed: Amount | None = None,
) -> Step | None:
    """What to try after an attempt failed by `cause`; None when nothing is left.

    Args:
        task: its definition.
        record: its state before the failure is counted.
        cause: why it failed.
        now: Unix seconds.
        retry_after_s: how long the provider asked to wait, if it did.
        who: who performed the attempt; the one it is up to, where that is not said.
        consumed: what it consumed, if anybody knows.
    """
    who = who or assignee_of(task, record)
    if record.limited < MAX_LIMITED:
        if cause == "rate_limit":
            wait_s = _limited_s(record, retry_after_s)
            return Step(record.rung, record.performer, now + wait_s, blameless=True)
        if cause == "budget" and who is not None and _was_cut_short(who, record, consumed):
            return Step(record.rung, record.performer, now, blameless=True)
    own_tries = record.resolving or record.rung in ("same", "alternative")
    left = record.failures + 1 < task.retry.max_attempts
    if own_tries and left and _is_retried(task, cause):
        at = now + backoff_s(task.retry, record.failures + 1)
        return Step(record.rung, record.performer, at)
    return None if record.resolving else climb(task, record, cause, now)


def climb(task: TaskSpec, record: TaskState, cause: FailureCause, now: float) -> Step | None:
    """Who is next after whoever had their tries failed by `cause`; None when nobody is left."""
    helps = HELPS[cause]
    if (
        record.rung in ("same", "alternative")
        and "alternative" in helps
        and record.performer + 1 < len(task.staff)
    ):
        return Step("alternative", record.performer + 1, now)
    for rung in RUNGS[max(RUNGS.index(record.rung) + 1, RUNGS.index("split")) :]:
        if rung in helps and _offers(task, rung):
            return Step(rung, record.performer if rung != "architect" else 0, now)
    return None


def _is_retried(task: TaskSpec, cause: FailureCause) -> bool:
    """Whether the same agent is tried again: where the policy says so, or a new allowance helps."""
    return cause in task.retry.on or (bool(task.staff) and cause == "budget")


def _offers(task: TaskSpec, rung: Rung) -> bool:
    if rung == "split":
        return task.split is not None
    if rung == "architect":
        return task.advisor is not None
    return rung == "human" and task.hand_over is not None and task.backend != HUMAN


def _limited_s(record: TaskState, retry_after_s: float | None) -> float:
    if retry_after_s is None or not math.isfinite(retry_after_s):
        return min(LIMITED_BACKOFF_S * 2.0**record.limited, MAX_LIMITED_BACKOFF_S)
    # Not longer than its provider's gate is shut: a wrong header must not end the task.
    return min(max(retry_after_s, 1.0), LONGEST_TOLD_S)


def _was_cut_short(who: Assignee, record: TaskState, consumed: Amount | None) -> bool:
    """Whether an attempt ran out of what little was left of a budget, not of its own allowance.

    Where nobody knows what it consumed, an allowance that was there in full counts as used up.
    """
    own = msgspec.structs.astuple(who.allowance)
    held = msgspec.structs.astuple(record.reserved)
    used = (None,) * len(own) if consumed is None else msgspec.structs.astuple(consumed)
    used_up = any(
        most is not None and left >= most and (part is None or part >= most)
        for most, left, part in zip(own, held, used, strict=True)
    )
    return held != own and not used_up
