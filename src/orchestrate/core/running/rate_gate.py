"""How many attempts may ask one provider at once, and when none may.

Theory of operation
-------------------
A provider that says "too many requests" says it to everybody who uses the account, so there is one
gate per provider for all agents of the machine. The gate is a *width*: that many attempts may be
inside at once. It starts at the maximum.

    open ──limit──▶ closed until T ──T──▶ one probe ──served──▶ 2, 4, … maximum ──▶ open
                         ▲                    │
                         └──limit, for longer─┘

A limit closes it until the provider said, or for a while that doubles each time. Then the width is
1: whoever enters next is the probe. Each attempt that the provider served doubles the width (one
that was stopped before it was answered proves nothing, and the next one is the probe); at the
maximum the gate is open again and forgets how often it had to close. Attempts that were inside
when it closed keep their places, so a probe may have to wait for them; they are asking the
provider already, and more at that moment is what it refused.

Several attempts usually meet the same limit. Only one that began after the gate closed last proves
that closing did not help; an older one can only make the present wait longer.

Time is Unix time and may jump. A gate that finds itself closed in the future was closed before the
clock was set back: it waits from now for as long as it would have waited then.
"""

from __future__ import annotations

import math

import msgspec

#: Most attempts at one provider at once: the default of slots (6) and some, so that the gate is
#: not felt until a provider objects.
WIDEST = 8
#: The first wait when the provider named none. Limits of requests and tokens are counted by the
#: minute and refill continuously, so half a minute frees half of it.
FIRST_WAIT_S = 30.0
#: The longest such wait. Allowances of subscriptions come back after hours: four probes an hour
#: find that soon enough and cost four refused calls.
LONGEST_WAIT_S = 900.0
#: Bounds of a provider's own word. It is given in whole seconds; and a wrong header must not shut
#: the gate for good.
LEAST_TOLD_S = 1.0
LONGEST_TOLD_S = 86_400.0


class GateState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider's gate. `width` 0 stands for the maximum, whatever that is.

    It closed last at `closed_at` until `until`, for the `closings`-th time in a row; with width 1
    nobody has proven yet that it may open. Times are Unix seconds, 0 for never. `reason` says why
    it closed.
    """

    width: int = 0
    closed_at: float = 0.0
    until: float = 0.0
    closings: int = 0
    reason: str = ""


OPEN = GateState()


def reckoned(state: GateState, now: float) -> GateState:
    """`state` with its times moved to a clock that was set back."""
    if now >= state.closed_at:
        return state
    wait = state.until - state.closed_at if state.width == 1 else 0.0
    return msgspec.structs.replace(state, closed_at=now, until=now + wait)


def free(state: GateState, in_use: int, now: float, maximum: int = WIDEST) -> int:
    """How many more may enter, with `in_use` inside."""
    if until(state, now) is not None:
        return 0
    return max(0, _width(state, maximum) - in_use)


def admits(state: GateState, in_use: int, now: float, maximum: int = WIDEST) -> bool:
    """Whether one more may enter, with `in_use` inside."""
    return free(state, in_use, now, maximum) > 0


def until(state: GateState, now: float) -> float | None:
    """When it lets somebody through again (Unix seconds); None if it is not closed."""
    state = reckoned(state, now)
    return state.until if state.width == 1 and now < state.until else None


def limited(
    state: GateState, began_at: float, now: float, retry_after_s: float | None = None
) -> GateState:
    """After an attempt that began at `began_at` ran into the provider's limit.

    Args:
        state: the gate before.
        began_at: when that attempt entered.
        now: Unix time.
        retry_after_s: how long the provider asked to wait; None when it did not say.
    """
    state = reckoned(state, now)
    told = _told(retry_after_s)
    if state.closed_at and began_at <= state.closed_at:
        return _lengthened(state, now + told)
    closings = state.closings + 1
    opens_at = now + _wait(told, closings)
    return GateState(1, now, opens_at, closings, _reason(told, closings))


def served(state: GateState, now: float, maximum: int = WIDEST) -> GateState:
    """After an attempt ended that the provider did not limit."""
    if not state.width or until(state, now) is not None:
        return reckoned(state, now)
    width = state.width * 2
    if width < maximum:
        return msgspec.structs.replace(state, width=width)
    # When it closed is remembered: attempts from before may still report that same limit.
    return msgspec.structs.replace(state, width=0, closings=0, reason="")


def described(state: GateState, in_use: int, now: float, maximum: int = WIDEST) -> str:
    """Why nobody may enter now, in words; empty if somebody may."""
    if until(state, now) is not None:
        return state.reason
    width = _width(state, maximum)
    if in_use < width:
        return ""
    if width < maximum:
        return f"the provider limited requests: {width} at once until it serves more"
    return f"{in_use} attempts ask this provider already, of at most {maximum}"


def _width(state: GateState, maximum: int) -> int:
    return min(state.width or maximum, maximum)


def _told(retry_after_s: float | None) -> float:
    """What the provider asked for, in seconds; 0 where it said nothing that makes sense."""
    if retry_after_s is None or not math.isfinite(retry_after_s) or retry_after_s <= 0:
        return 0.0
    return min(max(retry_after_s, LEAST_TOLD_S), LONGEST_TOLD_S)


def _wait(told: float, closings: int) -> float:
    """What was told the first time; from then on at least a wait that doubles.

    A provider that says "in one second" each time would otherwise be asked every second.
    """
    if not told:
        return _doubled(closings)
    return told if closings == 1 else max(told, _doubled(closings - 1))


def _doubled(closings: int) -> float:
    # The exponent is bounded, so that no number of closings overflows.
    return min(FIRST_WAIT_S * 2.0 ** min(closings - 1, 32), LONGEST_WAIT_S)


def _lengthened(state: GateState, opens_at: float) -> GateState:
    """Closed at least until `opens_at`, if it has not let anybody through since it closed."""
    if state.width != 1 or opens_at <= state.until:
        return state
    return msgspec.structs.replace(state, until=opens_at)


def _reason(told: float, closings: int) -> str:
    asked = f" and asked to wait {told:.0f} s" if told else ""
    again = f", for the {closings}. time in a row" if closings > 1 else ""
    return f"the provider limited requests{asked}{again}"
