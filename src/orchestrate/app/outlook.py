"""What a run of paid agents may cost, said before it begins."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee


class Outlook(msgspec.Struct, frozen=True):
    """What a run may cost, said before it begins.

    `attempts` counts the paid tasks, each of which is certain to be tried once if it is reached; a
    group counts as one, as its list is not known. `most` counts the attempts that can follow from
    failures as well, and from the longest lists there may be. What was held against nobody (a rate
    limit, an interruption) is in neither. `bound_usd` is the most all of `most` may cost by their
    allowances, None where nothing bounds it: a limit in dollars does not hold somebody whose price
    nobody knows.
    """

    attempts: int
    most: int
    bound_usd: float | None
    backends: tuple[str, ...]
    soft: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()


def outlook(workflow: Workflow) -> Outlook:
    """What a staffed workflow may cost."""
    counted = list(_counted(workflow))
    everybody = [who for who, _ in counted]
    bound: float | None = 0.0
    for who, times in counted:
        allowance = who.allowance.cost_usd if who.priced else None
        bound = None if bound is None or allowance is None else bound + times * allowance
    limit = workflow.limits.budget.cost_usd
    if limit is not None and all(who.priced for who in everybody):
        bound = limit if bound is None else min(bound, limit)
    return Outlook(
        attempts=sum(_is_paid(task) for task in workflow.tasks),
        most=sum(times for _, times in counted),
        bound_usd=bound,
        backends=tuple(dict.fromkeys(who.backend for who in everybody)),
        soft=tuple(dict.fromkeys(who.backend for who in everybody if not who.hard)),
        unpriced=tuple(
            dict.fromkeys(who.model or who.backend for who in everybody if not who.priced)
        ),
    )


def _is_paid(task: TaskSpec) -> bool:
    return any(who.paid for who in task.staff)


def _counted(workflow: Workflow) -> Iterator[tuple[Assignee, int]]:
    """Who may be paid, and for how many attempts at most."""
    for task in workflow.tasks:
        if not _is_paid(task):
            continue
        tries = max(task.retry.max_attempts, 1) + (task.max_returns if task.writes else 0)
        for who in task.staff:
            yield who, tries * _parts(task)
        if task.advisor is not None:
            yield task.advisor, _parts(task)
            yield task.staff[0], _parts(task)
    resolver = workflow.resolver
    for task in workflow.tasks if resolver is not None and _is_paid(resolver) else ():
        if task.writes:
            assert resolver is not None
            yield resolver.staff[0], task.max_returns * task.retry.max_attempts * _parts(task)


def _parts(task: TaskSpec) -> int:
    """How many tasks it can be at most: one for each item of a list, or split after it failed."""
    whole = 1 if task.each is None else task.each.limit
    return whole + (0 if task.split is None else task.split.limit)
