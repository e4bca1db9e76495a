"""The sandbox commands run in: permissions as a permission profile of the program.

Read, write and network are held by the kernel (bubblewrap and seccomp on Linux, Seatbelt on macOS)
for every command and patch. Codex reads files through commands, so those cannot be withheld. What
may be named: any path to be unreadable, with wildcards; an exact path or a whole folder to be
unwritable.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.codex.toml import Value
from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.errors import AgentError

#: What our profile is called in the program's configuration.
PROFILE = "orchestrate"
#: Folders below the workspace that are searched for what must not be read. The program looks for
#: it anew before each command.
SCAN_DEPTH = 64

_WILDCARDS = "*?["


class Place(msgspec.Struct, frozen=True):
    """A path or glob that the profile names; relative to the workspace unless it is absolute."""

    path: str
    absolute: bool = False


class Folders(msgspec.Struct, frozen=True):
    """`outputs` may be written to always, `hidden` never be read; HOME is for patterns with ~."""

    home: str
    outputs: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def permission_profile(
    permissions: Permissions, folders: Folders, *, writes: bool
) -> dict[str, Value]:
    """The table `permissions.<PROFILE>` of the configuration.

    Raises:
        AgentError: a folder cannot be named, because its path would be taken for a pattern.
    """
    for folder in (*folders.outputs, *folders.hidden):
        if any(sign in folder for sign in _WILDCARDS):
            raise AgentError(
                f"Codex takes * ? [ in a path for a pattern, so its sandbox cannot name {folder}",
                remedy="move the repository to a path without them, or use --backend claude",
            )
    workspace: dict[str, Value] = {}
    # The private TMPDIR is writable, but not the /tmp that all users of the machine share.
    elsewhere: dict[str, Value] = {
        "glob_scan_max_depth": SCAN_DEPTH,
        ":tmpdir": "write",
        ":slash_tmp": "read",
    }
    elsewhere |= dict.fromkeys(folders.outputs, "write") | dict.fromkeys(folders.hidden, "deny")
    for rule in permissions.denied:
        for place in places(rule, folders.home):
            table = elsewhere if place.absolute else workspace
            table[place.path] = "deny" if rule.ability == "read" else "read"
    if "read" not in permissions.abilities:
        workspace["."] = "deny"
    return {
        "extends": ":workspace" if may_write(permissions, writes=writes) else ":read-only",
        "filesystem": {**elsewhere, ":workspace_roots": workspace},
        "network": {"enabled": "fetch" in permissions.abilities},
    }


def may_write(permissions: Permissions, *, writes: bool) -> bool:
    """Whether the workspace may be changed."""
    return writes and "write" in permissions.abilities


def places(rule: Rule, home: str) -> tuple[Place, ...]:
    """What of a rule about paths the profile can name; empty if it cannot."""
    if rule.ability == "read":
        return tuple(_unreadable(rule.pattern, home))
    if rule.ability == "write":
        return tuple(_unwritable(rule.pattern, home))
    return ()


def _unreadable(pattern: str, home: str) -> Iterator[Place]:
    """As in a .gitignore: a name alone is meant at any depth, a folder with all in it."""
    anchored, path, absolute = _anchored(pattern, home)
    if "{" in path or not path:
        return
    if not anchored:
        path = f"**/{path}"
    yield Place(path, absolute)
    if any(sign in path for sign in _WILDCARDS):
        yield Place(f"{path}/**", absolute)


def _unwritable(pattern: str, home: str) -> Iterator[Place]:
    """The program takes no wildcards here, so what is meant at any depth cannot be named."""
    anchored, path, absolute = _anchored(pattern, home)
    if anchored and path and not any(sign in path for sign in _WILDCARDS + "{"):
        yield Place(path, absolute)


def _anchored(pattern: str, home: str) -> tuple[bool, str, bool]:
    """Whether it stands at one place; the path without what says so; whether that is absolute."""
    anchored = "/" in pattern.removesuffix("/")
    bare = pattern.removesuffix("/**").removesuffix("/")
    if bare.startswith("//"):
        return True, bare[1:], True
    if bare.startswith("~/"):
        return True, str(Path(home, bare[2:])), True
    return anchored, bare.removeprefix("./").removeprefix("/"), False
