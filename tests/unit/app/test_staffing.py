"""Who performs a task here: what the workflow says, what the user wants, what can be used."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.app.outlook import outlook
from orchestrate.app.staffing import TRIES, Choice, Staffing, needs_agents
from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction
from orchestrate.core.agents.profile import Orchestration, Profile
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    EachSpec,
    Limits,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.errors import ConfigurationError, DefinitionError
from orchestrate.ports.performer import Backend, BackendStatus

PROFILES = {
    "builder": Profile("builder", "builds", tools=("Read", "Write", "Bash"), model="opus"),
    "architect": Profile("architect", "designs", tools=("Read",), max_retries=3, timeout_s=60.0),
    "lone": Profile(
        "lone", "deploys", tools=("Read",), orchestration=Orchestration(max_parallel=1)
    ),
    "served": Profile("served", "asks", tools=("Read",), mcp_servers=("db",), origin="project"),
}


class _Catalog:
    def find(self, name: str) -> Profile | None:
        return PROFILES.get(name)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(PROFILES))


class _Agent:
    """An agent backend that holds agents to nothing named in `open_ones`."""

    def __init__(self, name: str, *open_ones: str, hard: bool = False) -> None:
        self.name = name
        self.provider = f"{name}-provider"
        self.hard_cost = hard
        self._open = open_ones

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        return Enforcement((), tuple(Restriction(name, "no way") for name in self._open))

    def status(self) -> BackendStatus:
        return BackendStatus(self.name)


class _Plain:
    name = "local"


BACKENDS: dict[str, Any] = {
    "local": _Plain(),
    "claude": _Agent("claude", hard=True),
    "codex": _Agent("codex"),
}


def _task(name: str = "t", **more: Any) -> TaskSpec:
    return msgspec.structs.replace(TaskSpec(name, "p", agent="builder", prompt="do"), **more)


def _flow(*tasks: TaskSpec, **more: Any) -> Workflow:
    return Workflow("w", phases=(PhaseSpec("p"),), tasks=tasks, **more)


def _staffing(known: dict[str, Any] | None = None, priced: bool = True, **choice: Any) -> Staffing:
    chosen = Choice(**{"backends": ("claude", "codex"), **choice})
    found: dict[str, Backend] = known or BACKENDS
    return Staffing(chosen, found, _Catalog(), lambda provider, model: priced)


def _staffed(task: TaskSpec, **choice: Any) -> TaskSpec:
    return _staffing(**choice).staffed(_flow(task)).tasks[0]


@pytest.mark.parametrize(("agent", "limit"), [("lone", 1), ("builder", None)])
def test_how_many_tasks_an_agent_does_at_once_is_said_in_its_file(
    agent: str, limit: int | None
) -> None:
    [who] = _staffed(_task(agent=agent)).staff
    assert who.max_parallel == limit


def test_an_open_task_goes_to_the_preferred_backend_with_its_allowance() -> None:
    found = _staffed(_task(), allowance=Budget(cost_usd=2.0))
    [who] = found.staff
    assert (found.backend, who.backend, who.provider) == ("claude", "claude", "claude-provider")
    assert (who.paid, who.hard, who.allowance) == (True, True, Budget(cost_usd=2.0))


def test_tasks_of_tools_commands_and_people_stay_as_they_are() -> None:
    tasks = (
        _task("a", backend="local"),
        _task("b", agent=None, run="true"),
        _task("c", backend="human"),
    )
    assert _staffing().staffed(_flow(*tasks)).tasks == tasks
    assert not needs_agents(_flow(*tasks), BACKENDS)
    assert needs_agents(_flow(_task()), BACKENDS)


def test_alternatives_name_agents_backends_or_both_and_those_not_usable_are_left_out() -> None:
    named = ("architect", "@codex", "architect@codex", "@gemini")
    found = _staffed(_task(alternatives=named))
    assert [(who.agent, who.backend) for who in found.staff] == [
        ("builder", "claude"),
        ("architect", "claude"),
        ("builder", "codex"),
        ("architect", "codex"),
    ]
    alone = _staffed(_task(alternatives=named), backends=("claude",))
    assert [who.backend for who in alone.staff] == ["claude", "claude"]


def test_the_model_is_the_tasks_else_the_users_else_the_profiles_where_the_backend_knows_it() -> (
    None
):
    assert _staffed(_task(model="m")).staff[0].model == "m"
    assert _staffed(_task(), models={"claude": "mine"}).staff[0].model == "mine"
    assert _staffed(_task()).staff[0].model == "opus"
    assert _staffed(_task(), backends=("codex",)).staff[0].model == ""


def test_tries_and_time_come_from_the_workflow_else_from_the_profile() -> None:
    found = _staffed(_task(agent="architect"))
    assert (found.retry.max_attempts, found.timeout_s) == (4, 60.0)
    assert _staffed(_task()).retry.max_attempts == TRIES
    policy = RetryPolicy(max_attempts=1, stated=True)
    kept = _staffed(_task(agent="architect", retry=policy, timeout_s=5.0))
    assert (kept.retry, kept.timeout_s) == (policy, 5.0)


def test_the_advisor_and_the_resolver_get_staff_as_well() -> None:
    resolver = _task("resolver")
    found = _staffing().staffed(_flow(_task(escalate="architect"), resolver=resolver))
    assert found.tasks[0].advisor is not None and found.tasks[0].advisor.agent == "architect"
    assert found.resolver is not None and found.resolver.staff[0].agent == "builder"


def test_the_resolver_is_held_to_what_somebody_may_do_who_writes() -> None:
    class Writing(_Agent):
        def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
            return Enforcement((), (Restriction("fetch", "no way"),) if writes else ())

    backends = {**BACKENDS, "claude": Writing("claude")}
    flow = _flow(_task(), resolver=_task("resolver"))
    with pytest.raises(ConfigurationError, match="task resolver"):
        _staffing(backends).staffed(flow)
    found = _staffing(backends, unenforced=frozenset({"fetch"})).staffed(flow)
    assert found.resolver is not None and found.resolver.writes == ()


def test_members_of_a_group_to_be_are_staffed_through_it() -> None:
    group = _task(each=EachSpec("list", "items"))
    assert _staffed(group).staff[0].backend == "claude"


def test_without_a_usable_backend_nothing_is_staffed() -> None:
    with pytest.raises(ConfigurationError, match="no agent program can be used"):
        _staffed(_task(), backends=())


def test_a_backend_that_a_task_names_has_to_be_usable_here() -> None:
    with pytest.raises(ConfigurationError, match="task t is for codex"):
        _staffed(_task(backend="codex"), backends=("claude",))
    assert _staffed(_task(backend="codex")).staff[0].backend == "codex"


def test_an_agent_nobody_knows_is_named_with_its_task() -> None:
    with pytest.raises(DefinitionError, match="task t is for the agent 'nobody'"):
        _staffed(_task(agent="nobody"))


def test_what_a_backend_cannot_enforce_stops_the_run_unless_it_is_named() -> None:
    backends = {**BACKENDS, "claude": _Agent("claude", "read:.env", "execute:git push")}
    with pytest.raises(ConfigurationError) as refused:
        _staffing(backends).staffed(_flow(_task()))
    assert "--allow-unenforced read:.env" in refused.value.remedy.replace("'", "")
    allowed = frozenset({"read:.env", "execute:git push"})
    assert _staffing(backends, unenforced=allowed).staffed(_flow(_task())).tasks[0].staff


def test_writing_by_a_task_that_does_not_write_is_held_by_its_workspace() -> None:
    backends = {**BACKENDS, "claude": _Agent("claude", "write")}
    assert _staffing(backends).staffed(_flow(_task())).tasks[0].staff
    with pytest.raises(ConfigurationError, match="write"):
        _staffing(backends).staffed(_flow(_task(writes=("**",))))


def test_mcp_servers_of_the_repositorys_own_agents_need_its_trust() -> None:
    with pytest.raises(ConfigurationError, match="MCP servers: db"):
        _staffed(_task(agent="served"))
    assert _staffed(_task(agent="served"), trusted=True).staff


def test_the_outlook_counts_what_is_sure_what_may_follow_and_bounds_the_money() -> None:
    allowance = Budget(cost_usd=0.5)
    task = _task(writes=("**",), alternatives=("@codex",), escalate="architect", max_returns=2)
    found = outlook(_staffing(allowance=allowance).staffed(_flow(task)))
    assert found.attempts == 1
    assert found.most == 2 * (TRIES + 2) + 2
    assert found.bound_usd == found.most * 0.5
    assert (found.backends, found.soft) == (("claude", "codex"), ("codex",))


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ({"each": EachSpec("list", "items", limit=7)}, 7 * TRIES),
        ({"split": EachSpec("list", "items", limit=3)}, TRIES + 3 * TRIES),
    ],
)
def test_the_outlook_counts_every_item_that_a_list_may_have(more: Any, most: int) -> None:
    found = outlook(_staffing(allowance=Budget(cost_usd=0.5)).staffed(_flow(_task(**more))))
    assert (found.attempts, found.most, found.bound_usd) == (1, most, most * 0.5)


def test_the_outlook_counts_whoever_joins_work_that_conflicts() -> None:
    writer = _task("w", agent=None, run="true", writes=("**",), max_returns=2)
    flow = _flow(writer, resolver=_task("resolver"))
    found = outlook(_staffing(allowance=Budget(cost_usd=0.5)).staffed(flow))
    assert (found.attempts, found.most, found.bound_usd) == (0, 2, 1.0)
    assert found.backends == ("claude",)


def test_the_bound_is_the_budget_where_that_is_less_and_unknown_without_both() -> None:
    flow = _staffing().staffed(_flow(_task()))
    assert outlook(flow).bound_usd is None
    limits = Limits(budget=Budget(cost_usd=0.2))
    assert outlook(msgspec.structs.replace(flow, limits=limits)).bound_usd == 0.2


def test_a_model_of_unknown_price_is_named_where_the_backend_reports_no_cost() -> None:
    found = outlook(
        _staffing(priced=False, models={"codex": "new"}).staffed(
            _flow(_task(), _task("u", backend="codex"))
        )
    )
    assert found.unpriced == ("new",)


def test_a_limit_in_dollars_bounds_nobody_whose_price_is_unknown() -> None:
    limits = Limits(budget=Budget(cost_usd=1.0, tokens=5))
    flow = _flow(_task(backend="codex"), limits=limits)
    allowance = Budget(cost_usd=2.0)
    assert outlook(_staffing(allowance=allowance).staffed(flow)).bound_usd == 1.0
    assert outlook(_staffing(priced=False, allowance=allowance).staffed(flow)).bound_usd is None
