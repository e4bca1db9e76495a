"""Commands about work that contradicts what was merged: list, show, resolve, send back."""

from __future__ import annotations

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.ids import AttemptKey
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.errors import RequestError
from orchestrate.ui.cli.conclude import user_name
from orchestrate.ui.cli.conflict_work import (
    changes_of,
    conflicted,
    conflicts_of,
    file_in_conflict,
    opened_resolution,
    prepared_resolution,
    versions_of,
)
from orchestrate.ui.cli.hand_in import collected, go_on, told
from orchestrate.ui.cli.line_data import ConflictAnswered, ConflictDetail, ConflictRow
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output


@click.group()
def conflict() -> None:
    """List, show and resolve conflicts between pieces of work, or send the work back."""


@conflict.command("list")
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def list_conflicts(output: Output, run_id: str, repo: str | None) -> int:
    """List the work of a run that changes the same places as what was merged.

    RUN is the latest by default.
    """
    with opened(repo) as (_site, store):
        state = runs.load(store, runs.resolve(store, run_id))
    rows = conflicts_of(state)
    output.data(rows, "\n".join(map(_line, rows)))
    if not rows:
        output.message(f"no work of run {state.run} is in conflict")
    return 0


@conflict.command()
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@click.option("--full", is_flag=True, help="Print all three versions whole.")
@repo_option
@with_output
def show(output: Output, run_id: str, task: str, full: bool, repo: str | None) -> int:
    """Show what both sides made of each file, and where to join them.

    The base, the line and the work are compared; a workspace with the conflicts marked in the files
    is made the first time, and left as it is after that.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        record, work = conflicted(state, task)
        workspaces = wiring.workspaces_of(site)
        place = opened_resolution(store, workspaces, state, task)
        begun = place is not None
        if place is None:
            place = prepared_resolution(workspaces, state, task)
        # Those of the workspace: since the conflict was found more may have been merged.
        files = tuple(
            file_in_conflict(workspaces, item) for item in place.conflicts or record.conflicts
        )
    data = ConflictDetail(
        run=state.run,
        task=task,
        number=record.attempts,
        work=work.commit,
        base=place.base,
        folder=place.folder,
        begun=begun,
        files=files,
    )
    output.data(data, lambda: _text(data, full=full))
    output.message(f"edit the marked files in {printable(place.folder)}, then:")
    output.message(f"  orchestrate conflict resolve {state.run} {task}")
    output.message(
        f"or have the work done anew: orchestrate conflict send-back {state.run} {task}"
        " --reason TEXT"
    )
    return 0


@conflict.command()
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@repo_option
@with_output
def resolve(output: Output, run_id: str, task: str, repo: str | None) -> int:
    """Hand in the joined files, in your name; they are then checked and merged like any work.

    Refused while a conflict marker is left in them.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        record, _ = conflicted(state, task)
        workspaces = wiring.workspaces_of(site)
        place = opened_resolution(store, workspaces, state, task)
        if place is None:
            raise RequestError(
                f"nobody has begun to resolve the conflict of {task}",
                remedy=f"orchestrate conflict show {state.run} {task}",
            )
        key = AttemptKey(state.run, task, record.attempts)
        work = collected(workspaces, place, f"Join {task} with the line", key, user_name())
        if work is None:
            raise RequestError(
                f"there is nothing to hand in for {task}",
                remedy=f"edit the files in {place.folder}",
            )
        command = cmd.ResolveConflict(task=task, number=record.attempts, work=work, by=user_name())
        answer = told(site, store, state.run, command)
        workspaces.discard(state.run, place.name)
    output.data(
        _answered(answer.state, task, record.attempts, work.commit),
        f"the conflict of {task} is resolved by {user_name()}: {work.commit[:12]},"
        f" +{work.added} -{work.removed} lines",
    )
    go_on(output, answer)
    return 0


@conflict.command("send-back")
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@click.option(
    "--reason", required=True, help="What is to be different; whoever does it anew reads it."
)
@repo_option
@with_output
def send_back(output: Output, run_id: str, task: str, reason: str, repo: str | None) -> int:
    """Have the work done anew on top of what was merged, with your reason."""
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        record, _ = conflicted(state, task)
        command = cmd.ReturnWork(
            task=task,
            number=record.attempts,
            cause="conflict",
            message=reason,
            human=True,
            by=user_name(),
        )
        answer = told(site, store, state.run, command)
    output.data(
        _answered(answer.state, task, record.attempts, ""),
        f"the work of {task} is sent back: {reason}",
    )
    go_on(output, answer)
    return 0


def _answered(state: RunState, task: str, number: int, commit: str) -> ConflictAnswered:
    return ConflictAnswered(
        run=state.run,
        task=task,
        number=number,
        status=state.task(task).status,
        commit=commit,
        by=user_name(),
    )


def _line(row: ConflictRow) -> str:
    state = "an attempt is to join them" if row.resolving else "waits for a person"
    files = ", ".join(map(printable, row.files[:5]))
    more = f" and {len(row.files) - 5} more" if len(row.files) > 5 else ""
    return f"{row.task}  attempt {row.number}  {state}: {files}{more}"


def _text(data: ConflictDetail, *, full: bool) -> str:
    where = "one file" if len(data.files) == 1 else f"{len(data.files)} files"
    lines = [
        f"the work of {data.task} (attempt {data.number}, {data.work[:12]}) and the line at"
        f" {data.base[:12]} change the same places of {where}"
    ]
    for file in data.files:
        lines += ["", f"{printable(file.path)} ({file.kind})"]
        told = versions_of(file) if full else changes_of(file)
        lines += [printable(line.expandtabs()) for line in told]
    lines += ["", f"marked in: {printable(data.folder)}" + (" (begun)" if data.begun else "")]
    return "\n".join(lines)
