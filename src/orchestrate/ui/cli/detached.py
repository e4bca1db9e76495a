"""Runs that go on in a process of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.core.running.state import RunState
from orchestrate.errors import ConflictError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli import conclude
from orchestrate.ui.cli.data import DetachedRun
from orchestrate.ui.cli.output import Output, repo_option

#: How long the process may take to record that it drives the run, in seconds.
PATIENCE_S = 30.0
_POLL_S = 0.02


def detach(output: Output, site: wiring.Site, store: EventStore, state: RunState) -> int:
    """Hand `state`'s run to a process of its own, and return once that process drives it.

    Raises:
        ConflictError: it ended before it took the run over.
    """
    log = site.runs_dir / state.run / "driver.log"
    argv = [sys.executable, "-P", "-m", "orchestrate", "_drive", state.run]
    argv += ["--repo", str(site.root), "--by", conclude.user_name()]
    if site.settings.max_parallel is not None:
        argv += ["--parallel-limit", str(site.settings.max_parallel)]
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as target:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=target,
            start_new_session=True,
            cwd="/",
        )
    _await_takeover(store, state, child, log)
    output.data(
        DetachedRun(run=state.run, pid=child.pid, log=str(log)),
        f"run {state.run} goes on by itself; follow it: orchestrate attach {state.run}",
    )
    return 0


def _await_takeover(
    store: EventStore, state: RunState, child: subprocess.Popen[bytes], log: Path
) -> None:
    """Wait for the first event the new driver adds: that it has adopted the run."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        ended = child.poll() is not None
        head = store.head(state.run)
        if head is not None and head.version > state.version:
            return
        if ended or time.monotonic() > give_up_at:
            what = f"ended with {child.returncode}" if ended else "has not taken it over yet"
            raise ConflictError(
                f"the process that was to drive run {state.run} {what}", remedy=f"see {log}"
            )
        time.sleep(_POLL_S)


@click.command(hidden=True)
@click.argument("run_id")
@click.option("--by", default="orchestrate")
@click.option("--parallel-limit", type=click.IntRange(min=1), default=None)
@repo_option
def drive(run_id: str, by: str, parallel_limit: int | None, repo: str | None) -> int:
    """Drive a detached run to its end (started by --detach)."""
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        session = wiring.open_session(site, store)
        output = Output("_drive", as_json=False, quiet=False)
        with conclude.watching(output, site) as observe:
            state = asyncio.run(
                session.resume(
                    run_id,
                    observe,
                    reason="resumed by the user",
                    by=by,
                    max_parallel=parallel_limit,
                    wait_for_people=True,
                )
            )
        conclude.say(output, session.notes)
        return conclude.conclude(output, state, store, interrupted=session.interrupted)
    finally:
        store.close()
