"""Bytes for events, commands and states, and the hash chain over the stored bytes.

Events are stored as JSON with their tag, so a log can be read without this program. `SCHEMA` is the
version written; `upcast` turns what older versions wrote into what this one reads, on the decoded
JSON, before the struct is built. The chain is over the bytes as stored: upcasting never changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import immutables
import msgspec

from orchestrate.core.planning.budget import Amount, Budget
from orchestrate.core.planning.definition import InputValue, Workflow
from orchestrate.core.running import commands, events
from orchestrate.core.running.evolve import rederive
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.state import Due, GateState, RunState, Stable, TaskState
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import StoreError

#: Version of the event schema that this program writes.
SCHEMA = 1

#: schema version -> what turns an event's JSON object of that version into the next one's.
UPCASTERS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

#: Chain value before the first event of a stream.
CHAIN_START = bytes(32)

_encoder = msgspec.json.Encoder()
_events: msgspec.json.Decoder[events.AnyEvent] = msgspec.json.Decoder(events.AnyEvent)
_commands: msgspec.json.Decoder[commands.AnyCommand] = msgspec.json.Decoder(commands.AnyCommand)


def encode(value: events.AnyEvent | commands.AnyCommand) -> bytes:
    """JSON bytes of an event or command, tag included.

    Text that is no Unicode (a file name of stray bytes, as the system gives it) is stored with
    U+FFFD in place of what cannot be written: a log must not fail for a name.
    """
    return _encode(value)


def _encode(value: object) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_storable(msgspec.to_builtins(value)))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def decode_event(data: bytes, schema: int = SCHEMA) -> events.AnyEvent:
    """The event in `data`, written under schema version `schema`.

    Raises:
        StoreError: written by a newer program, or not an event.
    """
    if schema > SCHEMA:
        raise StoreError(
            f"this event has schema version {schema}; this program reads up to {SCHEMA}",
            remedy="use the newer version of orchestrate that wrote it",
        )
    try:
        if schema == SCHEMA:
            return _events.decode(data)
        if schema < 1:
            raise StoreError(f"an event in the store has the schema version {schema}")
        raw = msgspec.json.decode(data)
        for version in range(schema, SCHEMA):
            raw = UPCASTERS[version](raw)
        upcast: events.AnyEvent = msgspec.convert(raw, events.AnyEvent)
        return upcast
    except msgspec.MsgspecError as error:
        raise StoreError(f"an event in the store cannot be read: {error}") from error


def decode_command(data: bytes) -> commands.AnyCommand:
    """The command in `data`. Raises StoreError if it is none."""
    try:
        return _commands.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a command in the inbox cannot be read: {error}") from error


def link(previous: bytes, data: bytes) -> bytes:
    """Chain value of the event stored as `data` after the one whose value is `previous`."""
    return hashlib.sha256(previous + data).digest()


def head(chain: bytes, stored: Iterable[bytes]) -> bytes:
    """Chain value after all of `stored`, beginning from `chain`."""
    for data in stored:
        chain = link(chain, data)
    return chain


#: Version of what a snapshot means. Raise it when `evolve`, a status table or a field of the state
#: changes meaning: a snapshot of before is then folded anew from the log.
SNAPSHOT = 4


class _Stable(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last stable checkpoint; `workflow` is None where it is the run's present one."""

    checkpoint: str
    line: str
    workflow: Workflow | None
    tasks: dict[str, TaskState]
    gates: dict[str, GateState]


class _Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of a state; its indexes are derived again when it is read."""

    format: int
    run: str
    status: RunStatus
    version: int
    request: str
    repository: str
    revision: str
    program: str
    reason: str
    created_at: float
    started_at: float
    leg_started_at: float
    ended_at: float
    updated_at: float
    owner: str
    fingerprint: str
    failed_task: str
    failed_gate: str
    inputs: dict[str, InputValue]
    max_parallel: int
    stopping: str
    base: str
    line: str
    published: str
    audit: str
    audit_changes: tuple[str, ...]
    checkpoints: int
    checkpoint_at: float
    marked: int
    undelivered: bool
    due: Due | None
    retired: dict[str, int]
    budget: Budget
    budgets: dict[str, Budget]
    spent: dict[str, Amount]
    unpriced: int
    exhausted: bool
    stable: _Stable | None
    workflow: Workflow | None
    tasks: dict[str, TaskState]
    gates: dict[str, GateState]


_SHARED = tuple(
    name
    for name in _Snapshot.__struct_fields__
    if name not in ("format", "workflow", "tasks", "gates", "retired", "budgets", "spent", "stable")
)
_snapshots = msgspec.json.Decoder(_Snapshot)
_DIGEST_BYTES = hashlib.sha256().digest_size


def encode_state(state: RunState) -> bytes:
    """A snapshot of `state`: the SHA-256 of the rest, then JSON."""
    plan = state.plan
    data = _encode(
        _Snapshot(
            format=SNAPSHOT,
            workflow=None if plan is None else plan.workflow,
            tasks={} if plan is None else _named(plan, state.tasks),
            retired=dict(sorted(state.retired.items())),
            budgets=dict(sorted(state.budgets.items())),
            spent=dict(sorted(state.spent.items())),
            stable=None if state.stable is None else _stable(state.stable, plan),
            gates=dict(sorted(state.gates.items())),
            **{name: getattr(state, name) for name in _SHARED},
        )
    )
    return hashlib.sha256(data).digest() + data


def _named(plan: PlanIndex, tasks: immutables.Map[int, TaskState]) -> dict[str, TaskState]:
    return dict(sorted((plan.order[number].id, task) for number, task in tasks.items()))


def _stable(stable: Stable, plan: PlanIndex | None) -> _Stable:
    return _Stable(
        stable.checkpoint,
        stable.line,
        None if stable.plan == plan else stable.plan.workflow,
        _named(stable.plan, stable.tasks),
        dict(sorted(stable.gates.items())),
    )


def _stable_again(stored: _Stable | None, plan: PlanIndex) -> Stable | None:
    if stored is None:
        return None
    if stored.workflow is not None:
        plan = PlanIndex(stored.workflow)
    tasks = {plan.position[name]: task for name, task in stored.tasks.items()}
    return Stable(
        stored.checkpoint,
        stored.line,
        plan,
        immutables.Map(tasks),
        immutables.Map(stored.gates),
    )


def decode_state(data: bytes) -> RunState | None:
    """The state in a snapshot, or None if it is not one this program can use.

    Snapshots are disposable: whoever gets None folds the log instead. A damaged one is noticed by
    its digest, because the hash chain covers the events only.
    """
    digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    try:
        snapshot = _snapshots.decode(body)
    except msgspec.MsgspecError:
        return None
    if snapshot.format != SNAPSHOT:
        return None
    shared = {name: getattr(snapshot, name) for name in _SHARED}
    if snapshot.workflow is None:
        return RunState(**shared)
    plan = PlanIndex(snapshot.workflow)
    if plan.position.keys() != snapshot.tasks.keys() or plan.gates.keys() != snapshot.gates.keys():
        return None
    state = RunState(
        **shared,
        plan=plan,
        tasks=immutables.Map({plan.position[name]: task for name, task in snapshot.tasks.items()}),
        gates=immutables.Map(snapshot.gates),
        retired=immutables.Map(snapshot.retired),
        budgets=immutables.Map(snapshot.budgets),
        spent=immutables.Map(snapshot.spent),
        stable=_stable_again(snapshot.stable, plan),
    )
    return msgspec.structs.replace(rederive(state), stopping=snapshot.stopping)
