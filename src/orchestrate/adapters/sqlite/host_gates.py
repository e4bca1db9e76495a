"""The rate gates of this machine: one small SQLite file that all processes of the user share.

Theory of operation
-------------------
A permit is a row. It belongs to an owner, a process that lives: what a dead one held counts as free
when it is looked at, and is deleted by the next who enters or leaves. Nobody has to notice a death,
and nothing expires under a process that merely sleeps.

Whoever has to wait is a row as well, and its number is the place in the line. Waiting is looking
again: when the gate opens if that is known, else at intervals that grow. Each row says when its
process will look next (`due`); one that does not (stopped, or the machine slept) loses its turn to
those behind it until it does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from orchestrate.adapters.sqlite.host_file import HostFile
from orchestrate.core.running import rate_gate
from orchestrate.core.running.rate_gate import WIDEST
from orchestrate.errors import StoreError
from orchestrate.ports.clock import Clock
from orchestrate.ports.rate_gate import ProviderView

#: Between two looks at a full gate, in seconds: at first, and at most. Attempts take minutes.
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
#: The longest sleep towards a known opening: the event loop's clock stands still while the machine
#: sleeps, so a long one would end late.
LONGEST_SLEEP_S = 60.0
#: How much later than announced a waiter may look before it loses its turn, in seconds.
PATIENCE_S = 5.0


class SqliteRateGate:
    """Implements `ports.rate_gate.RateGate` on one file, mode 0600, shared between processes."""

    def __init__(
        self,
        path: Path,
        owner: str,
        is_alive: Callable[[str], bool],
        clock: Clock,
        *,
        width: int = WIDEST,
    ) -> None:
        """Open or create the file at `path`, whose folder must exist.

        Args:
            path: the same for all processes of the user.
            owner: this process, in a form that no other process of any boot shares.
            is_alive: whether the process that another owner stands for lives.
            clock: the time, shared with other processes.
            width: most attempts at one provider at once.

        Raises:
            StoreError: the file cannot be opened, or is not one of ours.
        """
        self._owner = owner
        self._is_alive = is_alive
        self._clock = clock
        self._width = width
        self._held: set[tuple[str, str]] = set()
        self._file = HostFile(path)

    def view(self, providers: Collection[str], now: float) -> Mapping[str, ProviderView]:
        """See RateGate."""
        with self._file.reading():
            return {provider: self._look(provider, now) for provider in providers}

    async def enter(self, provider: str, holder: str) -> None:
        """See RateGate."""
        pause = FIRST_PAUSE_S
        self._held.add((provider, holder))
        try:
            while (wait := self._try(provider, holder, pause)) > 0.0:
                await self._clock.sleep(wait)
                pause = min(pause * 2, LONGEST_PAUSE_S)
        except BaseException:
            # What could not be deleted loses its turn, and ends with this process.
            with contextlib.suppress(StoreError):
                self._forget(provider, holder)
            raise

    def leave(
        self,
        provider: str,
        holder: str,
        limited: bool = False,
        retry_after_s: float | None = None,
        *,
        served: bool = True,
    ) -> None:
        """See RateGate."""
        with self._file.writing():
            row = self._file.rows.execute(
                "DELETE FROM permits WHERE provider = ? AND owner = ? AND holder = ?"
                " RETURNING inside, since",
                (provider, self._owner, holder),
            ).fetchone()
            if row is not None and row[0]:
                now, state = self._clock.now(), self._file.state(provider)
                if limited:
                    self._file.save(provider, rate_gate.limited(state, row[1], now, retry_after_s))
                elif served:
                    self._file.save(provider, rate_gate.served(state, now, self._width))
        self._held.discard((provider, holder))

    def close(self) -> None:
        """See RateGate. What was held says nothing of the provider."""
        for provider, holder in tuple(self._held):
            self._forget(provider, holder)
        self._file.close()

    # -- one look ------------------------------------------------------------------------------

    def _try(self, provider: str, holder: str, pause: float) -> float:
        """Enter if it is this holder's turn; else how long to wait before the next look."""
        with self._file.writing():
            now = self._clock.now()
            self._bury(provider)
            ticket, inside = self._ticket(provider, holder)
            if inside:
                return 0.0
            state = rate_gate.reckoned(self._file.state(provider), now)
            self._file.save(provider, state)
            ahead = self._ahead(provider, ticket, now)
            if rate_gate.free(state, self._inside(provider), now, self._width) > ahead:
                self._file.rows.execute(
                    "UPDATE permits SET inside = 1, since = ? WHERE ticket = ?", (now, ticket)
                )
                return 0.0
            opens_at = rate_gate.until(state, now)
            wait = pause if opens_at is None else min(max(opens_at - now, pause), LONGEST_SLEEP_S)
            self._file.rows.execute(
                "UPDATE permits SET due = ? WHERE ticket = ?", (now + wait, ticket)
            )
            return wait

    def _look(self, provider: str, now: float) -> ProviderView:
        state = self._file.state(provider)
        if now < state.closed_at:
            # Kept, or the opening would move on with a clock that was set back.
            state = rate_gate.reckoned(state, now)
            with self._file.writing():
                self._file.save(provider, state)
        rows = self._file.rows.execute(
            "SELECT owner, inside, due FROM permits WHERE provider = ?", (provider,)
        ).fetchall()
        alive = {owner: self._lives(owner) for owner, _, _ in rows}
        inside = sum(1 for owner, is_in, _ in rows if is_in and alive[owner])
        waiting = sum(
            1 for owner, is_in, due in rows if not is_in and alive[owner] and _punctual(due, now)
        )
        left = rate_gate.free(state, inside, now, self._width)
        reason = rate_gate.described(state, inside, now, self._width)
        if left and left <= waiting:
            reason = f"{waiting} others wait for this provider already"
        return ProviderView(max(0, left - waiting), rate_gate.until(state, now), reason)

    # -- rows ----------------------------------------------------------------------------------

    def _ticket(self, provider: str, holder: str) -> tuple[int, bool]:
        """The holder's row, made if there is none: its number, and whether it is inside."""
        self._file.rows.execute(
            "INSERT INTO permits (provider, owner, holder) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (provider, self._owner, holder),
        )
        ticket, inside = self._file.rows.execute(
            "SELECT ticket, inside FROM permits WHERE provider = ? AND owner = ? AND holder = ?",
            (provider, self._owner, holder),
        ).fetchone()
        return int(ticket), bool(inside)

    def _inside(self, provider: str) -> int:
        found = self._file.rows.execute(
            "SELECT count(*) FROM permits WHERE provider = ? AND inside = 1", (provider,)
        )
        return int(found.fetchone()[0])

    def _ahead(self, provider: str, ticket: int, now: float) -> int:
        """How many wait that came earlier and still look when they said they would."""
        rows = self._file.rows.execute(
            "SELECT due FROM permits WHERE provider = ? AND inside = 0 AND ticket < ?",
            (provider, ticket),
        )
        return sum(_punctual(due, now) for (due,) in rows)

    def _bury(self, provider: str) -> None:
        """Delete what belongs to dead processes."""
        rows = self._file.rows.execute(
            "SELECT DISTINCT owner FROM permits WHERE provider = ?", (provider,)
        )
        for (owner,) in rows.fetchall():
            if not self._lives(owner):
                self._file.rows.execute("DELETE FROM permits WHERE owner = ?", (owner,))

    def _lives(self, owner: str) -> bool:
        return owner == self._owner or self._is_alive(owner)

    def _forget(self, provider: str, holder: str) -> None:
        """Take back a row without learning anything from it."""
        with self._file.writing():
            self._file.rows.execute(
                "DELETE FROM permits WHERE provider = ? AND owner = ? AND holder = ?",
                (provider, self._owner, holder),
            )
        self._held.discard((provider, holder))


def _punctual(due: float, now: float) -> bool:
    """Whether a waiter that said it would look at `due` may still be relied on."""
    return now <= due + PATIENCE_S
