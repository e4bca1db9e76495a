"""What may be asked of a run now, as it is typed."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.running.legality import legal_commands
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus
from orchestrate.core.views.agent_cause import go_on_command, shortage

#: The kernel's name of a command -> what is typed for it, with {run} for the run. Those that no
#: person gives have none.
_TYPED = {
    "PauseRun": "orchestrate pause {run}",
    "ResumeRun": "orchestrate resume {run}",
    "CancelRun": "orchestrate cancel {run}",
    "AskCheckpoint": "orchestrate checkpoint create {run}",
    "RollBack": "orchestrate rollback {run} --to CHECKPOINT",
}


def typed_commands(state: RunState) -> tuple[str, ...]:
    """The command lines that the run's status allows now."""
    return tuple(_commands(state))


def _commands(state: RunState) -> Iterator[str]:
    for name in legal_commands(state):
        if name == "ResumeRun" and (short := shortage(state)) is not None:
            # Without more it would only be paused again.
            yield go_on_command(state, short)
        elif name in _TYPED:
            yield _TYPED[name].format(run=state.run)
        elif name == "DecideGate":
            for gate, record in sorted(state.gates.items()):
                if record.status is GateStatus.OPEN and state.index.gates[gate][1].kind == "human":
                    yield f"orchestrate approve {state.run} {gate}"
                    yield f"orchestrate reject {state.run} {gate} --reason TEXT"
        elif name == "ResolveConflict":
            for number in bits(state.conflicted):
                yield f"orchestrate conflict show {state.run} {state.index.order[number].id}"
        elif name == "HandIn":
            for number in bits(state.handed):
                yield f"orchestrate task show {state.run} {state.index.order[number].id}"
