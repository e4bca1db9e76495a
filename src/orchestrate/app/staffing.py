"""Who performs each task of a workflow here, decided once, when the run is planned.

A workflow says which agent a task is for, and may leave open which backend performs it. Here that
becomes definite: the user's choice, then what can be used on this machine. What was decided is part
of the plan, so a run that is resumed elsewhere, or after something else was installed, goes on with
the same performers and the same limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from orchestrate.core.agents.enforcing import accounted, in_workspace
from orchestrate.core.agents.permissions import (
    Enforcement,
    Permissions,
    Restriction,
    Rule,
    narrowed,
    permissions_of,
)
from orchestrate.core.agents.profile import Profile
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    DEFAULT_TASK_TIMEOUT_S,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.planning.write_set import UNKNOWN
from orchestrate.errors import ConfigurationError, DefinitionError
from orchestrate.ports.catalog import AgentCatalog
from orchestrate.ports.performer import AgentBackend, Backend

_replace = msgspec.structs.replace

#: Tries of a paid agent at a task whose workflow says nothing about it: one more than the first.
TRIES = 2
#: Models named so in a profile are what Claude Code calls its own.
_CLAUDE_NAMES = frozenset({"opus", "sonnet", "haiku", "inherit", "default", "opusplan"})


class Choice(msgspec.Struct, frozen=True):
    """What the user decides about performers.

    `backends` can be used here, the preferred one first. `models` maps a backend to the model to
    use. `allowance` is for one attempt. `unenforced` names restrictions that need not be held.
    `trusted`: what the repository's own files name may be run.
    """

    backends: tuple[str, ...]
    models: Mapping[str, str] = {}
    allowance: Budget = Budget()
    rules: tuple[Rule, ...] = ()
    unenforced: frozenset[str] = frozenset()
    trusted: bool = False


class _Unheld(msgspec.Struct, frozen=True):
    """A restriction of an agent that its backend does not hold it to."""

    task: str
    agent: str
    backend: str
    restriction: Restriction


def needs_agents(workflow: Workflow, backends: Mapping[str, Backend]) -> bool:
    """Whether anything in `workflow` is performed by a paid agent."""
    return any(
        (task.agent is not None and task.backend is None)
        or is_agent_backend(backends.get(task.backend or ""))
        for task in workflow.performed
    )


def is_agent_backend(backend: Backend | None) -> bool:
    """Whether a model does what is given to `backend`."""
    return hasattr(backend, "enforcement")


def held_to(
    backend: AgentBackend, profile: Profile, rules: Sequence[Rule], *, writes: bool
) -> tuple[Permissions, Enforcement]:
    """What an agent may do at a task of a run, and what of it `backend` holds the agent to.

    Args:
        backend: who performs it.
        profile: the agent.
        rules: what the user denies every agent.
        writes: whether the task may change files.
    """
    allowed = narrowed(permissions_of(profile, rules), writes=writes)
    said = accounted(allowed, backend.enforcement(allowed, writes=writes))
    return allowed, in_workspace(said, writes=writes)


class Staffing:
    """Fills in who performs what."""

    def __init__(
        self,
        choice: Choice,
        backends: Mapping[str, Backend],
        catalog: AgentCatalog,
        is_priced: Callable[[str, str], bool],
    ) -> None:
        """`is_priced` tells whether the cost of (provider, model) can be known."""
        self._choice = choice
        self._backends = backends
        self._catalog = catalog
        self._is_priced = is_priced
        self._unheld: list[_Unheld] = []

    def staffed(self, workflow: Workflow) -> Workflow:
        """`workflow` with the staff of every task.

        Raises:
            ConfigurationError: no backend can perform agents, or one cannot hold them to what they
                may do.
            DefinitionError: an agent is named that nobody knows.
        """
        self._unheld = []
        resolver = workflow.resolver
        found = _replace(
            workflow,
            tasks=tuple(self._task(task) for task in workflow.tasks),
            resolver=None if resolver is None else self._resolver(resolver),
        )
        self._require_held()
        return found

    def _resolver(self, task: TaskSpec) -> TaskSpec:
        """It has to write, whatever its task says."""
        return _replace(self._task(_replace(task, writes=(UNKNOWN,))), writes=task.writes)

    def _task(self, task: TaskSpec) -> TaskSpec:
        named = task.backend or ""
        if task.agent is None or (named and not is_agent_backend(self._backends.get(named))):
            return task
        first = self._assignee(task, task.agent, named or self._preferred(task), task.model)
        staff = (first, *self._alternatives(task, first))
        advisor = None
        if task.escalate:
            advisor = self._assignee(task, task.escalate, first.backend, "", writes=False)
        profile = self._profile(task, task.agent)
        return _replace(
            task,
            backend=first.backend,
            staff=staff,
            advisor=advisor,
            retry=_retry(task, profile),
            timeout_s=_timeout_s(task, profile),
        )

    def _preferred(self, task: TaskSpec) -> str:
        if not self._choice.backends:
            raise ConfigurationError(
                f"task {task.id} is for an agent, and no agent program can be used here",
                remedy="see what is missing: orchestrate doctor",
            )
        return self._choice.backends[0]

    def _alternatives(self, task: TaskSpec, first: Assignee) -> Sequence[Assignee]:
        """Those of the task's alternatives that can be used here."""
        found = []
        for written in task.alternatives:
            agent, _, backend = written.partition("@")
            backend = backend or first.backend
            if backend in self._choice.backends:
                found.append(self._assignee(task, agent or first.agent, backend, ""))
        return found

    def _assignee(
        self, task: TaskSpec, agent: str, name: str, model: str, *, writes: bool | None = None
    ) -> Assignee:
        backend = self._backends.get(name)
        if backend is None or not is_agent_backend(backend):
            raise ConfigurationError(
                f"task {task.id}: there is no agent backend {name!r}",
                remedy=f"use one of: {', '.join(self._choice.backends) or 'none is usable here'}",
            )
        if name not in self._choice.backends:
            raise ConfigurationError(
                f"task {task.id} is for {name}, which cannot be used here",
                remedy="see what is missing: orchestrate doctor",
            )
        performing: AgentBackend = backend  # type: ignore[assignment]
        profile = self._profile(task, agent)
        self._require_trust(task, profile)
        self._check(task, performing, profile, bool(task.writes) if writes is None else writes)
        chosen = model or self._choice.models.get(name, "") or _profile_model(profile, name)
        return Assignee(
            agent=agent,
            backend=name,
            model=chosen,
            provider=performing.provider,
            paid=True,
            hard=performing.hard_cost,
            priced=performing.hard_cost or self._is_priced(performing.provider, chosen),
            allowance=self._choice.allowance,
            max_parallel=profile.orchestration.max_parallel,
        )

    def _profile(self, task: TaskSpec, agent: str) -> Profile:
        profile = self._catalog.find(agent)
        if profile is None:
            raise DefinitionError(
                f"task {task.id} is for the agent {agent!r}, and there is none of that name",
                remedy="orchestrate agent list shows all agents",
            )
        return profile

    def _require_trust(self, task: TaskSpec, profile: Profile) -> None:
        """An MCP server is a command, and a repository's own runs only where that is trusted."""
        if profile.origin == "project" and profile.mcp_servers and not self._choice.trusted:
            raise ConfigurationError(
                f"agent {profile.name} (task {task.id}) is the repository's own and starts MCP"
                f" servers: {', '.join(profile.mcp_servers)}",
                remedy="if you trust the repository to run them, add --trust-repo",
            )

    def _check(self, task: TaskSpec, backend: AgentBackend, profile: Profile, writes: bool) -> None:
        _, held = held_to(backend, profile, self._choice.rules, writes=writes)
        for restriction in held.unenforced:
            if restriction.name not in self._choice.unenforced:
                self._unheld.append(_Unheld(task.id, profile.name, backend.name, restriction))

    def _require_held(self) -> None:
        if not self._unheld:
            return
        names = sorted({item.restriction.name for item in self._unheld})
        first = self._unheld[0]
        raise ConfigurationError(
            f"{first.backend} cannot hold {first.agent} (task {first.task}) to"
            f" {first.restriction.name}: {first.restriction.how}"
            + (f"; in all: {', '.join(names)}" if len(names) > 1 else ""),
            remedy="use another backend, change the restriction, or accept it:"
            f" {' '.join(f'--allow-unenforced {name!r}' for name in names)}",
        )


def _retry(task: TaskSpec, profile: Profile) -> RetryPolicy:
    if task.retry.stated or task.retry.max_attempts != RetryPolicy().max_attempts:
        return task.retry
    tries = TRIES if profile.max_retries is None else profile.max_retries + 1
    return _replace(task.retry, max_attempts=max(1, tries))


def _timeout_s(task: TaskSpec, profile: Profile) -> float:
    if task.timeout_s != DEFAULT_TASK_TIMEOUT_S or profile.timeout_s is None:
        return task.timeout_s
    return profile.timeout_s


def _profile_model(profile: Profile, backend: str) -> str:
    """The model a profile asks for, where `backend` knows it."""
    model = profile.model or ""
    if model in ("inherit", "default"):
        return ""
    is_claudes = model in _CLAUDE_NAMES or model.startswith("claude")
    return model if is_claudes == (backend == "claude") else ""
