"""Commands that tell a run something: pause, cancel, approve, reject."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, GateStatus
from orchestrate.errors import RequestError
from orchestrate.ui.cli.conclude import say, user_name
from orchestrate.ui.cli.data import run_data
from orchestrate.ui.cli.output import Output, repo_option, with_output


def _tell(
    output: Output, repo: str | None, prefix: str, command: cmd.AnyCommand
) -> tuple[RunState, bool]:
    """The run's state after `command`, and whether a live process drives it."""
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        run = runs.resolve(store, prefix)
        session = wiring.open_session(site, store)
        state = asyncio.run(session.tell(run, command))
        say(output, session.notes)
        return state, wiring.is_owned(site, run)
    finally:
        store.close()


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option("--reason", default="", help="Why; recorded in the run's log.")
@repo_option
@with_output
def pause(output: Output, run_id: str, reason: str, repo: str | None) -> int:
    """Start nothing new in a run; what runs may end.

    RUN is the latest by default.
    """
    state, owned = _tell(
        output, repo, run_id, cmd.PauseRun(reason=reason or "paused", by=user_name())
    )
    running = state.live.bit_count()
    rest = f"; attempts that may still end: {running}" if running and owned else ""
    output.data(
        run_data(state), f"run {state.run} is paused{rest}; go on: orchestrate resume {state.run}"
    )
    return 0


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option("--reason", default="", help="Why; recorded in the run's log.")
@repo_option
@with_output
def cancel(output: Output, run_id: str, reason: str, repo: str | None) -> int:
    """Give a run up and stop what it runs.

    RUN is the latest by default. What it made is kept; a cancelled run is not resumed.
    """
    state, _ = _tell(
        output, repo, run_id, cmd.CancelRun(reason=reason or "cancelled", by=user_name())
    )
    output.data(run_data(state), f"run {state.run} is cancelled")
    return 0


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("gate", required=False)
@click.option("--reason", default="", help="What you looked at; recorded with your name.")
@repo_option
@with_output
def approve(output: Output, run_id: str, gate: str | None, reason: str, repo: str | None) -> int:
    """Let a run pass a gate, in your name.

    GATE is the only open one by default.
    """
    return _decide(output, run_id, gate, reason, repo, "passed")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("gate", required=False)
@click.option("--reason", required=True, help="Why not; recorded with your name.")
@repo_option
@with_output
def reject(output: Output, run_id: str, gate: str | None, reason: str, repo: str | None) -> int:
    """Refuse a gate, in your name and with a reason.

    GATE is the only open one by default. The run then fails.
    """
    return _decide(output, run_id, gate, reason, repo, "failed")


def _decide(
    output: Output, run_id: str, gate: str | None, reason: str, repo: str | None, verdict: str
) -> int:
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        run = runs.resolve(store, run_id)
        name = _gate(runs.load(store, run), gate)
        command = cmd.DecideGate(
            gate=name,
            verdict="passed" if verdict == "passed" else "failed",
            by=user_name(),
            human=True,
            reason=reason,
        )
        state = asyncio.run(wiring.open_session(site, store).tell(run, command))
        owned = wiring.is_owned(site, run)
    finally:
        store.close()
    ends = owned or state.status in RUN_ENDED
    go_on = "" if ends else f"; go on: orchestrate resume {run}"
    output.data(run_data(state), f"gate {name} of run {run}: {verdict}, by {user_name()}{go_on}")
    return 0


def _gate(state: RunState, name: str | None) -> str:
    if name is not None:
        return name
    waiting = [
        gate
        for gate, record in sorted(state.gates.items())
        if record.status is GateStatus.OPEN and state.index.gates[gate][1].kind == "human"
    ]
    if len(waiting) == 1:
        return waiting[0]
    if not waiting:
        raise RequestError(
            f"run {state.run} waits at no gate that a person decides",
            remedy=f"orchestrate explain {state.run}",
        )
    raise RequestError(f"run {state.run} waits at {', '.join(waiting)}", remedy="name the gate")
