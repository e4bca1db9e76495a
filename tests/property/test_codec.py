"""Events and commands come back from their bytes, and no change to stored bytes goes unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrate.adapters.memory.store import MemoryStore
from orchestrate.core import codec
from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    InputSpec,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.rollback import Facts
from orchestrate.core.running.state import GateState, TaskState
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.work import Conflict, Proof, Work
from orchestrate.errors import StoreError
from orchestrate.ports.store import NewEvent, StoredEvent
from tests.property.walks import Step, walks

#: Fields whose type leaves open what they hold: a JSON Schema for each name.
OPEN = {
    (TaskSpec, "returns"): st.dictionaries(
        st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()))
    )
}


def _any(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of a struct with every field drawn from its type."""
    fields = {
        field.name: OPEN.get((kind, field.name), st.from_type(field.type))
        for field in msgspec.structs.fields(kind)
    }
    return st.builds(kind, **fields)


for _part in (
    Artifact,
    Proof,
    Work,
    Conflict,
    EvidenceNote,
    ev.GroupItem,
    TaskState,
    GateState,
    EachSpec,
    InputSpec,
    RetryPolicy,
    OutputSpec,
    GateSpec,
    TaskSpec,
    PhaseSpec,
    Limits,
    Workflow,
    Facts,
):
    # In this order: a struct is resolved with what is registered by then.
    st.register_type_strategy(_part, _any(_part))

EVENTS = st.one_of([_any(kind) for kind in get_args(ev.AnyEvent)])
COMMANDS = st.one_of([_any(kind) for kind in get_args(cmd.AnyCommand)])


@given(EVENTS)
def test_every_event_comes_back_from_its_bytes(event: ev.AnyEvent) -> None:
    data = codec.encode(event)
    assume(not _has_no_number(data))
    assert codec.decode_event(data) == event
    assert msgspec.json.decode(data)["event"] == type(event).__name__
    assert codec.encode(codec.decode_event(data)) == data


@given(COMMANDS)
def test_every_command_comes_back_from_its_bytes(command: cmd.AnyCommand) -> None:
    data = codec.encode(command)
    assume(not _has_no_number(data))
    assert codec.decode_command(data) == command


def _has_no_number(data: bytes) -> bool:
    """JSON writes NaN and infinity as null, and defaults, None among them, are left out."""
    return b"null" in data


@given(st.text(), st.integers(0xD800, 0xDFFF))
def test_text_that_is_no_unicode_can_be_stored(text: str, stray: int) -> None:
    event = ev.AttemptFailed(at=1.0, task="t", number=1, cause="exit", message=text + chr(stray))
    again = codec.decode_event(codec.encode(event))
    assert isinstance(again, ev.AttemptFailed)
    assert again.message == text + "\ufffd"
    assert msgspec.structs.replace(again, message="") == msgspec.structs.replace(event, message="")


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_with_a_store_error(data: bytes) -> None:
    with pytest.raises(StoreError):
        codec.decode_event(data)
    with pytest.raises(StoreError):
        codec.decode_command(data)
    assert codec.decode_state(data) is None


def _stored(steps: Sequence[Step]) -> MemoryStore:
    store = MemoryStore()
    events = [event for step in steps for event in step.events]
    new = [
        NewEvent(type(event).__name__, event.at, codec.SCHEMA, codec.encode(event))
        for event in events
    ]
    asyncio.run(store.append("r", 0, new))
    return store


@given(walks(max_steps=12), st.data())
def test_flipped_byte_anywhere_is_noticed(steps: list[Step], data: st.DataObject) -> None:
    store = _stored(steps)
    log = list(store.read("r"))
    number = data.draw(st.integers(0, len(log) - 1))
    at = data.draw(st.integers(0, len(log[number].data) - 1))
    flip = data.draw(st.integers(1, 255))
    old = log[number].data
    changed = old[:at] + bytes([old[at] ^ flip]) + old[at + 1 :]
    log[number] = StoredEvent(
        *[*msgspec.structs.astuple(log[number])[:6], changed, log[number].chain]
    )
    store._streams["r"] = log
    good: list[StoredEvent] = []
    with pytest.raises(StoreError, match=f"event {number + 1} of r"):
        good.extend(store.read("r"))
    assert list(store.read("r", 0, number)) == log[:number]


@given(walks(max_steps=12), st.data())
def test_cut_tail_anywhere_is_noticed(steps: list[Step], data: st.DataObject) -> None:
    store = _stored(steps)
    log = list(store.read("r"))
    left = data.draw(st.integers(0, len(log) - 1))
    store._streams["r"] = log[:left]
    with pytest.raises(StoreError, match=f"event {left + 1} of r"):
        list(store.read("r"))


@given(st.lists(st.binary(max_size=8), max_size=8), st.integers(0, 8))
def test_chain_of_parts_is_the_chain_of_the_whole(parts: list[bytes], cut: int) -> None:
    whole = codec.head(codec.CHAIN_START, parts)
    assert codec.head(codec.head(codec.CHAIN_START, parts[:cut]), parts[cut:]) == whole


@given(
    st.lists(st.binary(max_size=4), min_size=1, max_size=6),
    st.lists(st.binary(max_size=4), min_size=1, max_size=6),
)
def test_different_logs_have_different_chains(first: list[bytes], second: list[bytes]) -> None:
    same = codec.head(codec.CHAIN_START, first) == codec.head(codec.CHAIN_START, second)
    assert same == (first == second)
