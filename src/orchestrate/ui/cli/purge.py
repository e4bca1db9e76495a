"""The command that deletes what old runs printed and made: purge."""

from __future__ import annotations

import time
from typing import NamedTuple

import click

from orchestrate import wiring
from orchestrate.adapters.system.run_folder import contents_bytes
from orchestrate.adapters.system.run_folder import purge as purge_folder
from orchestrate.app import runs
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import ConfigurationError, ConflictError, StoreError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli.conclude import agree, user_name
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, repo_option, with_output
from orchestrate.ui.cli.upkeep_data import PurgedRun, PurgedRuns

_DAY_S = 86_400.0


class _Doomed(NamedTuple):
    state: RunState
    size_bytes: int


@click.command()
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0),
    default=None,
    metavar="DAYS",
    help="Ended at least so long ago (default: the setting keep_days; any age for named runs).",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@repo_option
@with_output
def purge(
    output: Output, run_ids: tuple[str, ...], days: int | None, yes: bool, repo: str | None
) -> int:
    """List, then delete, transcripts and artifacts of old runs; their logs stay.

    Without RUN those of completed and cancelled runs beyond retention. A run that can be resumed is
    touched only when it is named; it then lacks what its finished tasks made.
    """
    with opened(repo) as (site, store):
        states = _named(site, store, run_ids) if run_ids else _over(output, site, store)
        keep_days = site.settings.keep_days if days is None and not run_ids else days
        if keep_days is not None:
            limit = time.time() - keep_days * _DAY_S
            states = [state for state in states if (state.ended_at or state.updated_at) <= limit]
        sized = [_Doomed(state, contents_bytes(site.runs_dir / state.run)) for state in states]
        doomed = [item for item in sized if item.size_bytes]
        if not doomed:
            output.data(PurgedRuns(runs=(), freed_bytes=0), "nothing to delete")
            return 0
        output.message("\n".join(map(_line, doomed)))
        question = f"delete what these runs printed and made ({len(doomed)})?"
        if not yes and not agree(output, question):
            raise ConflictError("nothing was deleted", remedy="give the same command with --yes")
        purged = tuple(_purge(site, item.state) for item in doomed)
    freed = sum(item.freed_bytes for item in purged)
    output.data(
        PurgedRuns(runs=purged, freed_bytes=freed),
        f"freed {freed} bytes; the logs of {len(purged)} purged runs are kept"
        if len(purged) > 1
        else f"freed {freed} bytes; the log of run {purged[0].run} is kept",
    )
    return 0


def _named(site: wiring.Site, store: EventStore, run_ids: tuple[str, ...]) -> list[RunState]:
    found = []
    for run in dict.fromkeys(runs.resolve(store, run_id) for run_id in run_ids):
        if wiring.is_owned(site, run):
            raise ConflictError(
                f"run {run} is driven by {wiring.ownership_of(site, run).owner()}",
                remedy="wait for its end, or cancel it",
            )
        found.append(runs.load(store, run))
    return found


def _over(output: Output, site: wiring.Site, store: EventStore) -> list[RunState]:
    """Runs that are over for good and that no process drives."""
    found = []
    for head in store.heads():
        try:
            state = runs.load(store, head.stream)
        except StoreError as error:
            output.message(f"run {head.stream} is left alone: {error.message}")
            continue
        over = state.status in (RunStatus.COMPLETED, RunStatus.CANCELLED)
        if over and not wiring.is_owned(site, state.run):
            found.append(state)
    return found


def _line(item: _Doomed) -> str:
    state = item.state
    when = time.strftime("%Y-%m-%d", time.localtime(state.ended_at or state.updated_at))
    warning = "  (can be resumed)" if state.status in runs.RESUMABLE else ""
    return f"{item.size_bytes:>12} bytes  {state.run}  {when}  {state.status.value}{warning}"


def _purge(site: wiring.Site, state: RunState) -> PurgedRun:
    ownership = wiring.ownership_of(site, state.run)
    if not ownership.acquire():
        raise ConflictError(
            f"run {state.run} is driven by {ownership.owner()}", remedy="wait for its end"
        )
    try:
        freed = purge_folder(site.runs_dir / state.run, at=time.time(), by=user_name())
    except OSError as error:
        raise ConfigurationError(
            f"not everything of run {state.run} could be deleted: {error}",
            remedy="correct the permissions and call this again",
        ) from error
    finally:
        ownership.release()
    return PurgedRun(
        run=state.run,
        status=state.status,
        ended_at=state.ended_at or None,
        freed_bytes=freed,
    )
