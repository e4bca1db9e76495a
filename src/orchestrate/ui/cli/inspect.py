"""Commands that look at where runs stand: status, list, explain. They change nothing."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running.status import RunStatus
from orchestrate.core.views.explain import explain_run, explain_task
from orchestrate.errors import StoreError
from orchestrate.ports.store import EventStore, StreamHead
from orchestrate.ui.cli.data import ExplainedRun, ExplainedTask, ListedRun, StatusData, run_data
from orchestrate.ui.cli.opened import driver_note, opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.sampled import sampled


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def status(output: Output, run_id: str, repo: str | None) -> int:
    """Show where a run stands, and what waits and why.

    RUN is the latest by default.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        owned = wiring.is_owned(site, state.run)
        note = driver_note(site, state, owned=owned)

    def text() -> str:
        from rich.console import Console

        from orchestrate.ui.cli.picture import UNBOUNDED, Screen, picture
        from orchestrate.ui.cli.task_line import Moment

        moment = Moment(time.time(), site.runs_dir, driven=owned)
        terminal = Console()
        # For a pipe nothing is cut: it may be searched.
        wide = not terminal.is_terminal
        screen = UNBOUNDED if wide else Screen(terminal.width, UNBOUNDED.height)
        console = Console(width=UNBOUNDED.width) if wide else terminal
        with console.capture() as capture:
            console.print(picture(state, moment, screen))
        shown = "\n".join(line.rstrip() for line in capture.get().splitlines())
        return f"{shown}\n{note}".rstrip()

    data = StatusData(**msgspec.structs.asdict(run_data(state)), driven=owned, note=note)
    output.data(data, text)
    return 0


@click.command("list")
@click.option("--resumable", is_flag=True, help="Only runs that `resume` can go on with.")
@repo_option
@with_output
def list_runs(output: Output, resumable: bool, repo: str | None) -> int:
    """List the runs of this repository.

    The latest comes first.
    """
    site = wiring.open_site(Path(repo) if repo else None)
    if not site.database.is_file():
        output.data([], "")
        output.message(f"there is no run in {printable(str(site.root))} yet")
        return 0
    with opened(repo) as (site, store):
        rows = [_row(site, store, head) for head in store.heads()]
    if resumable:
        rows = [row for row in rows if not row.driven and row.status in runs.RESUMABLE]
    output.data(rows, "\n".join(map(_list_line, rows)))
    return 0


def _row(site: wiring.Site, store: EventStore, head: StreamHead) -> ListedRun:
    """The line of one run; a log that is damaged must not hide the others."""
    owned = wiring.is_owned(site, head.stream)
    try:
        row = runs.row(runs.load(store, head.stream), head)
    except StoreError as error:
        row = runs.unreadable_row(head)
        return ListedRun(**msgspec.structs.asdict(row), driven=owned, problem=error.message)
    return ListedRun(**msgspec.structs.asdict(row), driven=owned)


def _list_line(row: ListedRun) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created_at))
    if row.status is None:
        return f"{row.run}  {when}  unreadable  {printable(row.problem)}"
    status = row.status.value
    if row.status is RunStatus.EXECUTING and not row.driven:
        # Nobody drives it: either it waits for a person, or its driver died.
        status = "cut off" if row.running or not row.waiting else "waiting"
    return (
        f"{row.run}  {when}  {status:<10} {row.succeeded:>3}/{row.tasks:<3}"
        f"  {row.workflow:<12} {printable(row.request)[:50]}"
    ).rstrip()


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@repo_option
@with_output
def explain(output: Output, run_id: str, task: str | None, repo: str | None) -> int:
    """Say why a run or a task waits, and what happens next.

    RUN is the latest by default; with TASK, only that one.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        owned = wiring.is_owned(site, state.run)
        note = driver_note(site, state, owned=owned)
        view = sampled(site, state)
    data: ExplainedRun | ExplainedTask
    if task is None:
        data = ExplainedRun(explain_run(state, view), owned, note)
    else:
        data = ExplainedTask(explain_task(state, task, view), owned, note)
    lines = [*data.explanation.lines(), *([note] if note else [])]
    output.data(data, "\n".join(map(printable, lines)))
    return 0
