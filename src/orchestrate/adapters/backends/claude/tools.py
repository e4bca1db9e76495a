"""What an agent may do, in the words of Claude Code: tools, and rules that allow or deny uses.

The program runs in a mode in which everything is refused that no rule allows (`dontAsk`); rules
that deny come before rules that allow. What is said to be held here was seen to be held by the
tested version, and the other way round: see tests/integration/test_claude_permissions.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import msgspec

from orchestrate.core.agents.permissions import (
    Enforcement,
    Permissions,
    Restriction,
    Rule,
)
from orchestrate.core.agents.tools import ABILITIES, Ability
from orchestrate.ports.performer import AttemptRequest

TOOLS: dict[Ability, tuple[str, ...]] = {
    "read": ("Read", "Grep", "Glob"),
    "write": ("Edit", "Write", "NotebookEdit"),
    "execute": ("Bash",),
    "fetch": ("WebFetch",),
    "search": ("WebSearch",),
    "delegate": ("Task",),
}
#: Denied uses of these mean that nothing could be changed or run.
CHANGING = frozenset({*TOOLS["write"], *TOOLS["execute"]})
#: The rule about one use of an ability. A rule about Edit is one about every tool that writes.
_USE = {"read": "Read({})", "write": "Edit({})", "execute": "Bash({}:*)"}
_USE |= {"fetch": "WebFetch(domain:{})", "delegate": "Agent({})"}


class Rules(msgspec.Struct, frozen=True):
    """What is offered, and which uses are allowed and denied."""

    tools: tuple[str, ...]
    allow: tuple[str, ...]
    deny: tuple[str, ...]


def given(permissions: Permissions, *, writes: bool) -> frozenset[Ability]:
    """The abilities an agent has in a task that `writes`, or does not."""
    return permissions.abilities if writes else permissions.abilities - {"write"}


def rules(request: AttemptRequest) -> Rules:
    """What `request` allows an agent, in rules relative to the folder it works in."""
    permissions = request.permissions
    abilities = given(permissions, writes=request.writes)
    allow: list[str] = []
    if "read" in abilities:
        allow += [f"Read({place})" for path in _material(request) for place in _places(path)]
    if "write" in abilities:
        allow += ["Edit(./**)", *(f"Edit({each}/**)" for each in _places(request.outputs_dir))]
    if "execute" in abilities:
        allow += [f"Bash({prefix}:*)" for prefix in permissions.commands] or ["Bash"]
    allow += [name for each in ("fetch", "search") if each in abilities for name in TOOLS[each]]
    if "delegate" in abilities:
        allow.append("Agent")
    return Rules(
        tools=tuple(name for each in ABILITIES if each in abilities for name in TOOLS[each]),
        allow=(*allow, *permissions.mcp),
        deny=tuple(rule_text(rule) for rule in permissions.denied if rule.translated),
    )


def rule_text(rule: Rule) -> str:
    """A rule that denies, as the program writes it."""
    if rule.pattern == "*":
        return {"execute": "Bash", "delegate": "Agent", "write": "Edit"}.get(
            rule.ability, TOOLS[rule.ability][0]
        )
    use = _USE.get(rule.ability)
    return use.format(_written(rule)) if use else TOOLS[rule.ability][0]


def _written(rule: Rule) -> str:
    """A rule's pattern in the words of the program.

    There a single slash stands for the folder of the settings file, which is the attempt's; it is
    meant to be the top of the workspace, where the program works.
    """
    path = rule.ability in ("read", "write") and rule.pattern.startswith("/")
    return f".{rule.pattern}" if path and not rule.pattern.startswith("//") else rule.pattern


def _material(request: AttemptRequest) -> Iterable[str]:
    """Files outside its folder that an agent is told of: it may read them.

    The outputs folder is one of its own by `--add-dir`.
    """
    for artifact in request.artifacts:
        yield artifact.path
    if request.feedback:
        yield from request.feedback.evidence.values()


def _places(path: str) -> Iterable[str]:
    """An absolute path as rules write it, as it is spelled and as it is without links.

    Both have to be allowed. What would be a pattern in it is none; a `?` cannot be said otherwise.
    """
    for each in dict.fromkeys((path, os.path.realpath(path))):
        yield "/" + re.sub(r"([\[*])", r"\\\1", each)


def enforcement(permissions: Permissions, *, writes: bool) -> Enforcement:
    """What of `permissions` the program holds an agent to."""
    abilities = given(permissions, writes=writes)
    enforced: list[Restriction] = []
    unenforced: list[Restriction] = []
    for ability in ABILITIES:
        if ability not in abilities:
            (unenforced if _by_command(ability, abilities) else enforced).append(
                Restriction(ability, _absence(ability, abilities))
            )
    if permissions.commands and "execute" in abilities:
        how = f"allowed: {', '.join(f'Bash({each}:*)' for each in permissions.commands)}"
        enforced.append(Restriction("execute", f"{how}; and commands that only read"))
    for rule in permissions.denied:
        if not rule.translated:
            continue
        held = rule.ability == "delegate" or "execute" not in abilities
        (enforced if held else unenforced).append(Restriction(rule.name, _denial(rule, held)))
    return Enforcement(tuple(enforced), tuple(unenforced))


def _by_command(ability: Ability, abilities: frozenset[Ability]) -> bool:
    """Whether a command does what the agent has no tool for, and it may run commands."""
    return "execute" in abilities and ability in ("read", "write")


def _absence(ability: Ability, abilities: frozenset[Ability]) -> str:
    text = f"--tools leaves out {', '.join(TOOLS[ability])}"
    if _by_command(ability, abilities):
        return f"{text}; a command can {ability} files all the same"
    if ability == "fetch" and "execute" in abilities:
        return f"{text}; commands are not kept from the network"
    return text


_LEAKS: dict[Ability, str] = {
    "read": "for Read, Grep, Glob and commands known to read; not for others, such as python",
    "write": "for Edit, Write and commands known to write; not for others, such as python",
    "execute": "for the command as written; not for `sh -c`, nor with options in between",
    "fetch": "for WebFetch; commands are not kept from the network",
}


def _denial(rule: Rule, held: bool) -> str:
    text = f"denied: {rule_text(rule)}"
    return text if held else f"{text}, {_LEAKS.get(rule.ability, 'not for commands')}"
