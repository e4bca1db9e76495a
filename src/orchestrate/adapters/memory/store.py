"""The event store's twin in memory: same contract, nothing durable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrate.core.codec import CHAIN_START, link
from orchestrate.errors import StoreError, VersionConflictError
from orchestrate.ports.store import (
    InboxAnswer,
    InboxEntry,
    NewEvent,
    Snapshot,
    StoredEvent,
    StreamHead,
)


class MemoryStore:
    """Streams in dictionaries. One process, one thread."""

    def __init__(self) -> None:
        self._streams: dict[str, list[StoredEvent]] = {}
        self._inbox: dict[int, InboxEntry] = {}
        self._answers: dict[int, InboxAnswer] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._position = 0
        self._changes = 0
        self._seen = 0

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        """See EventStore."""
        stored = self._streams.get(stream, [])
        if len(stored) != expected:
            raise VersionConflictError(
                f"stream {stream} is at version {len(stored)}, not {expected}"
            )
        chain = stored[-1].chain if stored else CHAIN_START
        added: list[StoredEvent] = []
        for event in events:
            chain = link(chain, event.data)
            self._position += 1
            added.append(
                StoredEvent(
                    self._position,
                    stream,
                    expected + len(added) + 1,
                    event.kind,
                    event.at,
                    event.schema,
                    event.data,
                    chain,
                )
            )
        if added:
            self._streams[stream] = [*stored, *added]
        for answer in answers:
            self._inbox.pop(answer.id, None)
            self._answers[answer.id] = answer
        return expected + len(added)

    async def send(self, stream: str, data: bytes, sent_at: float) -> int:
        """See EventStore."""
        number = len(self._inbox) + len(self._answers) + 1
        self._inbox[number] = InboxEntry(number, stream, data, sent_at)
        self._changes += 1
        return number

    def changed(self) -> bool:
        """See EventStore."""
        before, self._seen = self._seen, self._changes
        return before != self._changes

    def inbox(self, stream: str) -> Sequence[InboxEntry]:
        """See EventStore."""
        return [entry for _, entry in sorted(self._inbox.items()) if entry.stream == stream]

    def answer(self, entry: int) -> InboxAnswer | None:
        """See EventStore."""
        return self._answers.get(entry)

    def read(self, stream: str, after: int = 0, upto: int | None = None) -> Iterator[StoredEvent]:
        """See EventStore."""
        events = self._streams.get(stream, [])
        chain = events[after - 1].chain if 0 < after <= len(events) else CHAIN_START
        for event in events[after:upto]:
            chain = link(chain, event.data)
            if chain != event.chain:
                raise StoreError(f"event {event.version} of {stream} does not fit its hash chain")
            yield event

    def head(self, stream: str) -> StreamHead | None:
        """See EventStore."""
        events = self._streams.get(stream)
        if not events:
            return None
        last = events[-1]
        return StreamHead(stream, last.version, last.chain, events[0].at, last.at)

    def heads(self) -> Sequence[StreamHead]:
        """See EventStore."""
        names = sorted(
            self._streams, key=lambda name: self._streams[name][0].position, reverse=True
        )
        return [head for name in names if (head := self.head(name)) is not None]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See EventStore."""
        self._snapshots[snapshot.stream] = snapshot

    def snapshot(self, stream: str) -> Snapshot | None:
        """See EventStore."""
        found = self._snapshots.get(stream)
        events = self._streams.get(stream, [])
        if found is None or not 0 < found.version <= len(events):
            return None
        return found if events[found.version - 1].chain == found.chain else None

    def close(self) -> None:
        """See EventStore."""
