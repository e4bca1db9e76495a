"""Servers of tools (MCP) as the program is told of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrate.adapters.backends.codex.toml import Value
from orchestrate.errors import AgentError

#: Key in an agent's file -> key of the program, where the two differ.
_KEYS = {"headers": "http_headers"}
_KNOWN = ("command", "args", "env", "cwd", "url", "http_headers")
#: Their values may be secrets.
_LITERAL = ("env", "http_headers")


def servers(
    configured: Mapping[str, Mapping[str, Any]], given: tuple[str, ...], *, public: bool
) -> dict[str, Value]:
    """The table `mcp_servers`: name -> configuration, with the tools `given` and no others.

    `given` has `mcp__server__tool`, or `mcp__server` for all of one. A server that does not start
    fails the attempt: the program would go on without a word. `public`: what is returned can be
    seen by other users of the machine.

    Raises:
        AgentError: a secret may become public.
    """
    found: dict[str, Value] = {}
    for name, configuration in configured.items():
        full = f"mcp__{re.sub(r'[^A-Za-z0-9_-]', '_', name)}"
        tools = [tool for tool in given if tool == full or tool.startswith(f"{full}__")]
        if not tools:
            continue
        table = _table(name, configuration, public=public)
        if full not in tools:
            table["enabled_tools"] = [tool.removeprefix(f"{full}__") for tool in tools]
        found[name] = table
    return found


def _table(name: str, configuration: Mapping[str, Any], *, public: bool) -> dict[str, Value]:
    named = {_KEYS.get(key, key): value for key, value in configuration.items()}
    literal = [key for key in _LITERAL if named.get(key)]
    if public and literal:
        raise AgentError(
            f"the MCP server {name} is configured with {', '.join(literal)}, which would show on "
            "the command line",
            remedy="use Codex with a key in CODEX_API_KEY, which allows a file for it",
        )
    table: dict[str, Value] = {key: named[key] for key in _KNOWN if key in named}
    # Nobody is there to approve of calls; which tools there are is said by the profile.
    return table | {"required": True, "default_tools_approval_mode": "approve"}
