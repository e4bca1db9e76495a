"""Durations as people write them: `90s`, `5m`, `1h30m`, `250ms`, or a number of seconds."""

from __future__ import annotations

import math
import re

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
#: For editors; `parse_duration` accepts the same texts.
DURATION_PATTERN = (
    r"^(?=[0-9])([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m(?!s))?"
    r"([0-9]{1,9}(\.[0-9]{1,9})?s)?([0-9]{1,9}ms)?$"
)
_WHOLE = re.compile(DURATION_PATTERN)
_PART = re.compile(r"([0-9.]+)(ms|[dhms])")
#: No run lasts longer than a year; a larger number is a slip of units.
MAX_S = 366 * 86_400.0


def parse_duration(value: str | int | float) -> float:
    """Seconds in `value`; units go from large to small, each at most once.

    Raises:
        ValueError: a sentence saying what is wrong with it.
    """
    if isinstance(value, str):
        if value.lstrip().startswith("-"):
            raise ValueError(f"a duration cannot be negative: {value!r}")
        if not _WHOLE.fullmatch(value):
            raise ValueError(f"{value!r} is not a duration")
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    else:
        seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError("a duration is a finite number of seconds")
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative: {value!r}")
    if seconds > MAX_S:
        raise ValueError(f"{value!r} is longer than a year")
    return seconds


def show_duration(seconds: float) -> str:
    """`seconds` in the notation `parse_duration` reads."""
    whole, fraction = divmod(seconds, 1.0)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, whole = divmod(int(whole), size)
        if count:
            parts.append(f"{count}{unit}")
    if whole or fraction or not parts:
        parts.append(f"{whole + fraction:g}s")
    return "".join(parts)
