"""What is settled before a run may cost anything: who performs, what it may cost, and consent."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from orchestrate import wiring
from orchestrate.app.outlook import Outlook, outlook
from orchestrate.app.rehearsal import is_scripted, rehearsed, with_script
from orchestrate.app.staffing import needs_agents
from orchestrate.core.agents.script import SCRIPTED
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.planning.duration import parse_duration
from orchestrate.errors import ConfigurationError, RequestError
from orchestrate.ports.catalog import AgentCatalog
from orchestrate.ports.performer import Backend, BackendStatus
from orchestrate.ui.cli.outlook_text import Staffed, outlook_lines
from orchestrate.ui.cli.output import Output, printable

_replace = msgspec.structs.replace


class Spending(NamedTuple):
    """What the user says about paid agents.

    `budget` is for the whole run, with None for what they said nothing about. `script` is the file
    that says what scripted agents do.
    """

    backend: str | None = None
    script: str | None = None
    model: str | None = None
    budget: Budget = UNLIMITED
    yes: bool = False
    allow_unenforced: tuple[str, ...] = ()


NO_SPENDING = Spending()


class _Dollars(click.FloatRange):
    """An amount of money: neither "inf" nor "nan", which lies within every range for click."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found: float = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no amount of money.", param, ctx)
        return found


class _Duration(click.ParamType):  # type: ignore[type-arg] # not generic in all versions
    """Seconds, more than none, written as workflows write them: `90m`, `1h30m`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            found = parse_duration(value)
        except ValueError as error:
            self.fail(f"{error}; write it as in 90s, 5m or 1h30m.", param, ctx)
        if not found:
            self.fail("with no time nothing can be done.", param, ctx)
        return found


def budget_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--budget-usd and its like; the command is given them as one `budget`."""

    @functools.wraps(function)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        kinds = ("usd", "tokens", "turns", "time")
        budget = Budget(*(kwargs.pop(f"budget_{kind}") for kind in kinds))
        return function(*args, budget=budget, **kwargs)

    wrapped: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--budget-time",
            type=_Duration(),
            default=None,
            metavar="DURATION",
            help="Most time agents may be at work in all, as in 90m; those side by side add up.",
        ),
        click.option(
            "--budget-turns",
            type=click.IntRange(min=1),
            default=None,
            metavar="N",
            help="Most model calls it may make in all.",
        ),
        click.option(
            "--budget-tokens",
            type=click.IntRange(min=1),
            default=None,
            metavar="N",
            help="Most tokens it may use in all.",
        ),
        click.option(
            "--budget-usd",
            type=_Dollars(min=0, min_open=True),
            default=None,
            metavar="USD",
            help="Most US dollars it may cost in all; the run pauses when they are used up.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def spending_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that may cost money; the command is given them as one `spending`."""

    @functools.wraps(function)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        spending = Spending(**{name: kwargs.pop(name) for name in Spending._fields})
        return function(*args, spending=spending, **kwargs)

    wrapped: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--allow-unenforced",
            multiple=True,
            metavar="RESTRICTION",
            help="Go on although the backend cannot hold an agent to this (repeatable).",
        ),
        click.option("-y", "--yes", is_flag=True, help="Do not ask before spending money."),
        click.option("--model", default=None, help="The model to ask for (default: the agent's)."),
        click.option(
            "--script",
            default=None,
            metavar="FILE",
            help="What agents do, with --backend scripted; no model is asked.",
        ),
        click.option(
            "--backend",
            type=click.Choice(["claude", "codex", SCRIPTED]),
            default=None,
            help="Who performs what is for an agent (default: the first that can be used).",
        ),
    ):
        wrapped = option(wrapped)
    return budget_options(wrapped)


def staffed(
    site: wiring.Site,
    workflow: Workflow,
    known: Mapping[str, Backend],
    spending: Spending,
    catalog: AgentCatalog | None = None,
    *,
    trusted: bool = False,
) -> Staffed:
    """`workflow` with its performers and budget; as it is where no agent takes part.

    Raises:
        ConfigurationError: no agent can be used here, or not held to what it may do.
        RequestError: there is to be a script and is none, or the other way round.
        DefinitionError: the script is wrong.
    """
    agents = wiring.agent_backends(known)
    if spending.backend == SCRIPTED:
        workflow = rehearsed(workflow, agents.__contains__)
    script = _script(site, workflow, spending)
    if not needs_agents(workflow, known):
        return Staffed(workflow, outlook(workflow), {})
    statuses = {name: agent.status() for name, agent in agents.items()}
    usable = _usable_for(workflow, statuses, spending.backend or site.settings.backend)
    people = wiring.staffing(
        site,
        known,
        usable,
        model=spending.model or "",
        unenforced=spending.allow_unenforced,
        trusted=trusted,
        catalog=catalog,
    )
    workflow = _within(people.staffed(workflow), site, spending)
    if script:
        workflow = with_script(workflow, script, wiring.read_script(Path(script)))
    found = outlook(workflow)
    limit = workflow.limits.budget
    if found.unpriced and limit.cost_usd is not None and limit.tokens is None:
        raise ConfigurationError(
            f"the price of {_unpriced_names(found, statuses)} is not known, so a budget in dollars"
            " cannot be held",
            remedy="add --budget-tokens N, name a --model with a known price, or write the price"
            f" into {wiring.config_home() / 'prices.yaml'}",
        )
    return Staffed(workflow, found, statuses, script)


def _unpriced_names(cost: Outlook, statuses: Mapping[str, BackendStatus]) -> str:
    return ", ".join(
        f"the model that {name} chooses" if name in statuses else name for name in cost.unpriced
    )


def _script(site: wiring.Site, workflow: Workflow, spending: Spending) -> str:
    """The absolute path of the script, if anybody in `workflow` is to perform one.

    Raises:
        RequestError: there is none, or one is named that nobody performs.
    """
    path = spending.script or site.settings.script
    if not is_scripted(workflow):
        if spending.script and spending.backend != SCRIPTED:
            raise RequestError(
                f"nobody would perform the script {printable(spending.script)}",
                remedy=f"add --backend {SCRIPTED}, or take --script away",
            )
        return ""
    if not path:
        raise RequestError(
            "agents are to be scripted, and there is no script", remedy="add --script FILE"
        )
    return str(Path(path).expanduser().resolve())


def _usable_for(
    workflow: Workflow, statuses: Mapping[str, BackendStatus], wanted: str
) -> tuple[str, ...]:
    """Backends that `workflow` may use. A script is only used where it is asked for by name.

    Raises:
        ConfigurationError: see `_usable`.
    """
    asked = (SCRIPTED,) if is_scripted(workflow) else ()
    models = {name: status for name, status in statuses.items() if name != SCRIPTED}
    is_model_needed = any(
        task.agent is not None and task.backend in (None, *models) for task in workflow.performed
    )
    return (*(_usable(models, wanted) if is_model_needed else ()), *asked)


def _usable(statuses: Mapping[str, BackendStatus], wanted: str) -> tuple[str, ...]:
    """Backends that can be used, the wanted one first.

    Raises:
        ConfigurationError: the wanted one cannot be used, or none can; says what to install.
    """
    usable = [name for name, status in statuses.items() if status.usable]
    if wanted and wanted not in usable:
        status = statuses.get(wanted)
        why = "not installed" if status is None or not status.found else "neither login nor key"
        raise ConfigurationError(
            f"{wanted} cannot be used: {why}",
            remedy=status.remedy if status is not None else "orchestrate doctor",
        )
    if not usable:
        raise ConfigurationError(
            "this needs a coding agent, and none can be used here:\n"
            + "\n".join(f"  {name}: {status.remedy}" for name, status in statuses.items()),
            remedy="then see that it is found: orchestrate doctor",
        )
    return tuple(sorted(usable, key=lambda name: name != wanted))


def _within(workflow: Workflow, site: wiring.Site, spending: Spending) -> Workflow:
    """`workflow` under the budget of the user, which its own may only make stricter."""
    budget = spending.budget
    if budget.cost_usd is None:
        budget = _replace(budget, cost_usd=site.settings.budget_usd)
    limits = _replace(workflow.limits, budget=workflow.limits.budget.capped(budget))
    return _replace(workflow, limits=limits)


def require_consent(output: Output, site: wiring.Site, found: Staffed, spending: Spending) -> None:
    """Show what a run may cost, and have the user agree the first time in a repository.

    Where nobody can be asked, a budget of the user's own in dollars or tokens is their agreement.
    One that a workflow sets is not: whoever wrote a repository does not decide what is spent on it.

    Raises:
        ConfigurationError: the user did not agree, or nobody could be asked and no budget was set.
    """
    if not (found.outlook.most or found.script):
        return
    for line in outlook_lines(found):
        output.message(line)
    if set(found.outlook.backends) <= {SCRIPTED}:
        return
    own = (spending.budget.cost_usd, spending.budget.tokens, site.settings.budget_usd)
    limited = any(limit is not None for limit in own)
    if spending.yes or wiring.agreed_to_pay(site) or (limited and not output.interactive):
        return
    if not output.interactive:
        raise ConfigurationError(
            "this run costs money, and nobody can be asked",
            remedy="say how much it may cost: --budget-usd USD; or agree with --yes",
        )
    if output.quiet:
        # Nobody agrees to what they were not shown.
        click.echo("\n".join(outlook_lines(found)), err=True)
    question = "start? (in this repository you will not be asked again)"
    if not click.confirm(question, default=False, err=True):
        raise ConfigurationError(
            "nothing was started and nothing was spent",
            remedy="--budget-usd USD limits what it may cost; --dry-run shows the plan",
        )
    wiring.agree_to_pay(site)
