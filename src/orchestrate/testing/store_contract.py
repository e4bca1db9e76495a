"""What every event store must do: one suite, run against each adapter.

Subclass `StoreContract` or `DurableStoreContract` in a test module, implement `open` and `damage`,
and pytest collects the tests. Nothing here needs pytest itself.

    class TestMyStore(StoreContract):
        def open(self) -> EventStore: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from orchestrate.core.codec import CHAIN_START, SCHEMA, head
from orchestrate.errors import StoreError, VersionConflictError
from orchestrate.ports.store import (
    EventStore,
    InboxAnswer,
    NewEvent,
    Snapshot,
    StoredEvent,
)

T = TypeVar("T")

RUN = "r-1"


def event(number: int, *, at: float = 10.0) -> NewEvent:
    """A small event that differs from others by its number."""
    return NewEvent("Noted", at + number, SCHEMA, f'{{"number":{number}}}'.encode())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` in an event loop of its own."""
    return asyncio.run(work)


def refused(work: Callable[[], object], error: type[BaseException] = StoreError) -> str:
    """The message of the `error` that `work` must raise."""
    try:
        work()
    except error as raised:
        return str(raised)
    raise AssertionError(f"{error.__name__} was not raised")


class StoreContract:
    """The contract of every store; of durable ones it is half, see `DurableStoreContract`."""

    # -- to be implemented ---------------------------------------------------------------------

    def open(self) -> EventStore:
        """The store of this test: if it is durable, the same one each time."""
        raise NotImplementedError

    def damage(self, store: EventStore, stream: str, log: Sequence[StoredEvent]) -> None:
        """Replace the stored events of `stream` by `log`, behind the store's back.

        What the store remembers besides (the stream's head) stays as it is.
        """
        raise NotImplementedError

    # -- streams -------------------------------------------------------------------------------

    def _filled(self, count: int = 4) -> EventStore:
        store = self.open()
        run(store.append(RUN, 0, [event(number) for number in range(1, count + 1)]))
        return store

    def test_events_come_back_as_they_were_appended(self) -> None:
        """Bytes, kinds, times and schema versions are kept; versions count from 1."""
        store = self.open()
        assert run(store.append(RUN, 0, [event(1), event(2)])) == 2
        assert run(store.append(RUN, 2, [event(3)])) == 3
        found = list(store.read(RUN))
        assert [each.version for each in found] == [1, 2, 3]
        assert [each.data for each in found] == [event(n).data for n in (1, 2, 3)]
        assert [each.at for each in found] == [11.0, 12.0, 13.0]
        assert {(each.kind, each.schema, each.stream) for each in found} == {("Noted", SCHEMA, RUN)}
        assert [each.position for each in found] == sorted({each.position for each in found})
        store.close()

    def test_reading_from_and_up_to_a_version(self) -> None:
        """`after` is exclusive, `upto` inclusive; beyond the end there is nothing."""
        store = self._filled(4)
        assert [each.version for each in store.read(RUN, 2)] == [3, 4]
        assert [each.version for each in store.read(RUN, 1, 3)] == [2, 3]
        assert [each.version for each in store.read(RUN, 0, 99)] == [1, 2, 3, 4]
        assert list(store.read(RUN, 4)) == []
        store.close()

    def test_stream_that_does_not_exist_is_empty_and_has_no_head(self) -> None:
        """Asking is not creating."""
        store = self.open()
        assert list(store.read("nothing")) == []
        assert store.head("nothing") is None
        assert store.heads() == []
        store.close()

    def test_reading_after_a_version_that_does_not_exist_is_an_error(self) -> None:
        """Whoever has seen event 9 must hear that it is gone, not that nothing is new."""
        store = self._filled(2)
        assert "9" in refused(lambda: list(store.read(RUN, 9)))
        store.close()

    def test_long_stream_is_read_to_its_end(self) -> None:
        """Longer than any page an adapter may read in."""
        store = self._filled(2_500)
        assert [each.version for each in store.read(RUN)] == list(range(1, 2_501))
        assert len(list(store.read(RUN, 1_500, 1_700))) == 200
        store.close()

    def test_conflicting_append_changes_nothing(self) -> None:
        """Neither events nor answers of a refused append are kept."""
        store = self._filled(2)
        entry = run(store.send(RUN, b"{}", 1.0))
        for expected in (0, 1, 3):
            message = refused(
                lambda expected=expected: run(  # type: ignore[misc]
                    store.append(RUN, expected, [event(9)], [InboxAnswer(entry)])
                ),
                VersionConflictError,
            )
            assert RUN in message
        assert len(list(store.read(RUN))) == 2
        assert store.answer(entry) is None
        refused(lambda: run(store.append("new", 1, [event(1)])), VersionConflictError)
        assert store.head("new") is None
        store.close()

    def test_of_many_appends_at_once_only_the_conflicting_fail(self) -> None:
        """However they are grouped: each stands for itself."""
        store = self._filled(1)

        async def all_at_once() -> list[int | BaseException]:
            work = [store.append(f"s{number}", 0, [event(number)]) for number in range(20)]
            work[7:7] = [store.append(RUN, 0, [event(9)])]
            work.append(store.append("s3", 0, [event(3)]))
            work.append(store.append(RUN, 1, [event(2)]))
            return await asyncio.gather(*work, return_exceptions=True)

        outcomes = run(all_at_once())
        failed = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
        assert failed == [7, 21]
        assert all(isinstance(outcomes[n], VersionConflictError) for n in failed)
        assert [len(list(store.read(f"s{number}"))) for number in range(20)] == [1] * 20
        assert [each.data for each in store.read(RUN)] == [event(1).data, event(2).data]
        store.close()

    def test_heads_tell_where_streams_end_latest_created_first(self) -> None:
        """With the times of the first and the last event."""
        store = self.open()
        run(store.append("a", 0, [event(1), event(5)]))
        run(store.append("b", 0, [event(2)]))
        run(store.append("a", 2, [event(9)]))
        heads = store.heads()
        assert [found.stream for found in heads] == ["b", "a"]
        assert (heads[1].version, heads[1].created_at, heads[1].updated_at) == (3, 11.0, 19.0)
        assert store.head("a") == heads[1]
        assert heads[1].chain == list(store.read("a"))[-1].chain
        store.close()

    def test_append_of_nothing_creates_no_stream(self) -> None:
        """Answers alone are possible."""
        store = self.open()
        entry = run(store.send(RUN, b"{}", 1.0))
        assert run(store.append(RUN, 0, [], [InboxAnswer(entry, "no such run")])) == 0
        assert store.head(RUN) is None
        assert store.answer(entry) == InboxAnswer(entry, "no such run")
        store.close()

    # -- the chain -----------------------------------------------------------------------------

    def test_chain_links_every_event_to_all_before_it(self) -> None:
        """The same bytes in the same order give the same chain, whatever the batches were."""
        store = self.open()
        run(store.append("a", 0, [event(1), event(2), event(3)]))
        for number in (1, 2, 3):
            run(store.append("b", number - 1, [event(number)]))
        chains = [each.chain for each in store.read("a")]
        assert chains == [each.chain for each in store.read("b")]
        assert chains[-1] == head(CHAIN_START, [event(n).data for n in (1, 2, 3)])
        assert len(set(chains)) == 3
        store.close()

    def _check_damage(self, change: Callable[[list[StoredEvent]], list[StoredEvent]]) -> None:
        store = self._filled(5)
        log = list(store.read(RUN))
        self.damage(store, RUN, change(log))
        message = refused(lambda: list(store.read(RUN)))
        assert RUN in message
        store.close()

    def test_changed_byte_is_noticed(self) -> None:
        """In the middle of the log."""
        self._check_damage(lambda log: [*log[:2], _with_data(log[2], b'{"number":4}'), *log[3:]])

    def test_changed_last_event_with_a_chain_made_to_fit_is_noticed(self) -> None:
        """The stream's head says what the chain must end in."""

        def forge(log: list[StoredEvent]) -> list[StoredEvent]:
            data = b'{"number":0}'
            chain = head(log[3].chain, [data])
            return [*log[:4], _with_data(log[4], data, chain)]

        self._check_damage(forge)

    def test_removed_event_is_noticed(self) -> None:
        """In the middle."""
        self._check_damage(lambda log: [*log[:2], *log[3:]])

    def test_cut_tail_is_noticed(self) -> None:
        """The rest fits, but it is not all there."""
        self._check_damage(lambda log: log[:3])

    def test_emptied_stream_is_noticed(self) -> None:
        """Nothing left is not the same as nothing there."""
        self._check_damage(lambda log: log[:0])

    def test_swapped_events_are_noticed(self) -> None:
        """Two events in each other's place."""
        self._check_damage(
            lambda log: [
                log[0],
                _with_data(log[1], log[2].data),
                _with_data(log[2], log[1].data),
                *log[3:],
            ]
        )

    def test_events_before_the_damage_can_be_read(self) -> None:
        """So that a person can see how far the log is good."""
        store = self._filled(5)
        log = list(store.read(RUN))
        self.damage(store, RUN, [*log[:3], _with_data(log[3], b"{}"), log[4]])
        assert [each.version for each in store.read(RUN, 0, 3)] == [1, 2, 3]
        store.close()

    # -- the inbox -----------------------------------------------------------------------------

    def test_inbox_gives_each_stream_its_own_entries_oldest_first(self) -> None:
        """Entries are numbered as they arrive."""
        store = self.open()
        ids = [run(store.send(RUN, f"{n}".encode(), float(n))) for n in (1, 2, 3)]
        other = run(store.send("r-2", b"x", 4.0))
        assert ids == sorted(ids)
        assert [(each.id, each.data, each.sent_at) for each in store.inbox(RUN)] == [
            (ids[0], b"1", 1.0),
            (ids[1], b"2", 2.0),
            (ids[2], b"3", 3.0),
        ]
        assert [each.id for each in store.inbox("r-2")] == [other]
        store.close()

    def test_answer_is_given_with_the_append_and_takes_the_entry_out(self) -> None:
        """Accepted entries have an empty error."""
        store = self._filled(1)
        first = run(store.send(RUN, b"1", 1.0))
        second = run(store.send(RUN, b"2", 1.0))
        assert store.answer(first) is None
        answers = [InboxAnswer(first), InboxAnswer(second, "not now")]
        assert run(store.append(RUN, 1, [event(2)], answers)) == 2
        assert store.inbox(RUN) == []
        assert store.answer(first) == InboxAnswer(first, "")
        assert store.answer(second) == InboxAnswer(second, "not now")
        third = run(store.send(RUN, b"3", 1.0))
        assert third > second
        store.close()

    def test_changed_is_true_at_first_and_after_something_was_sent(self) -> None:
        """False positives are allowed, false negatives are not."""
        store = self.open()
        assert store.changed()
        run(store.send(RUN, b"1", 1.0))
        assert store.changed()
        store.close()

    # -- snapshots -----------------------------------------------------------------------------

    def test_latest_snapshot_comes_back(self) -> None:
        """One per stream."""
        store = self._filled(3)
        log = list(store.read(RUN))
        assert store.snapshot(RUN) is None
        for found in log[1:]:
            run(store.save_snapshot(Snapshot(RUN, found.version, found.chain, b"state")))
        assert store.snapshot(RUN) == Snapshot(RUN, 3, log[2].chain, b"state")
        assert store.snapshot("nothing") is None
        store.close()

    def test_snapshot_that_is_not_in_the_chain_is_ignored(self) -> None:
        """Of another history, or of a version the log does not have."""
        store = self._filled(3)
        chain = list(store.read(RUN))[1].chain
        for version, found in ((2, bytes(32)), (3, chain), (4, chain), (0, CHAIN_START)):
            run(store.save_snapshot(Snapshot(RUN, version, found, b"state")))
            assert store.snapshot(RUN) is None
        run(store.save_snapshot(Snapshot("nothing", 1, chain, b"state")))
        assert store.snapshot("nothing") is None
        store.close()


class DurableStoreContract(StoreContract):
    """For stores whose second `open` sees what was written through the first."""

    def test_everything_is_there_when_opened_again(self) -> None:
        """Events, inbox and snapshot."""
        store = self._filled(3)
        log = list(store.read(RUN))
        entry = run(store.send(RUN, b"1", 1.0))
        run(store.save_snapshot(Snapshot(RUN, 2, log[1].chain, b"state")))
        store.close()
        again = self.open()
        assert list(again.read(RUN)) == log
        assert [each.id for each in again.inbox(RUN)] == [entry]
        assert again.snapshot(RUN) == Snapshot(RUN, 2, log[1].chain, b"state")
        assert run(again.append(RUN, 3, [event(4)])) == 4
        assert again.changed()
        again.close()

    def test_two_openings_see_each_other(self) -> None:
        """One appends, the other reads, sends, and meets conflicts."""
        first, second = self.open(), self.open()
        run(first.append(RUN, 0, [event(1)]))
        assert [each.version for each in second.read(RUN)] == [1]
        second.changed()
        assert not second.changed()
        run(first.append(RUN, 1, [event(2)]))
        assert second.changed()
        refused(lambda: run(second.append(RUN, 1, [event(9)])), VersionConflictError)
        entry = run(second.send(RUN, b"pause", 1.0))
        assert first.changed()
        assert [each.data for each in first.inbox(RUN)] == [b"pause"]
        run(first.append(RUN, 2, [], [InboxAnswer(entry)]))
        assert second.answer(entry) == InboxAnswer(entry)
        first.close()
        second.close()


def _with_data(stored: StoredEvent, data: bytes, chain: bytes | None = None) -> StoredEvent:
    return StoredEvent(
        stored.position,
        stored.stream,
        stored.version,
        stored.kind,
        stored.at,
        stored.schema,
        data,
        stored.chain if chain is None else chain,
    )
