"""Generated agents and the built-in ones, as Claude Code itself takes them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.files.profile_reader import parse_profile
from orchestrate.core.agents.agent_text import Generated, Options
from orchestrate.core.agents.generation import builder
from orchestrate.core.agents.language_guides import LANGUAGE_GUIDES
from orchestrate.core.agents.stack import Stack, StackCommand
from orchestrate.core.agents.subject_agents import described, optimizer, specialist
from orchestrate.core.agents.subject_guides import OPTIMIZER_GUIDES, SPECIALIST_GUIDES
from orchestrate.library import __path__ as library_path
from orchestrate.testing.model_server import ModelServer, Role, Say, Scenario
from tests.agent_programs import DUMMY_KEY, environment, program

pytestmark = pytest.mark.agents

DATE = "2026-01-02"
STACK = Stack(commands=(StackCommand("test", "python -m pytest", "tox.ini:3", "python"),))
BUILT_IN = sorted(Path(library_path[0], "agents").glob("*.md"))
GENERATED = (
    *(builder(language, DATE, STACK) for language in LANGUAGE_GUIDES),
    *(specialist(subject, DATE, STACK) for subject in SPECIALIST_GUIDES),
    *(optimizer(subject, DATE, STACK, focus="p99: less") for subject in OPTIMIZER_GUIDES),
    described('says: "#1", [x]', DATE, focus="null", options=Options(name="true")),
)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer([Scenario("s", (Role("r", (Say("done"),)),))]) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with every generated agent, every built-in one, and one that is broken."""
    folder = tmp_path / "project" / ".claude" / "agents"
    folder.mkdir(parents=True)
    for agent in GENERATED:
        (folder / f"{agent.name}.md").write_text(agent.text)
    for path in BUILT_IN:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.md").write_text("---\nname: broken\n---\nIt has no description.\n")
    return tmp_path / "project"


def begun(project: Path, server: ModelServer, home: Path, *options: str) -> dict[str, Any]:
    """Run claude once in `project`; what it said of itself at the beginning."""
    variables = {
        "ANTHROPIC_API_KEY": DUMMY_KEY,
        "ANTHROPIC_BASE_URL": server.url("claude", "s"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }
    command = [str(program("claude")), "-p", "--output-format", "stream-json", "--verbose"]
    # Only with the project's settings are the project's agents read.
    command += ["--setting-sources", "project", "--strict-mcp-config", *options]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(home, **variables),
        input="Hello",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    assert (first["type"], first["subtype"]) == ("system", "init")
    return first


def test_every_agent_is_listed_and_a_broken_one_is_not(
    project: Path, server: ModelServer, tmp_path: Path
) -> None:
    listed = begun(project, server, tmp_path / "home")["agents"]
    wanted = {agent.name for agent in GENERATED} | {path.stem for path in BUILT_IN}
    assert wanted <= set(listed)
    assert "broken" not in listed


def agent_of(path: Path) -> Generated:
    return Generated(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "agent",
    [GENERATED[0], GENERATED[-1], agent_of(BUILT_IN[0])],
    ids=lambda agent: agent.name,
)
def test_agent_brings_its_text_and_its_tools_and_no_others(
    agent: Generated, project: Path, server: ModelServer, tmp_path: Path
) -> None:
    tools = begun(project, server, tmp_path / "home", "--agent", agent.name)["tools"]
    [request] = server.asked("s")
    profile = parse_profile(agent.text.encode(), agent.name)
    assert profile.body.strip() in request.system
    assert profile.tools is not None
    # Some tools are left out where a shell does the same; none is added.
    assert {"Read", "Write"} <= set(tools) <= set(profile.tools)
