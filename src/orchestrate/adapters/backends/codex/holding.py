"""What the program holds an agent to, and what it cannot."""

from __future__ import annotations

from orchestrate.adapters.backends.codex.command_rules import words
from orchestrate.adapters.backends.codex.sandbox import SCAN_DEPTH, may_write, places
from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction, Rule
from orchestrate.core.agents.tools import Ability

#: Ability that is not given -> how that is held, where it does not depend on anything else.
_WITHHELD: dict[Ability, str] = {
    "read": "sandbox: nothing of the workspace can be read",
    "write": "sandbox: only the outputs folder and a private TMPDIR can be written to",
    "fetch": "sandbox: commands have no network",
    "search": "web_search is disabled",
    "delegate": "agents are disabled",
}
_READS_ONLY = "sandbox: commands, by which files are read, can change nothing and reach no network"
_NO_COMMANDS = "files are read and changed through commands, which cannot be withheld"


def enforcement(
    permissions: Permissions, home: str, *, writes: bool, own_rules: bool
) -> Enforcement:
    """What is enforced of `permissions` for a task that writes or does not.

    `home` is what `~` stands for. `own_rules`: the program's folder is ours, so that rules about
    commands can be put there.
    """
    enforced = [
        Restriction(ability, how)
        for ability, how in _WITHHELD.items()
        if ability not in permissions.abilities
    ]
    open_: list[Restriction] = []
    if "execute" not in permissions.abilities:
        side = open_ if _can_act(permissions, writes=writes) else enforced
        side.append(Restriction("execute", _NO_COMMANDS if side is open_ else _READS_ONLY))
    elif permissions.commands:
        allowed = ", ".join(permissions.commands)
        open_.append(Restriction("execute", f"commands cannot be restricted to {allowed}"))
    for rule in permissions.denied:
        held, how = _rule(rule, permissions, home, own_rules=own_rules)
        (enforced if held else open_).append(Restriction(rule.name, how))
    return Enforcement(tuple(enforced), tuple(open_))


def _can_act(permissions: Permissions, *, writes: bool) -> bool:
    """Whether a command can do more than read."""
    return may_write(permissions, writes=writes) or "fetch" in permissions.abilities


def _rule(rule: Rule, permissions: Permissions, home: str, *, own_rules: bool) -> tuple[bool, str]:
    """Whether one rule is held, and how or why not."""
    if rule.ability not in permissions.abilities and rule.ability in _WITHHELD:
        return True, f"it may not {rule.ability} at all"
    if rule.ability == "read":
        found = places(rule, home)
        how = f"sandbox: unreadable to commands and patches, {SCAN_DEPTH} folders deep"
        return bool(found), how if found else "its pattern cannot be written for the sandbox"
    if rule.ability == "write":
        found = places(rule, home)
        why = "the sandbox takes whole folders and exact paths only: write /name, or name/**"
        return bool(found), "sandbox: read-only to commands and patches" if found else why
    if rule.ability == "execute":
        return False, _command(rule, own_rules=own_rules)
    return False, f"it may {rule.ability}, and what in particular cannot be said"


def _command(rule: Rule, *, own_rules: bool) -> str:
    """Why a forbidden command is not kept from being run."""
    if not words(rule):
        return "it is not the beginning of a command"
    if not own_rules:
        return "rules are kept in the user's own folder, which is left alone: use a key"
    return "a rules file refuses it as written; it is not looked for in sh -c, loops and scripts"
