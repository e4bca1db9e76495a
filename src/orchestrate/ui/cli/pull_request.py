"""The command that hands a run's branch on: pull-request; and what --create-pr does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import ConflictError, ExitCode
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli.handing_on import Wanted, hand_on, prepared
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.pull_request_data import PullRequestData


def create_pr_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --create-pr to a command whose run may write."""
    return click.option(
        "--create-pr",
        is_flag=True,
        help="When all is done, push the branch and open a pull request (gh or glab).",
    )(function)


@click.command("pull-request")
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option("--print", "only_print", is_flag=True, help="Print the text; push and open nothing.")
@click.option("--remote", default="", metavar="NAME", help="Where to push (default: origin).")
@click.option(
    "--base",
    default="",
    metavar="BRANCH",
    help="What to merge into (default: the branch you are on, or the remote's default).",
)
@repo_option
@with_output
def pull_request(
    output: Output, run_id: str, only_print: bool, remote: str, base: str, repo: str | None
) -> int:
    """Push a run's branch and open a pull request for it.

    RUN is the latest by default. Needs gh or glab, logged in. The branch is pushed under its own
    name, never forced, and nothing else is pushed. Repeating it opens no second one.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        if only_print:
            data = prepared(site, store, state)
            output.data(data, f"{data.title}\n\n{data.body}".rstrip("\n"))
            return ExitCode.OK
        data = hand_on(site, store, state, Wanted(remote, base))
    output.data(data, data.url or "")
    return tell(output, data)


def create_pull_request(
    output: Output, site: wiring.Site, store: EventStore, state: RunState, code: int
) -> int:
    """What --create-pr does once a run is over and said; the exit code, before it `code`.

    A run that did not end well has nothing to hand on, and keeps its own code.
    """
    if code != ExitCode.OK or state.status is not RunStatus.COMPLETED:
        unsure = code == ExitCode.UNCONFIRMED
        why = "not all of it could be confirmed" if unsure else "the run did not end well"
        output.message(f"no pull request was opened: {why}")
        return code
    try:
        data = hand_on(site, store, state)
    except ConflictError as error:
        output.message(f"no pull request was opened: {printable(error.message)}")
        return ExitCode.UNCONFIRMED
    if data.url is not None:
        output.message(f"pull request: {printable(data.url)}")
    return tell(output, data)


def tell(output: Output, data: PullRequestData) -> int:
    """Say what became of it; the exit code."""
    if data.pushed:
        output.message(f"pushed {printable(data.branch)} to {printable(data.remote)}")
    if data.url is not None:
        how = "opened" if data.new else "was open already"
        output.message(f"the pull request into {printable(data.base)} {how}")
        return ExitCode.OK
    output.message(f"no pull request was opened: {printable(data.problem)}")
    output.message(f"its text is ready: {printable(data.body_file)}")
    output.message("go on by hand:")
    for command in data.commands:
        output.message(f"  {printable(command)}")
    return ExitCode.UNCONFIRMED
