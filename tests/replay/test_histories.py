"""Histories recorded by earlier versions lead where they led when they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from orchestrate.core import codec
from orchestrate.core.running import events as ev
from orchestrate.core.running.evolve import fold
from orchestrate.core.running.state import INITIAL
from tests.property.laws import check_history
from tests.replay.record import SCENARIOS
from tests.replay.recording import FOLDER, Header, Line, read

FILES = sorted(FOLDER.glob("*.jsonl"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> Iterator[tuple[Header, list[Line]]]:
    path: Path = request.param
    return read(path)  # type: ignore[return-value]


def _decoded(lines: list[Line]) -> list[ev.AnyEvent]:
    return [codec.decode_event(bytes(line.data), line.schema) for line in lines]


def test_history_leads_where_it_led(recorded: tuple[Header, list[Line]]) -> None:
    header, lines = recorded
    assert len(lines) == header.events
    state = check_history(_decoded(lines))
    plan = state.index
    assert state.status.value == header.run
    assert {name: state.tasks[n].status.value for name, n in plan.position.items()} == header.tasks
    assert {name: state.tasks[n].attempts for name, n in plan.position.items()} == header.attempts
    assert {name: gate.status.value for name, gate in state.gates.items()} == header.gates
    assert dict(state.spent) == header.spent


def test_hash_chain_is_the_one_that_was_stored(recorded: tuple[Header, list[Line]]) -> None:
    header, lines = recorded
    stored = [bytes(line.data) for line in lines]
    assert codec.head(codec.CHAIN_START, stored).hex() == header.chain


def test_kinds_in_the_store_are_the_names_of_the_events(
    recorded: tuple[Header, list[Line]],
) -> None:
    _, lines = recorded
    assert [type(event).__name__ for event in _decoded(lines)] == [line.kind for line in lines]


def test_snapshot_of_a_recorded_history_agrees(recorded: tuple[Header, list[Line]]) -> None:
    events = _decoded(recorded[1])
    middle = fold(INITIAL, events[: len(events) // 2])
    again = codec.decode_state(codec.encode_state(middle))
    assert again is not None
    assert fold(again, events[len(events) // 2 :]) == fold(INITIAL, events)


@pytest.mark.parametrize("schema", range(1, codec.SCHEMA + 1))
def test_every_schema_has_recorded_histories_of_every_scenario(schema: int) -> None:
    names = {path.stem for path in FILES if path.stem.startswith(f"schema-{schema}-")}
    if schema == codec.SCHEMA:
        assert names >= {f"schema-{schema}-{name}" for name in SCENARIOS}
    assert len(names) >= 3


def test_every_event_of_the_present_schema_is_in_a_recorded_history() -> None:
    seen = {line.kind for path in FILES for line in read(path)[1] if line.schema == codec.SCHEMA}
    assert seen == {kind.__name__ for kind in get_args(ev.AnyEvent)}
