"""Attempts with the real Claude Code, its model played by the scripted server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from orchestrate.adapters.backends.claude.backend import ClaudeBackend
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.agents.profile import Profile
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.staffing import Assignee
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome
from orchestrate.testing.model_server import Exchange, ModelServer, Role, Scenario, Step
from orchestrate.testing.model_server.scenario import Action
from tests.agent_programs import DUMMY_KEY, environment, program

WRITER = Permissions(abilities=frozenset({"read", "write", "execute"}))
READER = Permissions()
#: One whose prices the program knows: 3 dollars for a million tokens in, 15 out.
MODEL = "claude-sonnet-4-5"
ANSWER = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
PROFILE = Profile(name="builder", description="builds", body="You are the builder.")


def script(name: str, *steps: Step | Action, repeat_last: bool = False) -> Scenario:
    """A scenario with one role, which answers everything."""
    return Scenario(name, (Role("agent", steps, repeat_last=repeat_last),))


class Rig:
    """A user with a key, a workspace, and a backend."""

    def __init__(self, folder: Path, url: str, **extra: str) -> None:
        access = {"ANTHROPIC_API_KEY": DUMMY_KEY, "ANTHROPIC_BASE_URL": url} | extra
        self.folder = folder
        self.environ = environment(folder / "home", **access)
        self.environ["PATH"] = f"{program('claude').parent}:{self.environ['PATH']}"
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.backend = ClaudeBackend(self.environ)
        self.outcome = ProcessOutcome(token="")

    def request(self, number: int = 1, **changes: Any) -> AttemptRequest:
        """Attempt `number` of one task; its folders exist."""
        folder = self.folder / f"attempt-{number}"
        for name in ("outputs", "scratch"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {
            "key": AttemptKey("run", "task", number),
            "token": f"claude-test-{self.folder.parent.name}-{self.folder.name}-{number}",
            "phase": "work",
            "repository": str(self.workspace),
            "folder": str(folder),
            "outputs_dir": str(folder / "outputs"),
            "scratch_dir": str(folder / "scratch"),
            "sessions_dir": str(self.folder / "sessions"),
            "workspace": str(self.workspace),
            "base": "0" * 40,
            "agent": "builder",
            "backend": "claude",
            "profile": PROFILE,
            "prompt": "Do the task.",
            "assignee": Assignee("builder", "claude", MODEL, "anthropic", paid=True, hard=True),
            "permissions": WRITER,
            "writes": True,
            "timeout_s": 30.0,
        }
        return AttemptRequest(**(found | changes))

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        """Run the attempt to its end and judge it; `outcome` is the process's."""
        spec = self.backend.spec(request)
        outcome = await ProcessSupervisor().run(spec, Path(request.folder))
        self.outcome = outcome
        return self.backend.parse(request, outcome)

    def run(self, request: AttemptRequest | None = None, **changes: Any) -> AttemptResult:
        """The result of one attempt, by default the first."""
        return asyncio.run(self.perform(request or self.request(**changes)))


def tool_results(exchange: Exchange) -> list[str]:
    """What the tools answered the model, as a request repeats it, oldest first."""
    parts = [
        part
        for message in exchange.body["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "tool_result"
    ]
    return [_text(part["content"]) for part in parts]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content)


def last_results(server: ModelServer, scenario: str) -> list[str]:
    """What the tools answered, in the last request of a scenario."""
    return tool_results(server.asked(scenario)[-1])
