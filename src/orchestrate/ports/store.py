"""The event store: streams of facts, an inbox of wishes, disposable snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec


class NewEvent(msgspec.Struct, frozen=True):
    """An encoded event to append. `kind` is its type name, `at` Unix seconds."""

    kind: str
    at: float
    schema: int
    data: bytes


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as stored. `version` counts from 1 within its stream, `position` over all streams.

    `chain` is the stream's hash chain value after this event.
    """

    position: int
    stream: str
    version: int
    kind: str
    at: float
    schema: int
    data: bytes
    chain: bytes


class StreamHead(msgspec.Struct, frozen=True):
    """Where a stream ends: its last version, chain value and the time of its last event."""

    stream: str
    version: int
    chain: bytes
    created_at: float
    updated_at: float


class InboxEntry(msgspec.Struct, frozen=True):
    """A command waiting for the owner of `stream`. `id` grows with arrival."""

    id: int
    stream: str
    data: bytes
    sent_at: float


class InboxAnswer(msgspec.Struct, frozen=True):
    """What became of an inbox entry: `error` is empty when it was accepted."""

    id: int
    error: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """A cached fold of a stream up to `version`, whose chain value there was `chain`."""

    stream: str
    version: int
    chain: bytes
    data: bytes


class EventStore(Protocol):
    """Durable streams. Only a run's owner appends to its stream; anyone may send to its inbox.

    All methods raise StoreError when the storage fails or is damaged.
    """

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        """Append `events` after version `expected` and answer inbox entries, in one transaction.

        Returns when everything is durable, with the stream's new version. Raises
        VersionConflictError, changing nothing, when the stream is not at `expected`.
        """
        ...

    async def send(self, stream: str, data: bytes, sent_at: float) -> int:
        """Put a command into the inbox of `stream`; returns its entry's id once durable."""
        ...

    def changed(self) -> bool:
        """Whether somebody may have written since the last call. True at the first. Cheap."""
        ...

    def inbox(self, stream: str) -> Sequence[InboxEntry]:
        """Unanswered entries for `stream`, oldest first."""
        ...

    def answer(self, entry: int) -> InboxAnswer | None:
        """What became of an entry, or None while it waits."""
        ...

    def read(self, stream: str, after: int = 0, upto: int | None = None) -> Iterator[StoredEvent]:
        """Events of `stream` with `after` < version <= `upto`, in order.

        Checks the chain as it goes, and the end against the stream's head; raises StoreError at the
        first event that does not fit, and when the stream has no event `after`. A stream that does
        not exist has no events.
        """
        ...

    def head(self, stream: str) -> StreamHead | None:
        """The end of a stream, or None if it does not exist."""
        ...

    def heads(self) -> Sequence[StreamHead]:
        """All streams, latest created first."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep `snapshot` as its stream's latest."""
        ...

    def snapshot(self, stream: str) -> Snapshot | None:
        """The latest snapshot of a stream that agrees with its chain, or None."""
        ...

    def close(self) -> None:
        """Finish what was accepted, and release everything."""
        ...
