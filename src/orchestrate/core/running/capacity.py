"""`admit(state, view) -> Admission`: which eligible tasks get a slot.

Live facts about the machine reach the kernel only here, as a sampled value. The grant is recorded
as `AttemptStarted`; replay never admits again.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from orchestrate.core.running.crew import Crew
from orchestrate.core.running.effects import eligible_at, startable
from orchestrate.core.running.plan import PlanIndex, bits
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.spending import Shortage, hold, reservation, reserved
from orchestrate.core.running.state import RunState


class ProviderView(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a provider's rate gate stands.

    `free`: how many more may enter at once, beside those inside and those that wait already.
    `until`: when it opens again (Unix seconds), None unless it is closed. `reason` says why nobody
    may enter, and is empty when somebody may.
    """

    free: int
    until: float | None = None
    reason: str = ""


class HostView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the host saw at Unix time `at`.

    `slots` is how many attempts this machine allows the run at once (the run's own limit applies as
    well). `memory_available_bytes` below `memory_floor_bytes` holds new starts back while anything
    runs; with nothing running one attempt may always start, so that a small machine makes progress.
    `providers` are the rate gates by name; one that is not named lets everybody in.
    """

    at: float
    slots: int = 1_000_000
    memory_available_bytes: int | None = None
    memory_floor_bytes: int = 0
    providers: dict[str, ProviderView] = {}

    @property
    def memory_short(self) -> bool:
        """Whether available memory is known and below the floor."""
        return (
            self.memory_available_bytes is not None
            and self.memory_available_bytes < self.memory_floor_bytes
        )


class Held(msgspec.Struct, frozen=True):
    """An eligible task that got no slot.

    `kind`: slots, phase-limit, agent-limit, memory, backoff, budget, rate-limit or write-set; for
    the last, `rival` is the task that is expected to write the same files and is at work on them.
    """

    task: str
    kind: str
    reason: str
    until: float | None = None
    rival: str = ""


class Admission(msgspec.Struct, frozen=True):
    """Who starts now, in order, and why the others do not.

    Once the slots are gone nobody further down is looked at; `explain` asks for all of them.
    """

    grants: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()


def admit(state: RunState, view: HostView, *, exhaustive: bool = False) -> Admission:
    """Grant slots to eligible tasks, most urgent first.

    Args:
        state: the run.
        view: what the host measured.
        exhaustive: give a reason for every held task, also when no slot is left; O(eligible)
            instead of O(granted).
    """
    plan = state.plan
    if plan is None or not startable(state):
        return Admission()
    limit = min(state.max_parallel, view.slots)
    running = state.live.bit_count()
    free = limit - running
    if free <= 0 and not exhaustive:
        return Admission()
    in_phase = Counter(plan.phase_of[number] for number in bits(state.live)) if plan.limited else {}
    left = startable(state)
    writing = (state.live | state.merging) & plan.writing
    grants: list[str] = []
    held: list[Held] = []
    till = _Till(state, view) if plan.paid & left else None
    crew = Crew(state) if plan.sparing else None
    while left:
        low = left & -left
        left ^= low
        item = eligible_at(state, low.bit_length() - 1)
        phase_limit = plan.limited.get(item.phase)
        if item.not_before > view.at:
            held.append(
                Held(item.task, "backoff", "waits before it is tried again", item.not_before)
            )
        elif free <= 0:
            held.append(Held(item.task, "slots", f"all {limit} slots are taken"))
        elif phase_limit is not None and in_phase.get(item.phase, 0) >= phase_limit:
            if not exhaustive:
                left &= ~plan.phase_mask[item.phase]
            name = plan.workflow.phases[item.phase].name
            held.append(Held(item.task, "phase-limit", f"phase {name} runs {phase_limit} at once"))
        elif rivals := plan.rivals.get(item.position, 0) & writing:
            held.append(held_by_rival(plan, item.task, rivals))
        elif crew is not None and (full := crew.full(item.position)):
            held.append(Held(item.task, "agent-limit", full))
        elif till is not None and (refused := till.refusal(item.position)) is not None:
            held.append(refused)
        elif view.memory_short and (running or grants):
            held.append(Held(item.task, "memory", "too little memory is free on this machine"))
            if not exhaustive:
                break
        else:
            grants.append(item.task)
            if till is not None:
                till.take(item.position)
            if crew is not None:
                crew.take(item.position)
            writing |= low & plan.writing
            free -= 1
            if phase_limit is not None:
                in_phase[item.phase] = in_phase.get(item.phase, 0) + 1
        if free <= 0 and not exhaustive:
            break
    return Admission(tuple(grants), tuple(held))


class _Till:
    """What paid tasks may still take: of budgets, and of what their providers let in."""

    def __init__(self, state: RunState, view: HostView) -> None:
        self._state = state
        self._held = reserved(state)
        self._providers = view.providers
        self._let_in: Counter[str] = Counter()
        self._open = startable(state) & state.index.paid

    def refusal(self, number: int) -> Held | None:
        """Why task `number` may not start now."""
        who = performing(self._state.index, number, self._state.tasks[number])
        if who is None or not who.paid:
            return None
        name = self._state.index.order[number].id
        gate = self._providers.get(who.provider)
        if gate is not None and self._let_in[who.provider] >= gate.free:
            return Held(name, "rate-limit", gate.reason, gate.until)
        try:
            reservation(self._state, number, self._held, self._open.bit_count())
        except Shortage as shortage:
            more = ", and attempts at work hold the rest" if shortage.waits else ""
            return Held(name, "budget", shortage.reason + more)
        return None

    def take(self, number: int) -> None:
        """Task `number` starts."""
        among = self._open.bit_count()
        # Whoever starts is not counted any more, paid or not: `decide` divides in the same way.
        self._open &= ~(1 << number)
        who = performing(self._state.index, number, self._state.tasks[number])
        if who is None or not who.paid:
            return
        self._let_in[who.provider] += 1
        budget = reservation(self._state, number, self._held, among)
        hold(self._held, self._state.index.order[number], who, budget)


def held_by_rival(plan: PlanIndex, task: str, rivals: int) -> Held:
    """Why `task` waits for the most urgent of `rivals`, a bit set that is not empty."""
    rival = plan.order[next(bits(rivals))].id
    reason = f"task {rival} is expected to write the same files, and its work is not merged yet"
    return Held(task, "write-set", reason, rival=rival)
