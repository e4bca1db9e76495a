"""Servers of tools (MCP) that an agent's profile configures, as Claude Code writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest


def configured_servers(request: AttemptRequest) -> Mapping[str, Mapping[str, Any]]:
    """Name -> configuration of each server the profile names.

    Raises:
        AgentError: it names one without saying how to start it; the user's own are not used.
    """
    profile = request.profile
    if profile is None or not profile.mcp_servers:
        return {}
    kept = profile.extra.get("mcp_servers")
    found = {
        str(name): configuration
        for member in (kept if isinstance(kept, list) else [kept])
        if isinstance(member, dict)
        for name, configuration in member.items()
        if isinstance(configuration, dict)
    }
    missing = [name for name in profile.mcp_servers if name not in found]
    if missing:
        raise AgentError(
            f"agent {profile.name} names the MCP server {missing[0]} and does not configure it",
            remedy="write its `command` or `url` below `mcpServers:` in the agent's file",
        )
    return found
