"""What an agent may do, in one vocabulary for every backend.

A profile's `tools` and `disallowedTools`, and the user's own deny rules, become `Permissions`. Each
backend says in an `Enforcement` which of them it holds the agent to, and which it cannot: those
stop the run unless the user names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from orchestrate.core.agents.profile import Profile
from orchestrate.core.agents.tools import Ability as Ability
from orchestrate.core.agents.tools import ToolUse, tool_use


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is not allowed although its ability is.

    `pattern` is a path pattern for read and write (relative to the workspace, `//…` from the root
    of the file system, `~/…` from the user's home), a command prefix (`git push`) for execute, a
    domain for fetch, an agent for delegate; `*` for everything. `source` says where it stands, as
    `path:line` if it can. A rule that is not `translated` has no counterpart here: its pattern is
    the rule as written, and nobody can be held to it.
    """

    ability: Ability
    pattern: str
    source: str = ""
    translated: bool = True

    @property
    def name(self) -> str:
        """Short and stable: `execute:git push`; as written if it is not translated."""
        return f"{self.ability}:{self.pattern}" if self.translated else self.pattern


class Permissions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is allowed.

    `commands` restricts `execute` to commands with these prefixes; empty for any. `mcp` are tools
    of MCP servers by name (`mcp__server__tool`, or `mcp__server` for all of one). `denied` wins
    over everything. `unknown` are names of tools that nothing is known of, as written: they are not
    given. `untranslated` are restrictions that this vocabulary cannot express.
    """

    abilities: frozenset[Ability] = frozenset({"read"})
    commands: tuple[str, ...] = ()
    mcp: tuple[str, ...] = ()
    denied: tuple[Rule, ...] = ()
    unknown: tuple[str, ...] = ()
    untranslated: tuple[Rule, ...] = ()


class Restriction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One restriction and how it is held: `name` is short and stable (`write`, `execute:git push`,
    `read:.env`), `how` the flag or mechanism, or why there is none."""

    name: str
    how: str


class Enforcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a backend holds an agent to (`enforced`), and what it cannot (`unenforced`)."""

    enforced: tuple[Restriction, ...] = ()
    unenforced: tuple[Restriction, ...] = ()


#: What a profile without `tools` gives: all a coder needs in a workspace. Claude Code would give
#: everything it has. Pages and searches bring strangers' words in and carry ours out, and agents
#: started by an agent are counted by nobody: these have to be asked for by name.
DEFAULT_ABILITIES: frozenset[Ability] = frozenset({"read", "write", "execute"})


def permissions_of(profile: Profile, rules: Iterable[Rule] = ()) -> Permissions:
    """What `profile` gives, less what it and the user's own `rules` take away."""
    own = (rule for name in profile.disallowed_tools for rule in denials(name, profile.path))
    return restricted(_given(profile), (*rules, *own))


def restricted(given: Permissions, rules: Sequence[Rule]) -> Permissions:
    """`given` less what `rules` take away."""
    gone = {rule.ability for rule in rules if rule.translated and rule.pattern == "*"}
    abilities = given.abilities - gone
    mcp, rest = _without_mcp(given.mcp, [rule for rule in rules if not rule.translated])
    kept = (rule for rule in rules if rule.translated and rule.pattern != "*")
    return msgspec.structs.replace(
        given,
        abilities=abilities,
        commands=given.commands if "execute" in abilities else (),
        mcp=mcp,
        denied=distinct((*given.denied, *kept)),
        untranslated=distinct((*given.untranslated, *rest)),
    )


def narrowed(permissions: Permissions, *, writes: bool) -> Permissions:
    """`permissions` for one task: one that does not write has no leave to change files."""
    if writes:
        return permissions
    return msgspec.structs.replace(permissions, abilities=permissions.abilities - {"write"})


def denials(written: str, source: str = "") -> tuple[Rule, ...]:
    """The rules that deny what `written` names: `Bash(git push:*)`, `Read(.env)`, `WebFetch`.

    A command that is denied exactly is denied with any arguments. What cannot be said in our words
    without denying more than was meant stays one rule as written.
    """
    use = tool_use(written)
    if use.ability is not None and use.whole:
        return (Rule(use.ability, "*", source),)
    if use.ability is not None and use.specifier and (patterns := use.patterns()):
        return tuple(Rule(use.ability, pattern.text, source) for pattern in patterns)
    # Of a tool that nobody knows, anything must be expected.
    return (Rule(use.ability or "execute", use.written, source, translated=False),)


def _given(profile: Profile) -> Permissions:
    if profile.tools is None:
        servers = _servers(profile, ())
        return Permissions(abilities=DEFAULT_ABILITIES, mcp=servers)
    uses = [tool_use(name) for name in profile.tools]
    unlimited = {use.ability for use in uses if use.gives and not use.specifier}
    limited = [use for use in uses if use.gives and use.specifier and use.ability not in unlimited]
    commands, limits, unknown = _limited(limited, profile.path)
    abilities = {use.ability for use in uses if use.gives and use.written not in unknown}
    mcp = tuple(dict.fromkeys(use.mcp for use in uses if use.mcp))
    strange = [use.written for use in uses if not (use.ability or use.is_neutral or use.mcp)]
    return Permissions(
        abilities=frozenset(ability for ability in abilities if ability),
        commands=commands,
        mcp=(*mcp, *_servers(profile, mcp)) if uses else (),
        unknown=tuple(dict.fromkeys((*strange, *unknown))),
        untranslated=limits,
    )


def _limited(
    uses: list[ToolUse], source: str
) -> tuple[tuple[str, ...], tuple[Rule, ...], tuple[str, ...]]:
    """Prefixes of commands; limits that cannot be expressed; tools not given for that reason.

    An ability with a limit we have no words for is given, and the limit said: nobody will hold the
    agent to it. A command without a beginning (`* install`) would be every command, so it is not.
    """
    commands: list[str] = []
    limits: list[Rule] = []
    unknown: list[str] = []
    for use in uses:
        patterns = use.patterns() if use.ability == "execute" else ()
        if use.ability == "execute" and not patterns:
            unknown.append(use.written)
            continue
        commands += [pattern.text for pattern in patterns]
        if use.ability is not None and (not patterns or any(item.exact for item in patterns)):
            limits.append(Rule(use.ability, use.written, source, translated=False))
    return tuple(dict.fromkeys(commands)), tuple(limits), tuple(unknown)


def _servers(profile: Profile, named: tuple[str, ...]) -> tuple[str, ...]:
    """MCP servers of the profile, all their tools, unless `tools` names some of them."""
    servers = ("mcp__" + re.sub(r"[^\w-]", "_", name.lstrip("@")) for name in profile.mcp_servers)
    return tuple(
        dict.fromkeys(
            server
            for server in servers
            if not any(tool == server or tool.startswith(server + "__") for tool in named)
        )
    )


def _without_mcp(given: tuple[str, ...], rules: list[Rule]) -> tuple[tuple[str, ...], list[Rule]]:
    """MCP tools left after `rules`, and the rules that this does not settle.

    Only tools that are given can be used, so a rule about any other has nothing to forbid.
    """
    left = list(given)
    rest: list[Rule] = []
    for rule in rules:
        name = tool_use(rule.pattern).mcp
        if name:
            left = [tool for tool in left if not _is_of(tool, name)]
        if not name or any(_may_be_of(name, tool) for tool in left):
            rest.append(rule)
    return tuple(left), rest


def _is_of(tool: str, name: str) -> bool:
    """Whether `name`, which may have wildcards, names `tool` or all tools of its server."""
    return name == "mcp" or any(fnmatchcase(tool, item) for item in (name, name + "__*"))


def _may_be_of(name: str, server: str) -> bool:
    """Whether `name` may name a tool of `server`; for a single tool, whether it may be that."""
    literal = name.partition("*")[0]
    return literal.startswith(server + "__") or (literal != name and server.startswith(literal))


def distinct(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each of `rules` once, as it came first."""
    first: dict[str, Rule] = {}
    for rule in rules:
        first.setdefault(rule.name, rule)
    return tuple(first.values())
