"""The configuration of one attempt, complete: nothing of the user's own applies."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrate.adapters.backends.agents.environment import TOOLCHAINS
from orchestrate.adapters.backends.agents.servers import configured_servers
from orchestrate.adapters.backends.codex.access import HEADERS, Access
from orchestrate.adapters.backends.codex.mcp import servers
from orchestrate.adapters.backends.codex.sandbox import PROFILE, Folders, permission_profile
from orchestrate.adapters.backends.codex.toml import Value
from orchestrate.ports.performer import AttemptRequest

#: What our provider is called in the program's configuration.
PROVIDER = "orchestrate"
#: How often a call is repeated that the provider failed before it began to answer.
REQUEST_RETRIES = 2
#: How often one is repeated that was answered in part, or refused for coming too fast. The program
#: would wait in silence for as long as the provider says, where nobody sees why, and the answer
#: that was lost may be paid. An attempt that fails can go on with its session instead.
STREAM_RETRIES = 0
#: Seconds without a sign of life in an answer. The program's own value: a model that thinks hard
#: is silent for minutes.
STREAM_IDLE_S = 300.0
#: Off: what reaches out by itself, starts agents of its own that nobody counts, goes on after the
#: turn, or waits for a connection without end.
OFF = ("plugins", "apps", "multi_agent_v2", "goals", "memories", "unbounded_connection_retries")
#: By this variable processes of an attempt are recognised (`ports.process.ProcessSpec`).
SUPERVISED = "ORCHESTRATE_ATTEMPT"


def configuration(
    request: AttemptRequest,
    access: Access,
    environment: Mapping[str, str],
    folders: Folders,
    *,
    instructions: str,
    stream_idle_s: float = STREAM_IDLE_S,
) -> dict[str, Value]:
    """Key -> value of the program's configuration.

    `instructions` are for the model, besides the program's own. `environment` is the program's.
    `folders` are opened and hidden besides the workspace.
    """
    found: dict[str, Value] = {
        "approval_policy": "never",
        "analytics": {"enabled": False},
        "check_for_update_on_startup": False,
        "features": dict.fromkeys(OFF, False),
        "agents": {"enabled": False},
        "web_search": "live" if "search" in request.permissions.abilities else "disabled",
        # Standards are in the prompt already, from where the run says.
        "project_doc_max_bytes": 0,
        "skills": {"bundled": {"enabled": False}, "include_instructions": False},
        "tools": {"experimental_request_user_input": {"enabled": False}},
        # A login shell would put the system's PATH before the user's.
        "allow_login_shell": False,
        "shell_environment_policy": _shell_environment(request, environment),
        "default_permissions": PROFILE,
        "permissions": {
            PROFILE: permission_profile(request.permissions, folders, writes=request.writes)
        },
    }
    if instructions:
        found["developer_instructions"] = instructions
    if request.assignee and request.assignee.model not in ("", "inherit"):
        found["model"] = request.assignee.model
    if access.own_provider:
        found["model_provider"] = PROVIDER
        found["model_providers"] = {PROVIDER: _provider(access, stream_idle_s)}
    if access.store:
        found["cli_auth_credentials_store"] = access.store
    given = servers(
        configured_servers(request), request.permissions.mcp, public=access.way == "login"
    )
    return found | ({"mcp_servers": given} if given else {})


def _provider(access: Access, stream_idle_s: float) -> dict[str, Value]:
    """OpenAI, or what stands in for it, with an end to all waiting but that for an answer to begin.

    For that one the program has no limit.
    """
    asked: dict[str, Value] = (
        {"env_key": access.variable} if access.variable else {"requires_openai_auth": True}
    )
    return {
        "name": PROVIDER,
        "base_url": access.base_url,
        "wire_api": "responses",
        **asked,
        "env_http_headers": dict(HEADERS),
        "request_max_retries": REQUEST_RETRIES,
        "stream_max_retries": STREAM_RETRIES,
        "stream_idle_timeout_ms": round(stream_idle_s * 1000),
    }


def _shell_environment(request: AttemptRequest, environment: Mapping[str, str]) -> dict[str, Value]:
    """What commands get: the usual variables, no keys, and what the task sets.

    The attempt's token is among it, or what outlives the attempt could not be recognised.
    """
    passed = {name: environment[name] for name in TOOLCHAINS if name in environment}
    own = {"GIT_TERMINAL_PROMPT": "0", SUPERVISED: request.token}
    return {"inherit": "core", "set": {**passed, **request.toolbox.env, **request.env, **own}}
