"""Who follows a run sees all that its driver records, and does not wait for nobody."""

from __future__ import annotations

import asyncio

import pytest

from orchestrate.adapters.memory.store import MemoryStore
from orchestrate.app import runs
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.hosts.local.follow import follow
from tests.unit.core.running.drive import task, workflow


class _Driven:
    """A run that was cancelled and whose driver has more to record when time passes."""

    def __init__(self, base: str) -> None:
        self.store = MemoryStore()
        self.base = base
        self.owned = True
        self.slept = 0

    def now(self) -> float:
        return 1_000.0

    async def sleep(self, seconds: float) -> None:
        """The driver ends: it tells what became of the user's things, and lets go."""
        self.slept += 1
        state = runs.load(self.store, "r")
        await runs.apply(self.store, self, state, [cmd.RecordAudit(verdict="passed")])
        self.owned = False

    async def follow(self) -> RunState:
        new = runs.NewRun("r", workflow(task("a")), {}, "", "/nowhere", "", "", base=self.base)
        state = await runs.create(self.store, self, new, "driver")
        await runs.apply(self.store, self, state, [cmd.CancelRun()])
        async for _, seen in follow(self.store, self, "r", lambda: self.owned):
            state = seen
        return state


def test_what_became_of_the_users_things_is_waited_for() -> None:
    driven = _Driven("b" * 40)
    state = asyncio.run(driven.follow())
    assert (state.status, state.audit, driven.slept) == (RunStatus.CANCELLED, "passed", 1)


@pytest.mark.parametrize("owned", [True, False])
def test_a_run_that_has_nothing_more_to_tell_is_not_waited_for(owned: bool) -> None:
    driven = _Driven("" if owned else "b" * 40)
    driven.owned = owned
    state = asyncio.run(driven.follow())
    assert (state.status, driven.slept) == (RunStatus.CANCELLED, 0)
