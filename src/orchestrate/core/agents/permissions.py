"""What an agent may do, in one vocabulary for every backend.

A profile's `tools` and `disallowedTools`, and the user's own deny rules, become `Permissions`. Each
backend says in an `Enforcement` which of them it holds the agent to, and which it cannot: those
stop the run unless the user names them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: read: files of the workspace. write: change them. execute: run commands. fetch: get a page.
#: search: search the web. delegate: start agents of its own.
Ability = Literal["read", "write", "execute", "fetch", "search", "delegate"]


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is not allowed although its ability is.

    `pattern` is a path pattern for read and write, a command prefix (`git push`) for execute, a
    domain for fetch; `*` for everything. `source` says where it stands, as `path:line` if it can.
    """

    ability: Ability
    pattern: str
    source: str = ""


class Permissions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is allowed.

    `commands` restricts `execute` to commands with these prefixes; empty for any. `mcp` are tools
    of MCP servers by name. `denied` wins over everything. `unknown` are names of tools that nothing
    is known of, as written.
    """

    abilities: frozenset[Ability] = frozenset({"read"})
    commands: tuple[str, ...] = ()
    mcp: tuple[str, ...] = ()
    denied: tuple[Rule, ...] = ()
    unknown: tuple[str, ...] = ()


class Restriction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One restriction and how it is held: `name` is short and stable (`write`, `execute:git push`,
    `read:.env`), `how` the flag or mechanism, or why there is none."""

    name: str
    how: str


class Enforcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a backend holds an agent to (`enforced`), and what it cannot (`unenforced`)."""

    enforced: tuple[Restriction, ...] = ()
    unenforced: tuple[Restriction, ...] = ()
