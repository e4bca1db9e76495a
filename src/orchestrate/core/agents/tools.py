"""Names of tools as agent files and permission rules write them, and what they stand for.

The names are Claude Code's, of now and of before, because that is what people write; a backend with
other tools maps the abilities. Case, hyphens and underscores do not matter. A name may carry a
specifier in parentheses: `Bash(git diff:*)`, `Read(./src/**)`, `WebFetch(domain:example.org)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

#: read: files of the workspace. write: change them. execute: run commands. fetch: get a page.
#: search: search the web. delegate: start agents of its own.
Ability = Literal["read", "write", "execute", "fetch", "search", "delegate"]
ABILITIES: tuple[Ability, ...] = ("read", "write", "execute", "fetch", "search", "delegate")


class _Tool(NamedTuple):
    """`gives`: who may use it has the ability. `whole`: who may not use it has none of it."""

    ability: Ability
    gives: bool = True
    whole: bool = False


_TOOLS: Mapping[str, _Tool] = {
    "read": _Tool("read", whole=True),
    "ls": _Tool("read"),
    "glob": _Tool("read"),
    "grep": _Tool("read"),
    "notebookread": _Tool("read"),
    "lsp": _Tool("read"),
    # Claude Code takes a rule about Edit as one about every tool that changes files.
    "edit": _Tool("write", whole=True),
    "multiedit": _Tool("write", whole=True),
    "write": _Tool("write"),
    "notebookedit": _Tool("write"),
    "bash": _Tool("execute", whole=True),
    "powershell": _Tool("execute"),
    # These look after what Bash has started, and start nothing.
    "bashoutput": _Tool("execute", gives=False),
    "killshell": _Tool("execute", gives=False),
    "killbash": _Tool("execute", gives=False),
    "taskoutput": _Tool("execute", gives=False),
    "taskstop": _Tool("execute", gives=False),
    "webfetch": _Tool("fetch", whole=True),
    "websearch": _Tool("search", whole=True),
    "agent": _Tool("delegate", whole=True),
    "task": _Tool("delegate", whole=True),
}
#: These touch nothing but the conversation: nobody needs leave for them.
_NEUTRAL = frozenset(
    {
        "askuserquestion",
        "enterplanmode",
        "exitplanmode",
        "listmcpresourcestool",
        "readmcpresourcetool",
        "skill",
        "slashcommand",
        "taskcreate",
        "taskget",
        "tasklist",
        "taskupdate",
        "todoread",
        "todowrite",
        "toolsearch",
    }
)
_MCP = "mcp__"
_USE = re.compile(r"\s*([^()\s]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_AGENT = re.compile(r"[\w.-]+")


class Pattern(NamedTuple):
    """What a specifier names. `exact`: that and nothing longer, which a prefix cannot say."""

    text: str
    exact: bool = False


class ToolUse(NamedTuple):
    """A tool as written, taken apart; `specifier` is empty when it means every use."""

    written: str
    name: str
    specifier: str = ""

    @property
    def ability(self) -> Ability | None:
        """What it is a tool of; None if that is nothing, or nobody knows."""
        tool = _TOOLS.get(_squashed(self.name))
        return tool.ability if tool else None

    @property
    def gives(self) -> bool:
        """Whether being allowed to use it is having its ability."""
        tool = _TOOLS.get(_squashed(self.name))
        return tool is not None and tool.gives

    @property
    def whole(self) -> bool:
        """Whether not being allowed to use it at all is not having its ability."""
        tool = _TOOLS.get(_squashed(self.name))
        return tool is not None and tool.whole and not self.specifier

    @property
    def is_neutral(self) -> bool:
        """Whether it touches nothing but the conversation."""
        return _squashed(self.name) in _NEUTRAL

    @property
    def mcp(self) -> str:
        """The MCP tool or, for all of a server's, the server it names, else empty."""
        return self.name.removesuffix("__*") if self.name.lower().startswith(_MCP) else ""

    def patterns(self) -> tuple[Pattern, ...]:
        """What the specifier names, in our words; empty if they have none for it."""
        if self.ability == "execute":
            return _commands(self.specifier)
        if self.ability in ("read", "write"):
            return (Pattern(self.specifier),)
        if self.ability == "fetch" and self.specifier.startswith("domain:"):
            domain = self.specifier.removeprefix("domain:").strip()
            return (Pattern(domain),) if domain else ()
        if self.ability == "delegate" and _AGENT.fullmatch(self.specifier):
            return (Pattern(self.specifier),)
        return ()


def tool_use(written: str) -> ToolUse:
    """`written` taken apart; what has not the form `Name` or `Name(…)` is a name nobody knows."""
    match = _USE.fullmatch(written)
    if match is None:
        return ToolUse(written.strip(), written.strip())
    specifier = (match[2] or "").strip()
    every = specifier in ("", "*", ":*")
    return ToolUse(written.strip(), match[1], "" if every else specifier)


def _commands(specifier: str) -> tuple[Pattern, ...]:
    """Prefixes of commands: `git push:*` and `git push *` are one, `git push` is exact."""
    parts = [part.strip() for part in specifier.split(",")]
    if len(parts) > 1 and not all(part.endswith(":*") for part in parts):
        parts = [specifier]
    found = []
    for part in parts:
        prefix = next((part[:-2] for end in (":*", " *") if part.endswith(end)), part).rstrip()
        if not prefix or "*" in prefix:
            return ()
        found.append(Pattern(prefix, exact=prefix == part))
    return tuple(found)


def _squashed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
