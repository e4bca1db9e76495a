"""The command line of one attempt, and the files that go with it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.servers import configured_servers
from orchestrate.adapters.backends.claude.tools import rules
from orchestrate.app.prompt import Prompt
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest

#: Bytes of one argument; Linux takes 131,072.
_LARGEST_ARGUMENT = 120_000
#: Seconds for one answer of the provider to begin: with less, long thinking would be cut off.
_ANSWER_TIMEOUT_S = 300
#: Seconds for a server of tools to be ready.
_SERVER_TIMEOUT_S = 15
#: Sessions get their id from the attempt's token.
_SESSIONS = uuid.UUID("6c3c8a50-54d6-4f0e-9d4b-0d3f6f1c5a77")

SETTINGS_FILE = "claude-settings.json"
ROLE_FILE = "claude-role.md"
SERVERS_FILE = "claude-servers.json"

#: The same for every attempt. Nothing of the user's own or the project's settings, memory, hooks,
#: skills or servers takes part: instructions come from us, and are seen in the prompt.
ENVIRONMENT = {
    "API_TIMEOUT_MS": str(_ANSWER_TIMEOUT_S * 1000),
    # Auto-memory would be written into the user's folder, and read by the next attempt.
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    # They can outlive the answer and make a second `result`.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
    # `@/some/file` in a prompt would be read whatever is denied.
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "2",
    "DISABLE_AUTOUPDATER": "1",
    "MCP_TIMEOUT": str(_SERVER_TIMEOUT_S * 1000),
}


def new_session(request: AttemptRequest, taken: Callable[[str], bool]) -> str:
    """An id for a session of the attempt's own, the same every time until it is `taken`.

    That is the case when an attempt is performed again: its earlier session knows another state of
    the workspace, and the program refuses to begin one of the same id.
    """
    names = (f"{request.token}#{number}" for number in itertools.count())
    ids = (str(uuid.uuid5(_SESSIONS, name)) for name in names)
    return next(each for each in ids if not taken(each))


def arguments(request: AttemptRequest, program: str, session: str) -> tuple[str, ...]:
    """The whole command line. The prompt is not in it: it is read from stdin.

    Args:
        program: absolute path.
        session: id of the session to begin, where the request has none to go on with.

    Raises:
        AgentError: nothing is left to spend, or something does not fit on a command line.
    """
    argv = [program, "-p", "--output-format", "stream-json", "--verbose"]
    argv += ["--setting-sources", "", "--strict-mcp-config", "--disable-slash-commands"]
    argv += ["--permission-mode", "dontAsk", "--tools", ",".join(rules(request).tools)]
    argv += ["--settings", f"{request.folder}/{SETTINGS_FILE}"]
    argv += ["--append-system-prompt-file", f"{request.folder}/{ROLE_FILE}"]
    argv += ["--add-dir", request.outputs_dir]
    argv += ["--resume", request.session.id] if request.session else ["--session-id", session]
    if request.assignee and request.assignee.model not in ("", "inherit"):
        argv += ["--model", request.assignee.model]
    if request.answer_schema:
        argv += ["--json-schema", msgspec.json.encode(request.answer_schema).decode()]
    if configured_servers(request):
        argv += ["--mcp-config", f"{request.folder}/{SERVERS_FILE}"]
    argv += _caps(request)
    if any(len(each.encode()) > _LARGEST_ARGUMENT for each in argv):
        raise AgentError(
            f"task {request.key.task}: the schema of its answer is too long for a command line",
            remedy="ask for less in `returns:`",
        )
    return tuple(argv)


def _caps(request: AttemptRequest) -> list[str]:
    argv = []
    cap = request.cap
    for name, flag, left in (
        ("money", "--max-budget-usd", cap.cost_usd),
        ("turns", "--max-turns", cap.turns),
    ):
        if left is None:
            continue
        if left <= 0:
            raise AgentError(
                f"task {request.key.task}: no {name} left for this attempt",
                remedy="raise the budget",
            )
        argv += [flag, f"{left:.9f}".rstrip("0") if isinstance(left, float) else str(left)]
    return argv


def working_folder(request: AttemptRequest) -> str:
    """Where the agent works: its workspace, or the repository if it has none."""
    return request.workspace or request.repository


def files(request: AttemptRequest, prompt: Prompt) -> dict[str, str]:
    """What has to be there before the program starts: path -> text."""
    limits = rules(request)
    settings = {
        "permissions": {"allow": limits.allow, "deny": limits.deny},
        "attribution": {"commit": "", "pr": ""},
    }
    found = {SETTINGS_FILE: _json(settings), ROLE_FILE: prompt.system}
    configured = configured_servers(request)
    if configured:
        found[SERVERS_FILE] = _json({"mcpServers": configured})
    return {f"{request.folder}/{name}": text for name, text in found.items()}


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
