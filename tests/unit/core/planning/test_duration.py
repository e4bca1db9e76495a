"""Durations."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.core.planning.duration import MAX_S, parse_duration, show_duration


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("1h0m5s250ms", 3605.25),
        (90, 90),
        (0.5, 0.5),
        (0, 0),
    ],
)
def test_seconds(value: str | float, seconds: float) -> None:
    assert parse_duration(value) == seconds


TEXTS = [
    "",
    "5",
    "5 m",
    "m",
    "1m1h",
    "1h1h",
    "1e3s",
    "5min",
    "-5m",
    "5m\n",
    " 5m",
    "1.5h",
    "∞",
    "٣s",
]


@pytest.mark.parametrize("value", [*TEXTS, -1, math.inf, math.nan, MAX_S + 1, "400d", "999999999d"])
def test_nonsense_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match=r"duration|year"):
        parse_duration(value)


@given(st.integers(min_value=0, max_value=int(MAX_S)))
def test_shown_form_reads_back(seconds: int) -> None:
    assert parse_duration(show_duration(seconds)) == seconds
