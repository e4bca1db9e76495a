"""Runs the real agent programs against a scripted model, as bare as they can be run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from orchestrate.testing.model_server import ModelServer
from tests.agent_programs import DUMMY_KEY, environment, program

TIMEOUT_S = 60


class Ended(NamedTuple):
    """A run that ended: its exit code and the JSON lines it printed."""

    code: int
    lines: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """Claude's result, or what became of Codex's last turn."""
        return self.lines[-1]

    @property
    def session(self) -> str:
        """What the session is resumed by."""
        first = self.lines[0]
        return str(first.get("session_id") or first["thread_id"])

    @property
    def text(self) -> str:
        """The last thing the model said."""
        said = [each["item"]["text"] for each in self.lines if _is_message(each)]
        return str(said[-1] if said else self.last.get("result"))


def _is_message(line: dict[str, Any]) -> bool:
    return bool(line["type"] == "item.completed" and line["item"]["type"] == "agent_message")


class Running:
    """A program that was started. It reads its prompt from a file: with a pipe it would wait for
    the end of that, and nobody has to read its output while it runs."""

    def __init__(self, argv: list[str], prompt: str, folder: Path, env: dict[str, str]) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - `clean` closes it
        with tempfile.TemporaryFile() as given:
            given.write(prompt.encode())
            given.seek(0)
            self._process = subprocess.Popen(
                argv,
                cwd=folder,
                env=env,
                stdin=given,
                stdout=self._output,
                stderr=subprocess.DEVNULL,
                # `codex` may be a wrapper in node: its group is killed, or the real one lives on.
                start_new_session=True,
            )

    def wait(self) -> Ended:
        """Its end, which must come within a minute."""
        code = self._process.wait(TIMEOUT_S)
        self._output.seek(0)
        lines = [json.loads(line) for line in self._output if line.startswith(b"{")]
        return Ended(code, lines)

    def kill(self) -> Ended:
        """Kill it, and return what it had printed."""
        self._kill_group()
        return self.wait()

    def clean(self) -> None:
        """Leave nothing behind, however the test ended."""
        self._kill_group()
        self._process.wait()
        self._output.close()

    def _kill_group(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)


class Programs:
    """Starts programs against a server, as a context manager; what still runs is then killed."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._started: list[Running] = []

    def __enter__(self) -> Programs:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._started:
            each.clean()

    def start(
        self, name: str, folder: Path, *options: str, scenario: str = "s", **more: str
    ) -> Running:
        """Start "claude" or "codex" in `folder`; its home is beside that.

        `more` is `prompt`, `resume` (a session) and, of Codex, `model`.
        """
        prompt = more.pop("prompt", "Do it")
        make = _claude if name == "claude" else _codex
        argv, env = make(self._server.url(name, scenario), _home(folder), options, **more)
        self._started.append(Running(argv, prompt, folder, env))
        return self._started[-1]

    def run(self, name: str, folder: Path, *options: str, **more: str) -> Ended:
        """Start it and wait for its end."""
        return self.start(name, folder, *options, **more).wait()

    def have_written(self, mark: bytes, folder: Path) -> bool:
        """Whether a transcript in the home beside `folder` holds `mark` by now."""
        return any(mark in path.read_bytes() for path in _home(folder).rglob("*.jsonl"))


def _home(folder: Path) -> Path:
    return folder.parent / "home"


Command = tuple[list[str], dict[str, str]]


def _claude(url: str, home: Path, options: tuple[str, ...], resume: str = "") -> Command:
    env = environment(
        home,
        ANTHROPIC_API_KEY=DUMMY_KEY,
        ANTHROPIC_BASE_URL=url,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        CLAUDE_CODE_DISABLE_BACKGROUND_TASKS="1",
        CLAUDE_CODE_MAX_RETRIES="1",
    )
    argv = [
        *(str(program("claude")), "-p", "--output-format", "stream-json", "--verbose"),
        *("--permission-mode", "acceptEdits", "--allowedTools", "Bash mcp__tiny__shout"),
        *("--setting-sources", "", "--strict-mcp-config", *options),
        *(["--resume", resume] if resume else []),
    ]
    return argv, env


def _codex(
    url: str, home: Path, options: tuple[str, ...], resume: str = "", model: str = "scripted"
) -> Command:
    provider = (
        f'{{name="p",base_url="{url}",wire_api="responses",env_key="AGENT_KEY",'
        "request_max_retries=1,stream_max_retries=1}"
    )
    argv = [
        *(str(program("codex")), "exec", "--json", "-s", "workspace-write"),
        *("--skip-git-repo-check", "--disable", "plugins", "--disable", "apps"),
        *("-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false"),
        *("-c", f'model="{model}"', "-c", 'model_provider="p"'),
        *("-c", f"model_providers.p={provider}", *options),
        *(["resume", resume] if resume else []),
        "-",
    ]
    return argv, environment(home, AGENT_KEY=DUMMY_KEY)
