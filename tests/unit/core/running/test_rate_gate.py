"""The gate's steps, one by one; its laws are in tests/property/test_rate_gate_laws.py."""

from __future__ import annotations

import pytest

from orchestrate.core.running.rate_gate import (
    FIRST_WAIT_S,
    LONGEST_TOLD_S,
    LONGEST_WAIT_S,
    OPEN,
    GateState,
    admits,
    described,
    free,
    limited,
    served,
    until,
)

NOW = 1_000_000.0


def _closed(told: float | None = None) -> GateState:
    return limited(OPEN, NOW - 10.0, NOW, told)


def test_open_gate_has_its_whole_width() -> None:
    assert (free(OPEN, 0, NOW, 4), free(OPEN, 3, NOW, 4), free(OPEN, 9, NOW, 4)) == (4, 1, 0)
    assert until(OPEN, NOW) is None


def test_probe_waits_for_those_who_were_inside() -> None:
    opened = NOW + FIRST_WAIT_S
    assert not admits(_closed(), 3, opened)
    assert admits(_closed(), 0, opened)
    assert free(_closed(), 0, opened) == 1


def test_served_before_it_opens_proves_nothing() -> None:
    assert served(_closed(), NOW + 1.0) == _closed()


def test_served_after_it_opens_doubles_the_width_until_the_maximum() -> None:
    state, at, widths = _closed(), NOW + FIRST_WAIT_S, []
    for _ in range(4):
        widths.append(free(state, 0, at, 8))
        state = served(state, at, 8)
    assert [*widths, free(state, 0, at, 8)] == [1, 2, 4, 8, 8]
    assert (state.closings, state.reason) == (0, "")


def test_limit_while_it_opens_closes_it_for_longer() -> None:
    at = NOW + FIRST_WAIT_S
    opening = served(_closed(), at, 8)
    again = limited(opening, at + 1.0, at + 2.0)
    assert until(again, at + 2.0) == at + 2.0 + 2 * FIRST_WAIT_S
    assert free(again, 0, at + 2.0 + 2 * FIRST_WAIT_S, 8) == 1


def test_waits_begin_anew_once_it_was_open() -> None:
    state, at = _closed(), NOW + FIRST_WAIT_S
    for _ in range(3):
        state = served(state, at, 8)
    assert until(limited(state, at + 1.0, at + 2.0), at + 2.0) == at + 2.0 + FIRST_WAIT_S


def test_old_report_can_only_make_the_present_wait_longer() -> None:
    closed = _closed(60.0)
    later = NOW + 5.0
    assert limited(closed, NOW - 3.0, later, 10.0) == closed
    assert until(limited(closed, NOW - 3.0, later, 90.0), later) == later + 90.0


def test_old_report_after_the_gate_opened_changes_nothing() -> None:
    at = NOW + FIRST_WAIT_S
    opening = served(_closed(), at, 8)
    assert limited(opening, NOW - 3.0, at, 600.0) == opening
    wide_open = served(served(opening, at, 8), at, 8)
    assert limited(wide_open, NOW - 3.0, at, 600.0) == wide_open


@pytest.mark.parametrize("told", [None, 0.0, -5.0, float("nan"), float("inf")])
def test_word_that_makes_no_sense_counts_as_none(told: float | None) -> None:
    assert until(_closed(told), NOW) == NOW + FIRST_WAIT_S


def test_word_of_a_provider_is_bounded() -> None:
    assert until(_closed(1e9), NOW) == NOW + LONGEST_TOLD_S


def test_provider_that_always_says_one_second_is_not_asked_every_second() -> None:
    state, at, waits = OPEN, NOW, []
    for _ in range(8):
        state = limited(state, at, at, 1.0)
        opens_at = until(state, at)
        assert opens_at is not None
        waits.append(opens_at - at)
        at = opens_at + 1.0
    assert waits == [1.0, 30.0, 60.0, 120.0, 240.0, 480.0, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_no_number_of_closings_overflows() -> None:
    state = limited(GateState(closings=10_000), NOW, NOW)
    assert until(state, NOW) == NOW + LONGEST_WAIT_S


def test_clock_set_back_waits_from_then_on_for_as_long() -> None:
    assert until(_closed(60.0), NOW - 5_000.0) == NOW - 5_000.0 + 60.0


def test_clock_set_back_does_not_close_a_gate_that_opened() -> None:
    opening = served(_closed(60.0), NOW + 60.0, 8)
    assert until(opening, NOW - 5_000.0) is None
    assert free(opening, 0, NOW - 5_000.0, 8) == 2


def test_gate_of_width_one_opens_with_its_first_probe() -> None:
    at = NOW + FIRST_WAIT_S
    state = served(_closed(), at, 1)
    assert (free(state, 0, at, 1), state.closings) == (1, 0)


def test_reason_says_what_is_waited_for() -> None:
    closed = limited(_closed(60.0), NOW + 61.0, NOW + 62.0, 90.0)
    text = described(closed, 0, NOW + 63.0, 8)
    assert text == "the provider limited requests and asked to wait 90 s, for the 2. time in a row"
    opening = served(_closed(), NOW + FIRST_WAIT_S, 8)
    assert "2 at once" in described(opening, 2, NOW + FIRST_WAIT_S, 8)
    assert described(opening, 1, NOW + FIRST_WAIT_S, 8) == ""
    assert "at most 8" in described(OPEN, 8, NOW, 8)
