"""One attempt with the real Codex, its model played by the scripted server."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from orchestrate.adapters.backends.codex.backend import CodexBackend
from orchestrate.adapters.system.supervisor import Containment, ProcessSupervisor
from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.staffing import Assignee
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome
from orchestrate.testing.model_server import ModelServer
from tests.agent_programs import DUMMY_KEY, environment, program

WRITER = Permissions(abilities=frozenset({"read", "write", "execute"}))
READER = Permissions(abilities=frozenset({"read", "execute"}))
#: A model the program knows nothing of: it is then offered a shell and no tools of its own.
PLAIN_MODEL = "scripted"
#: One that is offered a single tool that takes JavaScript.
SCRIPTING_MODEL = "gpt-6-astra"
ANSWER = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "note": {"type": "string"}},
    "required": ["summary"],
}


class Rig:
    """A user with a key, a workspace, and a backend."""

    def __init__(self, folder: Path, url: str, **extra: str) -> None:
        self.folder = folder
        self.environ = environment(
            folder / "home", OPENAI_API_KEY=DUMMY_KEY, OPENAI_BASE_URL=url, **extra
        )
        self.environ["PATH"] = f"{program('codex').parent}:{self.environ['PATH']}"
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.backend = CodexBackend(self.environ, stream_idle_s=30.0)
        self.outcome = ProcessOutcome(token="")

    def request(self, number: int = 1, **changes: Any) -> AttemptRequest:
        """Attempt `number` of one task; its folders exist."""
        folder = self.folder / f"attempt-{number}"
        for name in ("outputs", "scratch"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("sessions", "reused"):
            (self.folder / name).mkdir(exist_ok=True)
        found: dict[str, Any] = {
            "key": AttemptKey("run", "task", number),
            "token": f"codex-test-{uuid.uuid4().hex}",
            "phase": "work",
            "repository": str(self.workspace),
            "folder": str(folder),
            "outputs_dir": str(folder / "outputs"),
            "scratch_dir": str(folder / "scratch"),
            "sessions_dir": str(self.folder / "sessions"),
            "reused_dir": str(self.folder / "reused"),
            "workspace": str(self.workspace),
            "prompt": "Do the task.",
            "assignee": Assignee("builder", "codex", PLAIN_MODEL, "openai", paid=True),
            "permissions": WRITER,
            "writes": True,
            "timeout_s": 30.0,
        }
        return AttemptRequest(**(found | changes))

    async def perform(
        self, request: AttemptRequest, containment: Containment | None = None
    ) -> AttemptResult:
        """Run the attempt to its end and judge it; `outcome` is the process's."""
        spec = self.backend.spec(request)
        supervisor = ProcessSupervisor(containment)
        self.outcome = await supervisor.run(spec, Path(request.folder))
        return self.backend.parse(request, self.outcome)

    def run(self, request: AttemptRequest | None = None, **changes: Any) -> AttemptResult:
        """The result of one attempt, by default the first."""
        return asyncio.run(self.perform(request or self.request(**changes)))


def answers(server: ModelServer, scenario: str) -> list[str]:
    """What the tools answered the model, in the last request of a scenario."""
    items = server.asked(scenario)[-1].body["input"]
    return [_text(item["output"]) for item in items if item["type"].endswith("_output")]


def _text(output: Any) -> str:
    if isinstance(output, str):
        return output
    return "\n".join(part["text"] for part in output)
