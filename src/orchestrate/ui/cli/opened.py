"""A site and its event store, opened for as long as a command looks at them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate import wiring
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED

if TYPE_CHECKING:
    from orchestrate.adapters.sqlite.store import SqliteStore


@contextmanager
def opened(repo: str | None) -> Iterator[tuple[wiring.Site, SqliteStore]]:
    """The site around `repo`, or around the current folder, and its store.

    Raises:
        RequestError: no such folder, or nothing was ever run there.
    """
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        yield site, store
    finally:
        store.close()


def driver_note(site: wiring.Site, state: RunState, *, owned: bool) -> str:
    """Who drives a run that is not over, or what to do if nobody does; empty when it is over."""
    if state.status in RUN_ENDED and not (state.live and owned):
        return ""
    if owned:
        return f"driven by {wiring.ownership_of(site, state.run).owner()}"
    return f"nobody drives it; go on: orchestrate resume {state.run}"


def purge_note(site: wiring.Site, run: str) -> tuple[float, str] | None:
    """When (Unix seconds) what a run printed and made was deleted, and a sentence on it."""
    from orchestrate.adapters.system.run_folder import purged

    note = purged(site.runs_dir / run)
    if note is None:
        return None
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(note.at))
    by = f" by {note.by}" if note.by else ""
    return note.at, f"transcripts and artifacts of run {run} were purged on {when}{by}"
