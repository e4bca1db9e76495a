"""The command line, files and environment of an attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.backends.claude import backend as module
from orchestrate.adapters.backends.claude.backend import ClaudeBackend
from orchestrate.app.prompt import Prompt
from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.core.agents.profile import Profile
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, Feedback, UpstreamArtifact
from orchestrate.ports.process import ProcessSpec
from tests.unit.adapters.backends.claude_attempts import (
    ANSWER,
    backend,
    keep_transcript,
    request,
)

PROFILE = Profile(name="builder", description="builds", body="You are the builder.")


@pytest.fixture
def claude(tmp_path: Path) -> ClaudeBackend:
    """A backend that finds a program, which is never run."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").touch(mode=0o755)
    return backend(tmp_path)


def option(spec: ProcessSpec, name: str) -> str | None:
    return spec.argv[spec.argv.index(name) + 1] if name in spec.argv else None


def settings(spec: ProcessSpec) -> dict[str, Any]:
    found = json.loads(spec.files[option(spec, "--settings") or ""])
    assert isinstance(found, dict)
    return found


def test_prompt_is_on_stdin_and_role_in_a_file(claude: ClaudeBackend, tmp_path: Path) -> None:
    spec = claude.spec(request(tmp_path, profile=PROFILE, prompt="P" * 300_000))
    assert "P" * 300_000 in spec.stdin
    assert max(map(len, spec.argv)) < 1000
    role = spec.files[option(spec, "--append-system-prompt-file") or ""]
    assert "You are the builder." in role
    assert spec.cwd == "/workspace"
    assert claude.spec(request(tmp_path, workspace="")).cwd == "/repository"


def test_prompt_is_never_a_command_of_the_program(
    claude: ClaudeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "compose", lambda _: Prompt(system="", text="/clear"))
    assert claude.spec(request(tmp_path)).stdin == "\n/clear"


def test_nothing_of_the_users_or_the_projects_settings_takes_part(
    claude: ClaudeBackend, tmp_path: Path
) -> None:
    spec = claude.spec(request(tmp_path))
    assert option(spec, "--setting-sources") == ""
    assert {"--strict-mcp-config", "--disable-slash-commands", "--verbose"} <= set(spec.argv)
    for name in ("CLAUDE_MDS", "AUTO_MEMORY", "FILE_MENTIONS", "BACKGROUND_TASKS"):
        assert spec.env[f"CLAUDE_CODE_DISABLE_{name}"] == "1"
    assert spec.env["CLAUDE_CODE_MAX_RETRIES"] == "2"


def test_key_is_in_no_argument_or_file_and_is_blanked(
    claude: ClaudeBackend, tmp_path: Path
) -> None:
    spec = claude.spec(request(tmp_path))
    assert spec.secrets == ("sk-1",)
    assert not any("sk-1" in text for text in (*spec.argv, *spec.files.values(), spec.stdin))
    assert spec.env["HOME"] == f"{tmp_path}/sessions/claude-home"
    assert spec.env["TMPDIR"] == f"{tmp_path}/scratch"


def test_session_has_an_id_of_its_own_until_that_is_taken(
    claude: ClaudeBackend, tmp_path: Path
) -> None:
    wanted = request(tmp_path)
    first = option(claude.spec(wanted), "--session-id")
    assert first == option(claude.spec(wanted), "--session-id")
    assert first is not None
    assert first != option(claude.spec(request(tmp_path, token="run:task:2")), "--session-id")
    keep_transcript(wanted, first, {})
    assert option(claude.spec(wanted), "--session-id") not in (None, first)


def test_session_is_resumed_if_it_is_there(claude: ClaudeBackend, tmp_path: Path) -> None:
    wanted = request(tmp_path, session=AgentSession("s-1", "claude"))
    anew = claude.spec(wanted)
    assert option(anew, "--resume") is None
    assert option(anew, "--session-id") is not None
    keep_transcript(wanted, "s-1", {})
    resumed = claude.spec(wanted)
    assert option(resumed, "--resume") == "s-1"
    assert option(resumed, "--session-id") is None


def test_model_schema_and_caps_are_handed_on(claude: ClaudeBackend, tmp_path: Path) -> None:
    spec = claude.spec(
        request(tmp_path, answer_schema=ANSWER, cap=Budget(cost_usd=0.0000001, turns=7))
    )
    assert option(spec, "--model") == "claude-sonnet-4-5"
    assert json.loads(option(spec, "--json-schema") or "") == ANSWER
    assert (option(spec, "--max-budget-usd"), option(spec, "--max-turns")) == ("0.0000001", "7")
    plain = claude.spec(request(tmp_path, assignee=Assignee("b", "claude", "inherit")))
    for name in ("--model", "--json-schema", "--max-budget-usd", "--max-turns", "--mcp-config"):
        assert option(plain, name) is None


@pytest.mark.parametrize("cap", [Budget(cost_usd=0.0), Budget(turns=0), Budget(cost_usd=-1.0)])
def test_attempt_with_nothing_left_is_not_begun(
    claude: ClaudeBackend, tmp_path: Path, cap: Budget
) -> None:
    with pytest.raises(AgentError, match="left for this attempt"):
        claude.spec(request(tmp_path, cap=cap))


def test_schema_too_long_for_a_command_line_is_an_error(
    claude: ClaudeBackend, tmp_path: Path
) -> None:
    schema = {"type": "object", "description": "x" * 130_000}
    with pytest.raises(AgentError, match="too long"):
        claude.spec(request(tmp_path, answer_schema=schema))


def test_missing_program_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        backend(tmp_path).spec(request(tmp_path))
    assert "npm install" in caught.value.remedy


def test_rules_name_workspace_outputs_and_material(claude: ClaudeBackend, tmp_path: Path) -> None:
    wanted = request(
        tmp_path,
        permissions=Permissions(
            abilities=frozenset({"read", "write", "execute", "fetch", "delegate"}),
            commands=("git diff", "pytest"),
            mcp=("mcp__db__query",),
            denied=(
                Rule("read", ".env"),
                Rule("write", "//etc/**"),
                Rule("execute", "git push"),
                Rule("fetch", "example.org"),
                Rule("delegate", "Explore"),
                Rule("execute", "Odd(x)", translated=False),
            ),
        ),
        artifacts=(UpstreamArtifact("t", "report", "/artifacts/report.json", "0"),),
        feedback=Feedback("checks_failed", "red", {"tests": "/evidence/tests.log"}),
    )
    spec = claude.spec(wanted)
    assert option(spec, "--permission-mode") == "dontAsk"
    assert option(spec, "--tools") == ("Read,Grep,Glob,Edit,Write,NotebookEdit,Bash,WebFetch,Task")
    assert settings(spec)["permissions"] == {
        "allow": [
            "Read(//artifacts/report.json)",
            "Read(//evidence/tests.log)",
            "Edit(./**)",
            f"Edit(/{tmp_path}/outputs/**)",
            "Bash(git diff:*)",
            "Bash(pytest:*)",
            "WebFetch",
            "Agent",
            "mcp__db__query",
        ],
        "deny": [
            "Read(.env)",
            "Edit(//etc/**)",
            "Bash(git push:*)",
            "WebFetch(domain:example.org)",
            "Agent(Explore)",
        ],
    }


def servers(claude: ClaudeBackend, wanted: AttemptRequest) -> Any:
    spec = claude.spec(wanted)
    return json.loads(spec.files[option(spec, "--mcp-config") or ""])


@pytest.mark.parametrize("listed", [False, True])
def test_servers_of_tools_are_those_the_profile_configures(
    claude: ClaudeBackend, tmp_path: Path, listed: bool
) -> None:
    configuration = {"command": "db-server", "args": ["--stdio"]}
    kept: Any = [{"db": configuration}] if listed else {"db": configuration}
    profile = Profile("p", "d", mcp_servers=("db",), extra={"mcp_servers": kept})
    found = servers(claude, request(tmp_path, profile=profile))
    assert found == {"mcpServers": {"db": configuration}}


def test_server_that_is_only_named_is_an_error(claude: ClaudeBackend, tmp_path: Path) -> None:
    profile = Profile("p", "d", mcp_servers=("github",))
    with pytest.raises(AgentError, match="github"):
        claude.spec(request(tmp_path, profile=profile))


def test_tasks_that_cannot_be_performed_are_refused(tmp_path: Path) -> None:
    claude = backend(tmp_path)
    assert claude.refusal(TaskSpec(id="t", phase="p", agent="a", prompt="x")) == ""
    assert "command" in claude.refusal(TaskSpec(id="t", phase="p", run="make"))
    task = TaskSpec(id="t", phase="p", agent="a", env={"ANTHROPIC_BASE_URL": "http://x"})
    assert "ANTHROPIC_BASE_URL" in claude.refusal(task)
