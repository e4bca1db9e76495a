"""What a backend says it enforces, held against what there is to enforce."""

from __future__ import annotations

from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction, Rule
from orchestrate.core.agents.tools import tool_use

_UNSAID = "the backend does not say how it would hold an agent to it"
_UNTRANSLATED = "no backend has a counterpart for it"


def accounted(permissions: Permissions, said: Enforcement) -> Enforcement:
    """`said` of every rule in `permissions`: one that nobody answers for counts as unenforced.

    A rule about an ability that the agent does not have is held when that is. What a backend lists
    on both sides is unenforced.
    """
    open_names = {item.name for item in said.unenforced}
    held = {item.name: item for item in said.enforced if item.name not in open_names}
    missing: list[Restriction] = []
    rules = [rule for rule in permissions.denied if rule.name not in held.keys() | open_names]
    for rule in (*rules, *permissions.untranslated):
        if _is_absent(rule, permissions, held):
            held[rule.name] = Restriction(rule.name, f"it has not the ability to {rule.ability}")
        else:
            missing.append(Restriction(rule.name, _why_not(rule)))
    return Enforcement(tuple(held.values()), (*said.unenforced, *missing))


def in_workspace(held: Enforcement, *, writes: bool) -> Enforcement:
    """`held` of an agent that works in a workspace of its own, as all do in a run.

    What a task that does not write changes there is thrown away with the workspace, whatever its
    commands do, so `write` as a whole is held. Rules about single paths are not: a command may
    still act on what it should not have changed.
    """
    if writes:
        return held
    open_ones = tuple(item for item in held.unenforced if item.name != "write")
    if len(open_ones) == len(held.unenforced):
        return held
    ours = Restriction("write", "what it changes is thrown away with its workspace")
    return Enforcement((*held.enforced, ours), open_ones)


def _is_absent(rule: Rule, permissions: Permissions, held: dict[str, Restriction]) -> bool:
    """Whether the agent has not even the ability that the rule restricts."""
    known = rule.translated or tool_use(rule.pattern).ability is not None
    return known and rule.ability not in permissions.abilities and rule.ability in held


def _why_not(rule: Rule) -> str:
    reason = _UNSAID if rule.translated else _UNTRANSLATED
    return f"{reason} ({rule.source})" if rule.source else reason
