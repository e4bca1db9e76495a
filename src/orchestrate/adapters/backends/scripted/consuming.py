"""What a scripted attempt says to have consumed."""

from __future__ import annotations

from orchestrate.core.agents.script import ScriptedUsage
from orchestrate.core.planning.budget import Budget
from orchestrate.core.sharing.usage import Usage


def told(usage: ScriptedUsage | None, *, bill: bool) -> Usage | None:
    """What is accounted for; nothing at all where the script says nothing and bills nothing.

    An attempt of a script that bills consumed nothing where it does not say so: what is unknown
    would count as all that was reserved.
    """
    if usage is None and not bill:
        return None
    said = usage or ScriptedUsage(turns=0)
    return Usage(
        input_tokens=said.input_tokens,
        cached_tokens=said.cached_tokens,
        output_tokens=said.output_tokens,
        turns=said.turns,
        cost_usd=said.cost_usd if bill else 0.0,
        cost_source="scripted",
    )


def excess(usage: Usage, cap: Budget) -> str:
    """What `usage` has more of than `cap` allows, in words; empty if it is within it."""
    for used, limit, unit in (
        (usage.cost_usd, cap.cost_usd, "USD"),
        (usage.tokens, cap.tokens, "tokens"),
        (usage.turns, cap.turns, "model calls"),
    ):
        if used is not None and limit is not None and used > limit:
            return f"it used {used:g} {unit} where {limit:g} were left"
    return ""
