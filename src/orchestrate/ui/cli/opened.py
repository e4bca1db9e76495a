"""A site and its event store, opened for as long as a command looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrate import wiring
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED
from orchestrate.ports.store import EventStore


@contextmanager
def opened(repo: str | None) -> Iterator[tuple[wiring.Site, EventStore]]:
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
