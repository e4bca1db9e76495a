"""The process of an attempt: command line, configuration, environment, prompt."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.core.agents.profile import Profile
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.errors import AgentError
from orchestrate.ports.process import ProcessSpec
from tests.unit.adapters.backends.codex.recorded import ANSWER, WRITER, backend, put, request

LOGIN = {"tokens": {"access_token": "secret"}, "OPENAI_API_KEY": None}


def _settings(spec: ProcessSpec) -> dict[str, Any]:
    """The program's configuration, from its file or its command line."""
    for path, text in spec.files.items():
        if path.endswith("config.toml"):
            return tomllib.loads(text)
    given = [spec.argv[n + 1] for n, word in enumerate(spec.argv) if word == "-c"]
    return tomllib.loads("\n".join(given))


def _logged_in(folder: Path, stored: object = LOGIN) -> Path:
    path = folder / ".codex" / "auth.json"
    path.parent.mkdir()
    path.write_text(json.dumps(stored))
    return path


def test_with_a_key_everything_is_in_a_folder_of_its_own(tmp_path: Path) -> None:
    spec = backend(tmp_path).spec(request(tmp_path))
    assert spec.argv[1:] == ("exec", "--json", "--skip-git-repo-check", "-")
    assert spec.cwd == "/workspace"
    assert "Do the task." in spec.stdin
    assert spec.env["CODEX_HOME"] == str(tmp_path / "sessions" / "codex")
    assert spec.env["HOME"] == spec.env["TMPDIR"] == str(tmp_path / "scratch")
    assert spec.secrets == ("sk-key",)
    provider = _settings(spec)["model_providers"]["orchestrate"]
    assert provider["base_url"] == "https://api.openai.com/v1"
    assert provider["env_key"] == "CODEX_API_KEY"
    assert "sk-key" not in "".join((*spec.argv, *spec.files.values()))


def test_the_address_of_the_environment_is_used_with_a_key(tmp_path: Path) -> None:
    judged = backend(tmp_path, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    settings = _settings(judged.spec(request(tmp_path)))
    assert settings["model_providers"]["orchestrate"]["base_url"] == "http://127.0.0.1:9/v1"


def test_a_login_is_used_where_it_is_and_its_tokens_go_nowhere_else(tmp_path: Path) -> None:
    login = _logged_in(tmp_path)
    judged = backend(
        tmp_path, CODEX_API_KEY="", OPENAI_API_KEY="sk-other", OPENAI_BASE_URL="http://x"
    )
    spec = judged.spec(request(tmp_path))
    assert {"--ignore-user-config", "--ignore-rules"} <= set(spec.argv)
    assert spec.env["CODEX_HOME"] == str(login.parent)
    assert spec.env["HOME"] == str(tmp_path)
    assert "sk-other" not in spec.env.values()
    assert "model_provider" not in _settings(spec)
    hidden = _settings(spec)["permissions"]["orchestrate"]["filesystem"][str(login)]
    assert hidden == "deny"
    assert not [path for path in spec.files if path.startswith(str(login.parent))]


def test_the_store_of_a_login_is_told_although_its_file_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text('cli_auth_credentials_store = "keyring"\nmodel = "x"\n')
    judged = backend(tmp_path, CODEX_API_KEY="")
    settings = _settings(judged.spec(request(tmp_path)))
    assert settings["cli_auth_credentials_store"] == "keyring"
    assert settings["model"] == "scripted"
    assert judged.status().account == "unknown"


@pytest.mark.parametrize("login", [True, False])
def test_the_sandbox_follows_the_permissions(tmp_path: Path, *, login: bool) -> None:
    if login:
        _logged_in(tmp_path)
    judged = backend(tmp_path, CODEX_API_KEY="" if login else "sk")
    for writes, base in ((True, ":workspace"), (False, ":read-only")):
        spec = judged.spec(request(tmp_path, writes=writes))
        settings = _settings(spec)
        profile = settings["permissions"][settings["default_permissions"]]
        assert profile["extends"] == base
        assert profile["network"] == {"enabled": False}
        assert profile["filesystem"][str(tmp_path / "outputs")] == "write"
        assert settings["approval_policy"] == "never"
        assert settings["project_doc_max_bytes"] == 0
        assert settings["web_search"] == "disabled"
        assert settings["shell_environment_policy"]["inherit"] == "core"
        assert "danger-full-access" not in str(spec)


def test_a_session_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    asked = request(tmp_path)
    thread = put(tmp_path, "answered")
    going_on = msgspec.structs.replace(asked, session=AgentSession(thread, "codex"))
    assert backend(tmp_path).spec(going_on).argv[-3:] == ("resume", thread, "-")


@pytest.mark.parametrize("session", ["01a1ff70-d05a-7e83-b7de-301bc5883c99", "../../x", "*", ""])
def test_a_session_that_is_not_there_is_begun_anew(tmp_path: Path, session: str) -> None:
    asked = request(tmp_path, session=AgentSession(session, "codex"))
    put(tmp_path, "answered")
    assert "resume" not in backend(tmp_path).spec(asked).argv


def test_the_schema_of_the_answer_is_a_file(tmp_path: Path) -> None:
    spec = backend(tmp_path).spec(request(tmp_path, answer_schema=ANSWER))
    path = spec.argv[spec.argv.index("--output-schema") + 1]
    assert json.loads(spec.files[path])["required"] == ["summary", "note"]


def test_instructions_too_long_for_a_command_line_are_put_before_the_prompt(
    tmp_path: Path,
) -> None:
    _logged_in(tmp_path)
    profile = Profile("builder", "builds", body="x" * 120_000)
    spec = backend(tmp_path, CODEX_API_KEY="").spec(request(tmp_path, profile=profile))
    assert spec.stdin.startswith("x" * 120_000)
    assert max(len(word) for word in spec.argv) < 120_000
    with_key = backend(tmp_path).spec(request(tmp_path, profile=profile))
    assert _settings(with_key)["developer_instructions"].startswith("x" * 120_000)


def test_rules_of_an_earlier_attempt_do_not_stay(tmp_path: Path) -> None:
    denied = msgspec.structs.replace(WRITER, denied=(Rule("execute", "git push"),))
    judged = backend(tmp_path)
    path = str(tmp_path / "sessions" / "codex" / "rules" / "denied.rules")
    first = judged.spec(request(tmp_path, permissions=denied)).files[path]
    assert '["git", "push"]' in first
    assert judged.spec(request(tmp_path)).files[path] == ""


def _with_server(configuration: dict[str, Any], *tools: str) -> dict[str, Any]:
    extra = {"mcp_servers": [{"own": configuration}]}
    profile = Profile("builder", "builds", mcp_servers=("own",), extra=extra)
    return {"profile": profile, "permissions": msgspec.structs.replace(WRITER, mcp=tools)}


def test_servers_for_tools_are_those_of_the_profile(tmp_path: Path) -> None:
    configured = {"type": "http", "url": "http://x", "headers": {"A": "b"}}
    changes = _with_server(configured, "mcp__own__one", "mcp__own__two")
    settings = _settings(backend(tmp_path).spec(request(tmp_path, **changes)))
    assert settings["mcp_servers"]["own"] == {
        "url": "http://x",
        "http_headers": {"A": "b"},
        "required": True,
        "default_tools_approval_mode": "approve",
        "enabled_tools": ["one", "two"],
    }


def test_a_server_none_of_whose_tools_are_given_is_left_out(tmp_path: Path) -> None:
    changes = _with_server({"command": "x"})
    assert "mcp_servers" not in _settings(backend(tmp_path).spec(request(tmp_path, **changes)))


def test_what_may_be_a_secret_does_not_go_onto_the_command_line(tmp_path: Path) -> None:
    _logged_in(tmp_path)
    changes = _with_server({"command": "x", "env": {"TOKEN": "t"}}, "mcp__own")
    with pytest.raises(AgentError, match="command line"):
        backend(tmp_path, CODEX_API_KEY="").spec(request(tmp_path, **changes))


def test_a_server_that_is_not_configured_cannot_be_given(tmp_path: Path) -> None:
    profile = Profile("builder", "builds", mcp_servers=("other",))
    with pytest.raises(AgentError, match="other"):
        backend(tmp_path).spec(request(tmp_path, profile=profile))


def test_without_key_or_login_there_is_no_process(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="neither a login nor a key") as raised:
        backend(tmp_path, CODEX_API_KEY="").spec(request(tmp_path))
    assert "codex login" in raised.value.remedy


def test_without_the_program_there_is_no_process(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="codex"):
        backend(tmp_path, PATH="/nonexistent").spec(request(tmp_path))


@pytest.mark.parametrize("model", ["", "inherit"])
def test_a_model_nobody_chose_is_left_to_the_program(tmp_path: Path, model: str) -> None:
    asked = request(tmp_path, assignee=Assignee("builder", "codex", model))
    assert "model" not in _settings(backend(tmp_path).spec(asked))


def test_tasks_that_are_commands_or_reach_for_keys_are_refused(tmp_path: Path) -> None:
    judged = backend(tmp_path)
    assert judged.refusal(TaskSpec("t", "p", agent="a", prompt="x")) == ""
    assert "command" in judged.refusal(TaskSpec("t", "p", run="ls"))
    assert "CODEX_HOME" in judged.refusal(TaskSpec("t", "p", agent="a", env={"CODEX_HOME": "x"}))


def test_whoever_may_fetch_and_search_is_let(tmp_path: Path) -> None:
    permissions = Permissions(abilities=frozenset({"read", "fetch", "search"}))
    settings = _settings(backend(tmp_path).spec(request(tmp_path, permissions=permissions)))
    assert settings["permissions"]["orchestrate"]["network"] == {"enabled": True}
    assert settings["web_search"] == "live"


@pytest.mark.parametrize("name", ["[old] shop", "what?", "a*b"])
def test_a_folder_that_would_be_a_pattern_to_the_sandbox_is_refused(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(AgentError, match=r"takes .* for a pattern") as raised:
        backend(tmp_path, OPENAI_API_KEY="k").spec(request(tmp_path, outputs_dir=str(folder)))
    assert "--backend claude" in raised.value.remedy
