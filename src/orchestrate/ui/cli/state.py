"""Commands about a run's status: where it stands, how it came there, and changing it by hand."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.app.checkpoints import state_digest
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.core.views.explain import explain_run
from orchestrate.core.views.lifecycle import Transition, reachable, transitions
from orchestrate.errors import IllegalCommandError
from orchestrate.ui.cli.conclude import user_name
from orchestrate.ui.cli.data import run_data
from orchestrate.ui.cli.legal import typed_commands
from orchestrate.ui.cli.line_data import CurrentState, StateHistory
from orchestrate.ui.cli.opened import driver_note, opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.resume import go_on
from orchestrate.ui.cli.sampled import sampled


@click.group()
def state() -> None:
    """Show where a run stands and how it came there; pause, resume or cancel it."""


@state.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def current(output: Output, run_id: str, repo: str | None) -> int:
    """Show a run's status, what may be done now, and what it waits for.

    RUN is the latest by default.
    """
    with opened(repo) as (site, store):
        found = runs.load(store, runs.resolve(store, run_id))
        data = _current(site, found)
    output.data(data, lambda: _text(data))
    return 0


@state.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def history(output: Output, run_id: str, repo: str | None) -> int:
    """Show every change of a run's status, with its reason and who wanted it.

    RUN is the latest by default.
    """
    with opened(repo) as (_site, store):
        run = runs.resolve(store, run_id)
        found = transitions(runs.history(store, run))
    output.data(StateHistory(run=run, transitions=found), "\n".join(map(_line, found)))
    return 0


@state.command()
@click.argument("run_id", metavar="RUN")
@click.argument("status", type=click.Choice([status.value for status in RunStatus]))
@click.option("--reason", default="", help="Why; recorded in the run's log.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the run goes on.")
@repo_option
@with_output
def transition(
    output: Output, run_id: str, status: str, reason: str, yes: bool, repo: str | None
) -> int:
    """Change a run's status: paused, cancelled, or executing, which is to resume it.

    Other statuses come about by what the run does; asking for one that cannot be is refused with
    those that can.
    """
    wanted = RunStatus(status)
    with opened(repo) as (site, store):
        run = runs.resolve(store, run_id)
        found = runs.load(store, run)
        possible = reachable(found.status)
        if wanted not in possible:
            raise IllegalCommandError(
                f"run {run} is {found.status.value} and cannot become {status} by hand",
                legal=tuple(target.value for target in possible),
            )
        if possible[wanted] != "run_resumed":
            command: cmd.AnyCommand = (
                cmd.PauseRun(reason=reason or "paused", by=user_name())
                if wanted is RunStatus.PAUSED
                else cmd.CancelRun(reason=reason or "cancelled", by=user_name())
            )
            after = asyncio.run(wiring.open_session(site, store).tell(run, command))
            output.data(run_data(after), f"run {run} is {after.status.value}")
            return 0
    return go_on(output, run, repo, yes=yes, reason=reason or "resumed by the user")


def _line(item: Transition) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(item.at))
    before = item.before.value if item.before is not None else "nothing"
    by = f"  by {item.by}" if item.by else ""
    reason = f": {printable(item.reason)}" if item.reason else ""
    change = f"{before} -> {item.after.value}"
    return f"{when}  event {item.version:<6} {change:<24} {item.trigger}{by}{reason}"


def _current(site: wiring.Site, found: RunState) -> CurrentState:
    owned = wiring.is_owned(site, found.run)
    explanation = explain_run(found, sampled(site, found))
    return CurrentState(
        run=found.run,
        status=found.status,
        reason=found.reason,
        version=found.version,
        digest=state_digest(found) if found.plan is not None else "",
        base=found.base,
        line=found.line,
        branch=found.published,
        checkpoints=found.checkpoints,
        tasks=dict(Counter(task.status for task in found.tasks.values())),
        transitions=tuple(reachable(found.status)),
        commands=typed_commands(found),
        waiting=tuple(cause.text for cause in explanation.causes),
        next=explanation.next,
        driven=owned,
        note=driver_note(site, found, owned=owned),
    )


def _text(data: CurrentState) -> str:
    tasks = ", ".join(f"{count} {status.value}" for status, count in data.tasks.items())
    rows = [
        ("run", data.run),
        ("status", data.status.value + (f": {printable(data.reason)}" if data.reason else "")),
        ("events", str(data.version)),
        ("state", f"sha256 {data.digest}" if data.digest else "no plan yet"),
        ("line", data.line or "none"),
        ("branch", printable(data.branch)),
        ("checkpoints", str(data.checkpoints)),
        ("tasks", tasks),
        ("may become", ", ".join(target.value for target in data.transitions) or "nothing else"),
    ]
    lines = [f"{key:<11} {value}" for key, value in rows if value]
    lines += [f"waits       {printable(text)}" for text in data.waiting]
    lines.append(f"next        {printable(data.next)}")
    lines += [f"$ {command}" for command in data.commands]
    return "\n".join([*lines, *([data.note] if data.note else [])])
