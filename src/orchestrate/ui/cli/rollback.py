"""Going to a checkpoint: what it changes, the question, and the way forward again."""

from __future__ import annotations

import asyncio

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.app.checkpoints import Checkpoint, checkpoints, facts_at, find, state_digest
from orchestrate.app.rollback_preview import state_changes
from orchestrate.core.running.legality import refusal
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ports.store import EventStore
from orchestrate.ports.workspace import Workspaces
from orchestrate.ui.cli.conclude import agree, user_name
from orchestrate.ui.cli.line_data import RollbackPreview, RolledBack
from orchestrate.ui.cli.opened import opened, purge_note
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output

#: Files named in text; all of them are in the JSON.
MAX_FILES = 20


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--to", "name", required=True, metavar="CHECKPOINT", help="Where to go.")
@click.option("--reason", default="", help="Why; recorded in the run's log.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@repo_option
@with_output
def rollback(
    output: Output, run_id: str, name: str, reason: str, yes: bool, repo: str | None
) -> int:
    """Take a run, its code and its workspaces to a checkpoint.

    What changes is shown first, and you are asked. CHECKPOINT may also be "last", or "stable" for
    the latest at which nothing was at work. Nothing is lost: what is there now is held by a
    checkpoint of its own, and going there leads forward again. The run is paused afterwards.
    """
    return go_to(output, repo, run_id, name, reason=reason, yes=yes)


def go_to(
    output: Output, repo: str | None, run_id: str, name: str, *, reason: str, yes: bool
) -> int:
    """Show what going to the checkpoint changes, ask, and go there; returns the exit code."""
    with opened(repo) as (site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        target = find(store, run, name)
        require_possible(site, state)
        changes = preview(site, store, state, target)
        output.message("\n".join(preview_lines(changes)))
        if (purged := purge_note(site, run)) is not None:
            output.message(f"{purged[1]}, and do not come back")
        if not yes and not agree(output, f"take run {run} to {target.checkpoint}?"):
            raise ConflictError(
                f"run {run} was left as it is",
                remedy=f"orchestrate rollback {run} --to {target.checkpoint} --yes",
            )
        session = wiring.open_session(site, store)
        after = asyncio.run(
            session.roll_back(
                run, target, reason=reason or f"rolled back to {target.checkpoint}", by=user_name()
            )
        )
        forward = _forward(store, run, state.version)
    data = RolledBack(
        run=run,
        checkpoint=target.checkpoint,
        forward=forward,
        status=after.status,
        line=after.line,
        digest=state_digest(after),
        changes=changes,
    )
    output.data(data, f"run {run} is as it was at {target.checkpoint}, and paused")
    output.message(f"forward again: orchestrate rollback {run} --to {forward}")
    output.message(f"go on from here: orchestrate resume {run}")
    return 0


def _forward(store: EventStore, run: str, version: int) -> str:
    """The checkpoint that was taken of what was there: the first for the rollback."""
    return next(
        item.checkpoint
        for item in checkpoints(store, run)
        if item.version > version and item.kind == "rollback"
    )


def require_possible(site: wiring.Site, state: RunState) -> None:
    """Raise if no checkpoint can be gone to now.

    Raises:
        ConflictError: a live process drives the run, or its status does not allow it.
    """
    if "run_rolled_back" not in RUN[state.status]:
        raise refusal(state, f"a run that is {state.status.value} cannot go back to a checkpoint")
    if wiring.is_owned(site, state.run):
        raise ConflictError(
            f"run {state.run} is driven by {wiring.ownership_of(site, state.run).owner()}",
            remedy=f"orchestrate pause {state.run}, and wait until it has let go",
        )


def preview(
    site: wiring.Site, store: EventStore, state: RunState, target: Checkpoint
) -> RollbackPreview:
    """What going to `target` changes.

    Raises:
        RequestError: what the checkpoint holds of the code has been deleted since.
    """
    changes = state_changes(state, facts_at(store, state.run, target))
    files: tuple[str, ...] = ()
    added = removed = 0
    if target.line:
        workspaces = wiring.workspaces_of(site)
        _require_held(workspaces, state.run, target)
        if target.line != state.line:
            work = workspaces.difference(state.line, target.line)
            files, added, removed = work.paths, work.added, work.removed
    return RollbackPreview(
        run=state.run,
        checkpoint=target.checkpoint,
        status=state.status,
        line_now=state.line,
        line_then=target.line,
        files=files,
        added=added,
        removed=removed,
        tasks=changes.tasks,
        gates=changes.gates,
    )


def _require_held(workspaces: Workspaces, run: str, target: Checkpoint) -> None:
    for what, commit in (("its line", target.line), *target.snapshots.items()):
        try:
            workspaces.tree(commit)
        except RequestError as error:
            whose = what if commit == target.line else f"the workspace of {what}"
            raise RequestError(
                f"{target.checkpoint} cannot be gone to: {whose} is gone ({error.message})",
                remedy=f"choose another one: orchestrate checkpoint list {run}",
            ) from None


def preview_lines(changes: RollbackPreview) -> list[str]:
    """What a rollback changes, as text."""
    lines = [
        f"going to {changes.checkpoint} of run {changes.run}, which is {changes.status.value}:"
    ]
    width = max((len(change.task) for change in changes.tasks), default=0)
    lines += [
        f"  {change.fate:<8} {change.task:<{width}}  {printable(change.why)}"
        for change in changes.tasks
    ]
    lines += [
        f"  gate     {change.gate}: {change.then.value if change.then else 'not there'} again"
        for change in changes.gates
    ]
    if changes.files:
        size = f"+{changes.added} -{changes.removed} lines"
        lines.append(f"  files that change on the line: {len(changes.files)} ({size})")
        lines += [f"    {printable(path)}" for path in changes.files[:MAX_FILES]]
        if len(changes.files) > MAX_FILES:
            lines.append(f"    and {len(changes.files) - MAX_FILES} more")
    elif changes.line_then:
        lines.append("  no file changes on the line")
    return lines if len(lines) > 1 else [*lines, "  nothing changes"]
