"""What `agent check` prints as `data` with --json."""

from __future__ import annotations

import msgspec

from orchestrate.core.agents.permissions import Restriction
from orchestrate.core.agents.tools import Ability


class DeniedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that takes something away: its name, and where it stands (may be empty)."""

    name: str
    source: str


class BackendCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one backend holds the agent to, and what it cannot: that stops a run."""

    backend: str
    enforced: tuple[Restriction, ...]
    unenforced: tuple[Restriction, ...]


class AgentCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent may do, and what of its restrictions each backend enforces.

    `commands` restricts `execute` to commands with these beginnings; empty for any. `mcp` are tools
    of MCP servers. `unknown` are names of tools that nothing is known of: they are not given.
    `writes`: as for a task that may change files.
    """

    agent: str
    path: str
    writes: bool
    given: tuple[Ability, ...]
    not_given: tuple[Ability, ...]
    commands: tuple[str, ...]
    mcp: tuple[str, ...]
    unknown: tuple[str, ...]
    denied: tuple[DeniedRule, ...]
    backends: tuple[BackendCheck, ...]
