"""What survives a crash of the simulated host: the log, the inbox, a snapshot, the journal."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrate.core.codec import (
    decode_event,
    decode_state,
    encode,
    encode_state,
)
from orchestrate.core.ids import AttemptKey
from orchestrate.core.running.commands import AnyCommand
from orchestrate.core.running.events import AnyEvent, CheckpointTaken
from orchestrate.core.running.evolve import evolve, fold
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.errors import VersionConflictError
from orchestrate.hosts.simulator.behaviour import Conduct


class Disk:
    """Bytes, not objects, so that every restart goes through the codec.

    Attributes:
        log: the encoded events of the run.
        inbox: encoded commands by entry number, unanswered ones.
        answers: entry number -> error, empty when accepted.
        journal: how attempts ended, recorded before anybody is told.
    """

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.inbox: dict[int, bytes] = {}
        self.answers: dict[int, str] = {}
        self.journal: dict[AttemptKey, Conduct] = {}
        self._snapshot: tuple[int, bytes] | None = None

    def append(self, expected: int, events: Sequence[AnyEvent], answers: dict[int, str]) -> None:
        """Append and answer at once. Raises VersionConflictError, changing nothing."""
        if len(self.log) != expected:
            raise VersionConflictError(f"the log is at version {len(self.log)}, not {expected}")
        self.log += [encode(event) for event in events]
        for number, error in answers.items():
            self.inbox.pop(number, None)
            self.answers[number] = error

    def send(self, command: AnyCommand) -> None:
        """Put a command into the inbox."""
        self.inbox[len(self.inbox) + len(self.answers) + 1] = encode(command)

    def keep(self, state: RunState, *, damaged: bool) -> None:
        """Keep a snapshot of `state`."""
        data = encode_state(state)
        if damaged:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        self._snapshot = (state.version, data)

    def load(self) -> RunState:
        """The state: the snapshot if it is good, and the rest of the log."""
        state, after = INITIAL, 0
        if self._snapshot is not None:
            found = decode_state(self._snapshot[1])
            if found is not None:
                state, after = found, self._snapshot[0]
        return fold(state, (decode_event(data) for data in self.log[after:]))

    def checkpoints(self) -> tuple[Facts, ...]:
        """What every checkpoint in the log holds, in the order they were taken."""
        held = []
        state = INITIAL
        for event in self.events():
            state = evolve(state, event)
            if isinstance(event, CheckpointTaken):
                held.append(facts(state, event.checkpoint, event.snapshots))
        return tuple(held)

    def events(self) -> tuple[AnyEvent, ...]:
        """The whole log, decoded."""
        return tuple(decode_event(data) for data in self.log)
