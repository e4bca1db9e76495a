"""What generating, listing and archiving agents prints as `data` with --json."""

from __future__ import annotations

import msgspec

from orchestrate.app.agents import MovedAgent
from orchestrate.core.agents.stack import Stack
from orchestrate.ui.cli.data import AgentRow

__all__ = ["AgentListing", "ArchivedAgent", "GeneratedAgents", "ListedAgent", "MovedAgent"]


class WrittenAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that was made. `path` is null if it was only printed."""

    name: str
    path: str | None
    replaced: bool
    text: str


class GeneratedAgents(msgspec.Struct, frozen=True, kw_only=True):
    """Agents that were made, and what was found in the repository for it."""

    agents: tuple[WrittenAgent, ...]
    stack: Stack


class ListedAgent(AgentRow, frozen=True, kw_only=True):
    """A line of `agent list`. `generated` is the day, as YYYY-MM-DD; null for a written one."""

    generated: str | None
    priority: int | None


class ArchivedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in the archive. `run` is the run that made it, empty if a person put it away."""

    name: str
    description: str
    path: str
    generated: str | None
    priority: int | None
    run: str


class HiddenAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent file that is not used, because `by`, which is searched earlier, has its name."""

    name: str
    path: str
    by: str


class AgentListing(msgspec.Struct, frozen=True, kw_only=True):
    """Agents that are found, that are in the archive, and files that are not used and why.

    What was not asked for is empty.
    """

    agents: tuple[ListedAgent, ...]
    archived: tuple[ArchivedAgent, ...]
    shadowed: tuple[HiddenAgent, ...]
    broken: tuple[str, ...]
