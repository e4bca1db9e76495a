"""Agents for random workflows: paid and free, with allowances, alternatives, advisors, people."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import (
    EachSpec,
    FailureCause,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.staffing import Assignee, HandOver

CLAUDE = Assignee(
    "builder",
    "claude",
    provider="anthropic",
    paid=True,
    hard=True,
    allowance=Budget(cost_usd=0.5),
)
CODEX = Assignee(
    "builder", "codex", model="m", provider="openai", paid=True, allowance=Budget(tokens=500)
)
#: Nothing limits one attempt of this one but the budgets it draws on.
OPEN_ENDED = Assignee("smith", "claude", provider="anthropic", paid=True)
FREE = Assignee("scripted", "scripted")
#: Does one task at a time.
LONE = msgspec.structs.replace(CLAUDE, agent="lone", max_parallel=1)
STAFF = (CLAUDE, CODEX, OPEN_ENDED, LONE, FREE)
PROVIDERS = ("anthropic", "openai")

#: Why agents fail, besides what happens to any process.
AGENT_CAUSES: tuple[FailureCause, ...] = (
    "refusal",
    "denied",
    "rate_limit",
    "provider",
    "login",
    "bad_request",
    "budget",
    "empty_diff",
)
BUDGETS = (
    Budget(cost_usd=1.0),
    Budget(tokens=2_000),
    Budget(turns=8),
    Budget(time_s=20.0),
    Budget(cost_usd=2.0, tokens=3_000),
)
_RETRIES = (
    RetryPolicy(),
    RetryPolicy(max_attempts=2, backoff_s=0.0),
    RetryPolicy(max_attempts=3, backoff_s=5.0, on=("crash", "refusal", "checks_failed")),
)


def budgets(*, limited: bool) -> st.SearchStrategy[Budget]:
    """Mostly no limit; none at all unless `limited`."""
    return st.sampled_from((*[UNLIMITED] * 2 * len(BUDGETS), *(BUDGETS if limited else ())))


@st.composite
def performed(
    draw: st.DrawFn, task: TaskSpec, earlier: list[TaskSpec], *, steady: bool
) -> TaskSpec:
    """`task`, left to a shell, an agent or a person; `earlier` may offer a list to split it by.

    With `steady` nothing depends on when things happen: no deadlines and no budgets.
    """
    doer = draw(st.sampled_from(("shell", "agent", "agent", "person")))
    if doer == "shell":
        return task
    limit_s = None if steady else draw(st.sampled_from((None, 25.0)))
    if doer == "person":
        hand_over = draw(st.sampled_from((None, HandOver(limit_s))))
        return msgspec.structs.replace(
            task, run=None, agent="person", backend="human", hand_over=hand_over
        )
    staff = tuple(draw(st.lists(st.sampled_from(STAFF), min_size=1, max_size=3)))
    changes: dict[str, Any] = {
        "staff": staff,
        "advisor": draw(st.sampled_from((None, None, CLAUDE, FREE))),
        "hand_over": draw(st.sampled_from((None, None, HandOver(limit_s)))),
        "retry": draw(st.sampled_from(_RETRIES)),
        "budget": draw(budgets(limited=not steady)),
    }
    lists = [each.id for each in earlier if each.each is None and each.outputs]
    divisible = draw(st.booleans())
    if lists and divisible:
        changes["split"] = EachSpec(lists[-1], "report", limit=3, tolerate=draw(st.booleans()))
        changes["needs"] = tuple(sorted({*task.needs, lists[-1]}))
    return msgspec.structs.replace(
        task, run=None, agent=staff[0].agent, backend=staff[0].backend, **changes
    )


@st.composite
def ladders(draw: st.DrawFn) -> Workflow:
    """A list and one or two tasks that have everything to climb, within a budget or without."""
    climber = TaskSpec(
        "climber",
        "main",
        agent="builder",
        backend="claude",
        needs=("list",),
        staff=tuple(draw(st.lists(st.sampled_from(STAFF), min_size=1, max_size=3))),
        retry=draw(st.sampled_from(_RETRIES)),
        split=draw(st.sampled_from((None, EachSpec("list", "report", limit=3, tolerate=True)))),
        advisor=draw(st.sampled_from((None, CLAUDE, FREE))),
        hand_over=draw(st.sampled_from((None, HandOver(), HandOver(25.0)))),
        writes=draw(st.sampled_from(((), ("src/",)))),
        max_returns=draw(st.integers(0, 1)),
        budget=draw(budgets(limited=True)),
    )
    other = msgspec.structs.replace(climber, id="other", writes=("src/", "docs/"), split=None)
    return Workflow(
        name="ladders",
        phases=(PhaseSpec("main", budget=draw(budgets(limited=True))),),
        tasks=(
            TaskSpec("list", "main", run="true", outputs=(OutputSpec("report", "report.txt"),)),
            climber,
            *((other,) if draw(st.booleans()) else ()),
        ),
        limits=Limits(budget=draw(st.sampled_from((UNLIMITED, *BUDGETS)))),
        on_failure="continue",
        resolver=TaskSpec("resolver", "main", agent="conflict-resolver", staff=(CLAUDE,))
        if draw(st.booleans())
        else None,
    )
