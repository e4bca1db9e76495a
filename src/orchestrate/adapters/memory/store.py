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
        self._heads: dict[str, StreamHead] = {}
        self._inbox: dict[int, InboxEntry] = {}
        self._answers: dict[int, InboxAnswer] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._position = 0
        self._changes = 0
        self._seen = -1

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[NewEvent],
        answers: Sequence[InboxAnswer] = (),
    ) -> int:
        """See EventStore."""
        head = self._heads.get(stream)
        version = head.version if head is not None else 0
        if version != expected:
            raise VersionConflictError(
                f"stream {stream} is at version {version}, not {expected}",
                remedy="another process drives this run; attach to it instead",
            )
        chain = head.chain if head is not None else CHAIN_START
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
            self._streams.setdefault(stream, []).extend(added)
            created_at = head.created_at if head is not None else added[0].at
            self._heads[stream] = StreamHead(
                stream, added[-1].version, chain, created_at, added[-1].at
            )
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
        head = self._heads.get(stream)
        if head is None:
            return
        events = self._streams[stream]
        if after > len(events):
            raise StoreError(f"stream {stream} has no event {after}")
        last = head.version if upto is None else min(upto, head.version)
        chain = events[after - 1].chain if after > 0 else CHAIN_START
        for version in range(after + 1, last + 1):
            event = events[version - 1] if version <= len(events) else None
            if event is not None:
                chain = link(chain, event.data)
            if event is None or event.version != version or event.chain != chain:
                raise _damaged(stream, version)
            if version == head.version and chain != head.chain:
                raise _damaged(stream, version)
            yield event

    def head(self, stream: str) -> StreamHead | None:
        """See EventStore."""
        return self._heads.get(stream)

    def heads(self) -> Sequence[StreamHead]:
        """See EventStore."""
        return list(reversed(self._heads.values()))

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


def _damaged(stream: str, version: int) -> StoreError:
    return StoreError(f"event {version} of {stream} is missing or does not fit the hash chain")
