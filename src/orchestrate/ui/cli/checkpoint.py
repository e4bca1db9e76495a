"""Commands about checkpoints: create, list, show, restore."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import click
import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.app.checkpoint_standing import Standing, standings
from orchestrate.app.checkpoints import Checkpoint, checkpoints, facts_at, facts_digest, find
from orchestrate.core.running.rollback import Facts
from orchestrate.core.wording import count
from orchestrate.errors import ConflictError, OrchestrateError, RequestError
from orchestrate.ports.store import EventStore
from orchestrate.ports.workspace import Workspaces
from orchestrate.ui.cli.conclude import user_name
from orchestrate.ui.cli.line_data import CheckpointDetail, CheckpointRow, HeldWorkspace
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.rollback import go_to, preview, preview_lines, require_possible


@click.group()
def checkpoint() -> None:
    """Take, list and show checkpoints of a run, and go back to one."""


@checkpoint.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option("--note", default="", help="What it is for; shown in lists.")
@repo_option
@with_output
def create(output: Output, run_id: str, note: str, repo: str | None) -> int:
    """Take a checkpoint now: state, code, and the workspaces of what is at work.

    RUN is the latest by default. A run that is driven goes on meanwhile.
    """
    with opened(repo) as (site, store):
        run = runs.resolve(store, run_id)
        session = wiring.open_session(site, store)
        asyncio.run(session.checkpoint(run, note=note, by=user_name()))
        taken = find(store, run, "last")
        data = _row(taken, standings(store, run))
    held = f", workspaces held: {len(taken.snapshots)}" if taken.snapshots else ""
    output.data(data, f"{taken.checkpoint} of run {run}{held}")
    for task, reason in taken.missing.items():
        output.message(f"the workspace of {task} is not held: {printable(reason)}")
    output.message(f"go back to it: orchestrate rollback {run} --to {taken.checkpoint}")
    return 0


@checkpoint.command("list")
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def list_checkpoints(output: Output, run_id: str, repo: str | None) -> int:
    """List the checkpoints of a run, the oldest first.

    RUN is the latest by default. The one the run went back to last is marked *, as long as nothing
    has happened since.
    """
    with opened(repo) as (_site, store):
        run = runs.resolve(store, run_id)
        rows = _rows(store, run)
    output.data(rows, lambda: _table(rows))
    if not rows:
        output.message(f"run {run} has no checkpoint yet: orchestrate checkpoint create {run}")
    return 0


@checkpoint.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="CHECKPOINT")
@repo_option
@with_output
def show(output: Output, run_id: str, name: str, repo: str | None) -> int:
    """Show all of a checkpoint, and what going back to it would change.

    CHECKPOINT may also be "last", or "stable" for the latest at which nothing was at work.
    """
    with opened(repo) as (site, store):
        data = _detail(site, store, runs.resolve(store, run_id), name)
    output.data(data, lambda: "\n".join(_text(data)))
    return 0


@checkpoint.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="CHECKPOINT")
@click.option("--reason", default="", help="Why; recorded in the run's log.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@repo_option
@with_output
def restore(
    output: Output, run_id: str, name: str, reason: str, yes: bool, repo: str | None
) -> int:
    """Take a run, its code and its workspaces to a checkpoint, as `rollback` does."""
    return go_to(output, repo, run_id, name, reason=reason, yes=yes)


# -- rows --------------------------------------------------------------------------------------


def _rows(store: EventStore, run: str) -> list[CheckpointRow]:
    known = standings(store, run)
    return [_row(item, known) for item in checkpoints(store, run)]


def _row(item: Checkpoint, known: dict[str, Standing]) -> CheckpointRow:
    standing = msgspec.structs.asdict(known[item.checkpoint])
    return CheckpointRow(**msgspec.structs.asdict(item), **standing)


def _table(rows: list[CheckpointRow]) -> str:
    lines = []
    for row in rows:
        at_work = f"{row.at_work} at work" if row.at_work else "quiet"
        done = f"{row.done:>3}/{row.tasks:<3} done"
        lines.append(
            f"{'*' if row.current else ' '} {row.checkpoint:<5} {_when(row.at)}  {row.kind:<8}"
            f"  event {row.version:<6} {row.line[:12] or '-':<12}  {done}"
            f"  {at_work:<9}  {printable(row.note)}".rstrip()
        )
    return "\n".join(lines)


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


# -- one of them -------------------------------------------------------------------------------


def _detail(site: wiring.Site, store: EventStore, run: str, name: str) -> CheckpointDetail:
    item = find(store, run, name)
    held = facts_at(store, run, item)
    workspaces = wiring.workspaces_of(site) if item.line else None
    changes, problem = None, ""
    try:
        state = runs.load(store, run)
        changes = preview(site, store, state, item)
        require_possible(site, state)
    except (ConflictError, RequestError) as error:
        problem = error.message
    return CheckpointDetail(
        **msgspec.structs.asdict(_row(item, standings(store, run))),
        run=run,
        line_tree=_tree(workspaces, item.line) if workspaces is not None else "",
        workspaces=tuple(_held(workspaces, held, task) for task in item.snapshots)
        if workspaces is not None
        else (),
        statuses={task.id: held.tasks[task.id].status for task in held.workflow.tasks},
        digest=facts_digest(held),
        changes=changes,
        problem=problem,
    )


def _tree(workspaces: Workspaces, commit: str) -> str:
    """The tree of `commit`; empty if that is gone."""
    try:
        return workspaces.tree(commit)
    except RequestError:
        return ""


def _held(workspaces: Workspaces, held: Facts, task: str) -> HeldWorkspace:
    commit = held.snapshots[task]
    try:
        paths = workspaces.difference(held.tasks[task].base, commit).paths
    except OrchestrateError:
        paths = ()
    return HeldWorkspace(
        task=task, commit=commit, tree=_tree(workspaces, commit), paths=tuple(paths)
    )


def _text(data: CheckpointDetail) -> list[str]:
    rows = [
        ("checkpoint", f"{data.checkpoint} of run {data.run}" + (" (current)" * data.current)),
        ("taken", f"{_when(data.at)}, {data.kind}" + (f", by {data.by}" if data.by else "")),
        ("note", printable(data.note)),
        ("log", f"event {data.version}, hash chain {data.chain}"),
        ("line", f"{data.line}, tree {data.line_tree or 'gone'}" if data.line else "none"),
        ("at work", count(data.at_work, "attempt") if data.at_work else "nothing (quiet)"),
        ("tasks", _counted(data)),
        ("state", f"sha256 {data.digest}"),
    ]
    lines = [f"{key:<11} {value}" for key, value in rows if value]
    for workspace in data.workspaces:
        tree = f"tree {workspace.tree}" if workspace.tree else "gone: it was pruned"
        lines.append(f"workspace   {workspace.task}: {workspace.commit}, {tree}")
        lines.append(f"            differs from its base in {count(len(workspace.paths), 'file')}")
    lines += [f"not held    {task}: {printable(why)}" for task, why in data.missing.items()]
    lines += [f"task        {task}: {status.value}" for task, status in data.statuses.items()]
    if data.changes is not None:
        lines += ["", *preview_lines(data.changes)]
    if data.problem:
        lines.append(f"it cannot be gone to now: {printable(data.problem)}")
    return lines


def _counted(data: CheckpointDetail) -> str:
    counts = Counter(data.statuses.values())
    return ", ".join(f"{number} {status.value}" for status, number in counts.items())
