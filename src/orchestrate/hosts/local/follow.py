"""Following a run that another process drives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from orchestrate.app import runs
from orchestrate.core.codec import decode_event
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED
from orchestrate.ports.clock import Clock
from orchestrate.ports.store import EventStore

#: How often the store is asked whether something changed, in seconds.
POLL_S = 0.1


async def follow(
    store: EventStore,
    clock: Clock,
    run: str,
    owned: Callable[[], bool],
) -> AsyncIterator[tuple[list[AnyEvent], RunState]]:
    """Events and the state after them, until the run ends or nobody drives it any more.

    A run with an integration line is followed until its driver lets go of it: what became of the
    user's things is recorded after its end. The first item is the present state with no events.
    `owned` tells whether a live process drives the run; it is asked before the log is read for the
    last time, so that nothing is missed.
    """
    state = runs.load(store, run)
    yield [], state
    while state.base or state.status not in RUN_ENDED or state.live:
        alive = owned()
        events = []
        for stored in store.read(run, state.version):
            event = decode_event(stored.data, stored.schema)
            state = evolve(state, event)
            events.append(event)
        if events:
            yield events, state
        elif not alive:
            return
        else:
            await clock.sleep(POLL_S)
