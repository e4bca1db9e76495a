"""Commands that print what was recorded: logs and events."""

from __future__ import annotations

import time

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.errors import RequestError
from orchestrate.ui.cli.attempt_logs import LogReader
from orchestrate.ui.cli.data import LoggedEvent
from orchestrate.ui.cli.lines import line_of
from orchestrate.ui.cli.opened import opened, purge_note
from orchestrate.ui.cli.output import Output, repo_option, with_output

#: How often `logs --follow` looks again, in seconds.
FOLLOW_POLL_S = 0.2


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing while the run goes on.")
@repo_option
@with_output
def logs(output: Output, run_id: str, task: str | None, follow: bool, repo: str | None) -> int:
    """Print what a run's attempts printed.

    RUN is the latest by default; with TASK, only its attempts. The oldest attempt comes first;
    lines marked | were printed to stdout, those marked ! to stderr.
    """
    if follow and output.json:
        raise RequestError("--follow prints lines as they come", remedy="drop --json or --follow")
    with opened(repo) as (site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        if task is not None and task not in state.index.position:
            raise RequestError(f"run {run} has no task {task!r}", remedy="see: orchestrate show")
        if (purged := purge_note(site, run)) is not None:
            output.message(purged[1])
        reader = LogReader(site.runs_dir / run / "attempts", task)
        if output.json:
            output.data(list(reader.lines(whole_only=False)), "")
            return 0
        while True:
            goes_on = follow and wiring.is_owned(site, run)
            for item in reader.lines(whole_only=goes_on):
                mark = "!" if item.stream == "stderr" else "|"
                output.line(f"{item.attempt} {mark} {item.line}")
            if not goes_on:
                return 0
            time.sleep(FOLLOW_POLL_S)


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option(
    "-n", "--after", type=click.IntRange(min=0), default=0, help="Only later than event N."
)
@repo_option
@with_output
def events(output: Output, run_id: str, after: int, repo: str | None) -> int:
    """Print a run's event log.

    RUN is the latest by default. The log's hash chain is checked on the way. With --json the events
    are printed as they are stored.
    """
    with opened(repo) as (_site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        log = runs.history(store, run, min(after, state.version))
    output.data(
        [LoggedEvent(version, event) for version, event in log],
        "\n".join(
            f"{version:>5}  {type(event).__name__:<19} {line_of(event, state)}".rstrip()
            for version, event in log
        ),
    )
    return 0
