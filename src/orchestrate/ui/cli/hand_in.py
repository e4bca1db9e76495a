"""Work that a person did in a workspace of a run, and telling the run about it.

Shared by everything that a run waits for a person to do: conflicts to resolve, tasks to do.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from orchestrate import wiring
from orchestrate.adapters.sqlite.store import SqliteStore
from orchestrate.core.ids import AttemptKey
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED
from orchestrate.core.sharing.work import Work
from orchestrate.ports.workspace import Workspace, Workspaces
from orchestrate.ui.cli.output import Output


class Answer(NamedTuple):
    """A run after it was told something, and whether a live process drives it."""

    state: RunState
    owned: bool


def collected(
    workspaces: Workspaces, place: Workspace, title: str, key: AttemptKey, by: str
) -> Work | None:
    """A commit of everything a person changed in `place`; None if that is nothing.

    Raises:
        RequestError: it cannot be committed: a conflict marker is left, for instance.
    """
    message = f"{title}\n\nTask: {key.task}\nAttempt: {key.number}\nBy: {by}\n"
    return workspaces.collect(place, message, time.time())


def told(site: wiring.Site, store: SqliteStore, run: str, command: cmd.AnyCommand) -> Answer:
    """Have `command` take effect, whoever drives the run.

    Raises:
        ConflictError: it is refused, or the process that drives the run does not answer.
    """
    state = asyncio.run(wiring.open_session(site, store).tell(run, command))
    return Answer(state, wiring.is_owned(site, run))


def go_on(output: Output, answer: Answer) -> None:
    """Say how the run goes on, if nobody drives it."""
    if not answer.owned and answer.state.status not in RUN_ENDED:
        output.message(f"go on: orchestrate resume {answer.state.run}")
