"""What a run consumed, as one sum and in words that do not say more than is known."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.views.cost import run_cost
from orchestrate.core.wording import count


class Consumption(msgspec.Struct, frozen=True):
    """What all attempts of a run consumed.

    `attempts` counts those of models. `cost_usd` is the sum of what is known, None where nothing
    is; `unpriced` attempts are not in it. `complete` is false where at least one was cut off or
    vanished, so that more may have been consumed. `handed_on` is about how many tokens were given
    from task to task. Of `scripted` attempts a script says all of it, and what it says to have
    cost, `scripted_usd`, was never spent.
    """

    attempts: int = 0
    cost_usd: float | None = None
    unpriced: int = 0
    tokens: int = 0
    complete: bool = True
    handed_on: int = 0
    scripted: int = 0
    scripted_usd: float = 0.0

    @property
    def cost(self) -> str:
        """The money, with what is not known of it."""
        if not self.attempts:
            return "nothing: no model was asked"
        made_up = f"{self.scripted_usd:.4f} USD are scripted, and were not spent"
        if self.scripted == self.attempts:
            return f"nothing: no model was asked; {made_up}"
        if self.cost_usd is None:
            return "unknown"
        least = "" if self.complete and not self.unpriced else "at least "
        of_unpriced = f" (the price of {self.unpriced} of {self.attempts} attempts is unknown)"
        known = f"{least}{self.cost_usd:.4f} USD{of_unpriced if self.unpriced else ''}"
        return f"{known}; besides, {made_up}" if self.scripted else known

    @property
    def amounts(self) -> str:
        """The tokens, with what is not known of them."""
        if not self.attempts:
            return "none"
        least = "" if self.complete else "at least "
        scripted = f", {self.scripted} of them scripted" if self.scripted else ""
        return f"{least}{self.tokens:,} in {count(self.attempts, 'attempt')}{scripted}"


def consumption(events: Sequence[ev.AnyEvent], state: RunState) -> Consumption:
    """The sum over the whole log of a run. What was spent stays spent, whatever it went back to."""
    total = run_cost(events, state).total
    tokens = total.input_tokens + total.cached_tokens + total.cache_write_tokens
    return Consumption(
        attempts=total.attempts,
        cost_usd=None if total.unknown == total.attempts else total.known_usd,
        unpriced=total.unknown,
        tokens=tokens + total.output_tokens,
        complete=not total.incomplete,
        scripted=total.scripted,
        scripted_usd=total.scripted_usd,
        handed_on=sum(
            event.handed_on for event in events if isinstance(event, ev.AttemptSucceeded)
        ),
    )
