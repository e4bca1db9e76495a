"""Why a task that could start gets no slot."""

from __future__ import annotations

import msgspec

from orchestrate.core.running.capacity import Held, HostView, admit, held_by_rival
from orchestrate.core.running.crew import Crew
from orchestrate.core.running.effects import eligible_at, startable
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import MAX_LIMITED
from orchestrate.core.running.spending import Shortage, reservation, reserved
from orchestrate.core.running.state import RunState
from orchestrate.core.views.cause import Cause, Kind, listed, span
from orchestrate.core.views.ladder import provider_of

_KINDS: dict[str, Kind] = {
    "slots": "slots",
    "phase-limit": "phase-limit",
    "agent-limit": "agent-limit",
    "memory": "memory",
    "budget": "budget",
}


def held_back(state: RunState, view: HostView) -> dict[str, Held]:
    """Task -> why `admit` gives it no slot."""
    return {held.task: held for held in admit(state, view, exhaustive=True).held}


def held_cause(state: RunState, held: Held, at: float) -> Cause:
    """Why `admit` gave a task no slot."""
    if held.rival:
        return Cause("write-set", held.reason, names=(held.rival,))
    if held.kind == "rate-limit":
        text = _provider_text(state, held, at)
        return Cause("rate-limit", text, names=(held.task,), until=held.until)
    if held.kind == "backoff":
        text = _backoff_text(state, held, at)
        return Cause("backoff", text, names=(held.task,), until=held.until)
    return Cause(_KINDS.get(held.kind, "start"), held.reason, names=(held.task,))


def _provider_text(state: RunState, held: Held, at: float) -> str:
    provider = provider_of(state, state.index.position[held.task])
    until = "" if held.until is None else f", for {span(held.until - at)} more"
    return f"{provider} lets no agent in: {held.reason or 'its rate gate is closed'}{until}"


def _backoff_text(state: RunState, held: Held, at: float) -> str:
    record = state.tasks[state.index.position[held.task]]
    wait = span((held.until or at) - at)
    if record.cause == "rate_limit" and record.limited:
        tries = f"wait {record.limited} of {MAX_LIMITED} that are held against nobody"
        return f"its provider asked to slow down ({tries}): it is tried again in {wait}"
    return f"{held.reason}: in {wait}"


def held_together(state: RunState, held: dict[str, Held], at: float) -> list[Cause]:
    """What holds everything that could start: one cause for each sort, the soonest retry first."""
    causes: list[Cause] = []
    sorts: dict[tuple[str, str], list[Held]] = {}
    for item in held.values():
        why = _own_reason(state, item)
        sorts.setdefault((item.kind, why), []).append(item)
    for (kind, _), items in sorts.items():
        soonest = min(items, key=lambda item: item.until or 0.0)
        names = tuple(item.task for item in items)
        found = held_cause(state, soonest, at)
        if kind == "backoff" and soonest.until is not None:
            text = f"{listed(names)} is tried again in {span(soonest.until - at)}"
        else:
            text = f"{found.text}; held: {listed(names)}"
        causes.append(msgspec.structs.replace(found, text=text, names=names))
    return causes


def _own_reason(state: RunState, held: Held) -> str:
    """Which provider, budget, phase or agent it is about; empty for what holds all alike."""
    if held.kind in ("rate-limit", "budget"):
        return f"{provider_of(state, state.index.position[held.task])} {held.reason}"
    return held.reason if held.kind in ("phase-limit", "agent-limit") else ""


def held_alone(state: RunState, number: int, at: float) -> Held | None:
    """What would hold the task at `number` if it were the only one that could start.

    Its cost does not grow with the other tasks that wait. Rate gates are not looked at.
    """
    if not startable(state) >> number & 1:
        return None
    item = eligible_at(state, number)
    if item.not_before > at:
        return Held(item.task, "backoff", "it is tried again", item.not_before)
    rivals = state.index.rivals.get(number, 0) & (state.live | state.merging)
    if rivals:
        return held_by_rival(state.index, item.task, rivals & state.index.writing)
    if state.live.bit_count() >= state.max_parallel:
        return Held(item.task, "slots", f"all {state.max_parallel} slots are taken")
    limit = state.index.limited.get(item.phase)
    if limit is not None:
        running = sum(state.index.phase_of[other] == item.phase for other in bits(state.live))
        if running >= limit:
            name = state.index.workflow.phases[item.phase].name
            return Held(item.task, "phase-limit", f"phase {name} runs {limit} at once")
    if state.index.sparing and (full := Crew(state).full(number)):
        return Held(item.task, "agent-limit", full)
    return _short(state, number, item.task)


def _short(state: RunState, number: int, task: str) -> Held | None:
    if not state.index.paid >> number & 1:
        return None
    try:
        reservation(state, number, reserved(state))
    except Shortage as shortage:
        return Held(task, "budget", shortage.reason)
    return None
