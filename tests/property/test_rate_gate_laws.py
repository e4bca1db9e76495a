"""Laws of the rate gate: whatever happens in whatever order, and however the clock is set."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.core.running import rate_gate
from orchestrate.core.running.rate_gate import (
    FIRST_WAIT_S,
    LONGEST_TOLD_S,
    LONGEST_WAIT_S,
    OPEN,
    GateState,
)

MAXIMA = st.integers(1, 9)
TOLD = st.none() | st.floats(-10.0, 200_000.0) | st.sampled_from([float("nan"), float("inf")])
#: enter; or leave the n-th inside, served or limited; or let time pass; or set the clock back.
STEPS = st.lists(
    st.one_of(
        st.just(("enter",)),
        st.tuples(st.just("served"), st.integers(0, 20)),
        st.tuples(st.just("limited"), st.integers(0, 20), TOLD),
        st.tuples(st.just("pass"), st.floats(0.0, 2_000.0)),
        st.tuples(st.just("back"), st.floats(0.0, 50_000.0)),
    ),
    max_size=60,
)


@dataclass
class Walk:
    """A gate in use: whoever may enter does, and what is seen is kept."""

    maximum: int
    now: float = 1_000_000.0
    state: GateState = OPEN
    inside: list[float] = field(default_factory=list)

    def take(self, step: tuple[object, ...]) -> None:
        match step:
            case ("enter",):
                if rate_gate.admits(self.state, len(self.inside), self.now, self.maximum):
                    self.inside.append(self.now)
            case ("served", int(which)) if self.inside:
                self.inside.pop(which % len(self.inside))
                self.state = rate_gate.served(self.state, self.now, self.maximum)
            case ("limited", int(which), told) if self.inside:
                assert told is None or isinstance(told, float)
                began_at = self.inside.pop(which % len(self.inside))
                self.state = rate_gate.limited(self.state, began_at, self.now, told)
            case ("pass", float(seconds)):
                self.now += seconds
            case ("back", float(seconds)):
                self.now -= seconds
            case _:
                pass


@given(MAXIMA, STEPS)
def test_never_more_inside_than_the_maximum(maximum: int, steps: list[tuple[object, ...]]) -> None:
    walk = Walk(maximum)
    for step in steps:
        walk.take(step)
        assert len(walk.inside) <= maximum


@given(MAXIMA, STEPS, TOLD)
def test_nobody_enters_before_the_provider_said(
    maximum: int, steps: list[tuple[object, ...]], told: float | None
) -> None:
    walk = Walk(maximum)
    for step in steps:
        walk.take(step)
    closed = rate_gate.limited(walk.state, walk.now + 1.0, walk.now, told)
    said = told is not None and math.isfinite(told) and told > 0
    wait = min(told, LONGEST_TOLD_S) if told is not None and said else FIRST_WAIT_S
    opens_at = rate_gate.until(closed, walk.now)
    assert opens_at is not None
    assert opens_at - walk.now >= wait - 1e-6
    just_before = walk.now + wait * 0.999
    assert not rate_gate.admits(closed, 0, just_before, maximum)


@given(MAXIMA, STEPS)
def test_gate_without_limits_opens_in_the_end(
    maximum: int, steps: list[tuple[object, ...]]
) -> None:
    walk = Walk(maximum)
    for step in steps:
        walk.take(step)
    walk.inside.clear()
    walk.state = rate_gate.reckoned(walk.state, walk.now)
    rounds = 0
    while walk.state.width:
        walk.now = rate_gate.until(walk.state, walk.now) or walk.now
        assert rate_gate.admits(walk.state, 0, walk.now, maximum)
        walk.state = rate_gate.served(walk.state, walk.now, maximum)
        rounds += 1
        assert rounds <= 4
    assert walk.state.closings == 0
    assert rate_gate.free(walk.state, 0, walk.now, maximum) == maximum


@given(TOLD, st.integers(2, 60))
def test_waits_grow_and_are_bounded(told: float | None, count: int) -> None:
    now, state, waits = 1_000_000.0, OPEN, []
    for _ in range(count):
        state = rate_gate.limited(state, now, now, told)
        opens_at = rate_gate.until(state, now)
        assert opens_at is not None
        # Unix seconds leave about a tenth of a microsecond for the fraction.
        waits.append(round(opens_at - now, 6))
        # The probe enters later than it opened, so that its report is a new one.
        now = opens_at + 1.0
    assert waits == sorted(waits)
    assert waits[-1] <= max(LONGEST_WAIT_S, LONGEST_TOLD_S)
    assert waits[1] > waits[0] or waits[0] >= FIRST_WAIT_S


@given(MAXIMA, STEPS, TOLD)
def test_report_of_an_attempt_from_before_never_counts_as_another_closing(
    maximum: int, steps: list[tuple[object, ...]], told: float | None
) -> None:
    walk = Walk(maximum)
    for step in steps:
        walk.take(step)
    closed = rate_gate.limited(walk.state, walk.now + 1.0, walk.now)
    later = walk.now + 5.0
    again = rate_gate.limited(closed, walk.now - 1.0, later, told)
    assert again.closings == closed.closings
    assert again.closed_at == closed.closed_at
    assert again.until >= closed.until


@given(MAXIMA, STEPS, st.floats(0.0, 1e6))
def test_clock_set_back_lengthens_no_wait(
    maximum: int, steps: list[tuple[object, ...]], back: float
) -> None:
    walk = Walk(maximum)
    for step in steps:
        walk.take(step)
    before = rate_gate.until(walk.state, walk.now)
    whole = max(0.0, walk.state.until - walk.state.closed_at)
    now = walk.now - back
    after = rate_gate.until(walk.state, now)
    if before is None and walk.state.width != 1:
        assert after is None
    elif after is not None:
        assert after - now <= whole + back + 1e-6
        moved = rate_gate.reckoned(walk.state, now)
        assert moved.until - now <= whole + 1e-6 or now >= walk.state.closed_at
