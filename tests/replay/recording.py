"""Histories as files: what a program once wrote must fold for ever.

A file is JSON lines. The first is a `Header` with what the history led to; each of the others is a
`Line`: one event with its bytes exactly as stored, for the hash chain is over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrate.core import codec
from orchestrate.core.planning.budget import Amount
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.state import RunState

FOLDER = Path(__file__).with_name("histories")


class Header(msgspec.Struct, frozen=True):
    """What a history is about and led to. `chain` is the hash chain at its end, in hex.

    `spent` is what counts against budgets, by scope; nothing in histories of runs without agents.
    """

    about: str
    run: str
    events: int
    chain: str
    tasks: dict[str, str]
    attempts: dict[str, int]
    gates: dict[str, str]
    spent: dict[str, Amount] = {}


class Line(msgspec.Struct, frozen=True):
    """One stored event."""

    schema: int
    kind: str
    data: msgspec.Raw


def write(path: Path, about: str, events: Sequence[AnyEvent], state: RunState) -> None:
    """Record a history. Never over an old one: those are the point."""
    stored = [codec.encode(event) for event in events]
    plan = state.index
    header = Header(
        about=about,
        run=state.status.value,
        events=len(stored),
        chain=codec.head(codec.CHAIN_START, stored).hex(),
        tasks={name: state.tasks[n].status.value for name, n in plan.position.items()},
        attempts={name: state.tasks[n].attempts for name, n in plan.position.items()},
        gates={name: gate.status.value for name, gate in sorted(state.gates.items())},
        spent=dict(sorted(state.spent.items())),
    )
    lines = [
        Line(codec.SCHEMA, type(event).__name__, msgspec.Raw(data))
        for event, data in zip(events, stored, strict=True)
    ]
    with path.open("xb") as file:
        for value in (header, *lines):
            file.write(msgspec.json.encode(value) + b"\n")


def read(path: Path) -> tuple[Header, list[Line]]:
    """The header and the events of a recorded history."""
    first, *rest = path.read_bytes().splitlines()
    return msgspec.json.decode(first, type=Header), [
        msgspec.json.decode(line, type=Line) for line in rest
    ]
