"""Commands about runs that exist already: resume and attach."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.running import spending
from orchestrate.core.running.commands import SetBudget
from orchestrate.core.running.spending import RUN
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.core.views.amounts import budget_text
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli import conclude, detached
from orchestrate.ui.cli.absent_agents import require_performers
from orchestrate.ui.cli.money import budget_options
from orchestrate.ui.cli.opened import purge_note
from orchestrate.ui.cli.output import Output, repo_option, with_output
from orchestrate.ui.cli.run import driving_options

if TYPE_CHECKING:
    from orchestrate.hosts.local.session import Session


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--preview", "only_preview", is_flag=True, help="Only show what would run again.")
@click.option(
    "--budget-of",
    default=RUN,
    metavar="SCOPE",
    help="Whose budget to change: run (the default), phase:NAME, task:NAME or backend:NAME.",
)
@budget_options
@driving_options
@with_output
def resume(
    output: Output,
    run_id: str,
    repo: str | None,
    yes: bool,
    only_preview: bool,
    detach: bool,
    wait: bool,
    parallel_limit: int | None,
    budget_of: str,
    budget: Budget,
) -> int:
    """Go on with a run, after showing what would run again.

    RUN is the latest by default. What was finished is kept; what would run again is shown with the
    reason, and you are asked. A run that another process drives is followed instead. A budget is
    in all: what was spent before counts.
    """
    return go_on(
        output,
        run_id,
        repo,
        yes=yes,
        only_preview=only_preview,
        detach=detach,
        wait=wait,
        parallel_limit=parallel_limit,
        budget=budget,
        budget_of=budget_of,
    )


def go_on(
    output: Output,
    run_id: str,
    repo: str | None,
    *,
    yes: bool,
    only_preview: bool = False,
    detach: bool = False,
    wait: bool = False,
    parallel_limit: int | None = None,
    budget: Budget = UNLIMITED,
    budget_of: str = RUN,
    reason: str = "resumed by the user",
) -> int:
    """Resume a run as the options of `resume` say, or follow its driver; returns the exit code."""
    site = wiring.open_site(Path(repo) if repo else None, {"max_parallel": parallel_limit})
    store = wiring.open_store(site)
    try:
        name = runs.resolve(store, run_id)
        if wiring.is_owned(site, name):
            if only_preview:
                raise ConflictError(
                    f"run {name} is driven by {wiring.ownership_of(site, name).owner()}",
                    remedy=f"there is nothing to resume; follow it: orchestrate attach {name}",
                )
            more = _more(output, runs.load(store, name), budget, budget_of)
            _give_more(wiring.open_session(site, store), output, name, more)
            output.message(f"run {name} is driven by another process; following it")
            return _follow(output, site, store, name)
        if (purged := purge_note(site, name)) is not None:
            output.message(f"{purged[1]}: tasks that read them will fail")
        known = wiring.backends()
        session = wiring.open_session(site, store, known)
        state = runs.load(store, name)
        more = _more(output, state, budget, budget_of)
        preview = runs.preview(state, wiring.outcome_finder(site, state))
        conclude.show_preview(output, preview, final=only_preview)
        if only_preview:
            return 0
        require_performers(state, known)
        if not yes and not conclude.agree(output, f"resume run {name}?"):
            raise ConflictError(
                f"run {name} was not resumed", remedy=f"orchestrate resume {name} --yes"
            )
        if detach:
            state = _give_more(session, output, name, more) or state
            return detached.detach(output, site, store, state)
        with conclude.watching(output, site) as observe:
            state = asyncio.run(
                session.resume(
                    name,
                    observe,
                    reason=reason,
                    by=conclude.user_name(),
                    max_parallel=site.settings.max_parallel,
                    more=more,
                    wait_for_people=wait,
                )
            )
        conclude.say(output, session.notes)
        return conclude.conclude(output, state, store, interrupted=session.interrupted)
    finally:
        store.close()


def _give_more(
    session: Session, output: Output, run: str, more: SetBudget | None
) -> RunState | None:
    """Set a budget of a run that this process does not drive; None where there is none to set."""
    if more is None:
        return None
    state = asyncio.run(session.tell(run, more))
    output.message(f"the budget of {_of(run, more.scope)} is {budget_text(more.budget)} now")
    return state


def _of(run: str, scope: str) -> str:
    return f"run {run}" if scope == RUN else f"{scope.replace(':', ' ', 1)} of run {run}"


def _more(output: Output, state: RunState, given: Budget, scope: str) -> SetBudget | None:
    """The budget of `scope` with what the user changes of it; None where that is nothing.

    Raises:
        RequestError: there is no such scope, or no amount is given.
    """
    before = spending.require_scope(state, scope)
    if not given.limits:
        if scope != RUN:
            raise RequestError(
                f"--budget-of {scope} says whose budget, and nothing says how much",
                remedy="add --budget-usd, --budget-tokens, --budget-turns or --budget-time",
            )
        return None
    pairs = zip(msgspec.structs.astuple(given), msgspec.structs.astuple(before), strict=True)
    budget = Budget(*(old if new is None else new for new, old in pairs))
    if budget == before:
        output.message(f"the budget of {_of(state.run, scope)} is {budget_text(budget)} already")
        return None
    return SetBudget(budget=budget, scope=scope, by=conclude.user_name())


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def attach(output: Output, run_id: str, repo: str | None) -> int:
    """Follow a run that another process drives.

    RUN is the latest by default. Leaving with Ctrl-C does not stop it.
    """
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        return _follow(output, site, store, runs.resolve(store, run_id))
    finally:
        store.close()


def _follow(output: Output, site: wiring.Site, store: EventStore, name: str) -> int:
    from orchestrate.adapters.system.clock import SystemClock
    from orchestrate.hosts.local.follow import follow

    async def watch() -> RunState:
        state = runs.load(store, name)
        with conclude.watching(output, site) as observe:
            async for events, state in follow(
                store, SystemClock(), name, lambda: wiring.is_owned(site, name)
            ):
                observe(events, state)
        return state

    state = asyncio.run(watch())
    if state.status is RunStatus.EXECUTING:
        output.message(f"nobody drives run {name} any more: orchestrate resume {name}")
    return conclude.conclude(output, state, store, drove=False)
