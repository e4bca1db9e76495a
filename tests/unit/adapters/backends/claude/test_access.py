"""How the user reaches the provider: found without reading a secret, and kept from commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.backends.claude.access import found_access, through_pipe
from tests.unit.adapters.backends.claude_attempts import backend, request


@pytest.mark.parametrize(
    ("environ", "kind", "source"),
    [
        ({}, "none", ""),
        ({"ANTHROPIC_API_KEY": ""}, "none", ""),
        ({"ANTHROPIC_API_KEY": "k"}, "api", "ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_API_KEY": "k", "ANTHROPIC_AUTH_TOKEN": "t"}, "api", "ANTHROPIC_AUTH_TOKEN"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "t"}, "subscription", "CLAUDE_CODE_OAUTH_TOKEN"),
        ({"ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_OAUTH_TOKEN": "t"}, "api", "ANTHROPIC_API_KEY"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "api", "CLAUDE_CODE_USE_BEDROCK"),
        ({"CLAUDE_CODE_USE_VERTEX": "0"}, "none", ""),
    ],
)
def test_access_by_environment(
    tmp_path: Path, environ: dict[str, str], kind: str, source: str
) -> None:
    account = found_access({"HOME": str(tmp_path), **environ}).account
    assert (account.kind, account.source) == (kind, source)


@pytest.mark.parametrize(
    ("name", "contents", "kind"),
    [
        (".claude/.credentials.json", {"claudeAiOauth": {"accessToken": "t"}}, "subscription"),
        (".claude/.credentials.json", {"claudeAiOauth": {}}, "none"),
        (".claude/.credentials.json", ["claudeAiOauth"], "none"),
        (".claude.json", {"primaryApiKey": "k"}, "api"),
        (".claude.json", {"oauthAccount": {"emailAddress": "a@b"}}, "unknown"),
        (".claude.json", {"numStartups": 3}, "none"),
    ],
)
def test_access_by_login(tmp_path: Path, name: str, contents: Any, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(contents), encoding="utf-8")
    account = found_access({"HOME": str(tmp_path)}).account
    assert account.kind == kind
    assert account.source == ("" if kind == "none" else str(path))


def test_login_in_a_folder_of_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / ".claude.json").write_text('{"primaryApiKey": "k"}', encoding="utf-8")
    environ = {"HOME": "/nonexistent", "CLAUDE_CONFIG_DIR": str(tmp_path)}
    assert found_access(environ).account.source == str(tmp_path / ".claude.json")


def test_status_tells_where_access_is_and_never_what_it_is(tmp_path: Path) -> None:
    status = backend(tmp_path, ANTHROPIC_API_KEY="sk-secret").status()
    assert (status.account, status.source) == ("api", "ANTHROPIC_API_KEY")
    assert "sk-secret" not in str(status)
    assert status.remedy.startswith("install: npm install -g @anthropic-ai/claude-code@")


def test_with_a_key_home_and_configuration_are_the_tasks_own(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    access = found_access({"HOME": "/home/someone", "ANTHROPIC_API_KEY": "k"})
    own = f"{wanted.sessions_dir}/claude-home/.claude"
    assert access.private_home
    assert access.variables(wanted) == {"CLAUDE_CONFIG_DIR": own}


def test_with_a_cloud_its_logins_below_home_stay_in_reach(tmp_path: Path) -> None:
    access = found_access({"HOME": "/home/someone", "CLAUDE_CODE_USE_BEDROCK": "1"})
    assert (access.private_home, access.private_config) == (False, True)


def test_with_a_login_the_users_folder_is_used_as_it_is(tmp_path: Path) -> None:
    access = found_access({"HOME": "/home/someone"})
    assert (access.private_home, access.variables(request(tmp_path))) == (False, {})
    assert access.config_of(request(tmp_path)) == "/home/someone/.claude"


@pytest.mark.parametrize("key", ["sk-1", "$(touch x)`id`\\n'\"$HOME ü", "x" * 3000])
def test_key_goes_through_a_pipe_and_is_in_no_environment(key: str) -> None:
    show = 'cat <&3; env; cat /proc/$$/cmdline | tr "\\0" " "'
    env = {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": key}
    argv, env = through_pipe(("/bin/sh", "-c", show), env)
    shown = subprocess.run(argv, env=env, capture_output=True, check=True, timeout=10).stdout
    read, seen = shown.decode().split("\n", 1)
    assert read == key
    assert key not in seen
    assert "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR=3" in seen


def test_without_a_key_nothing_stands_in_front() -> None:
    assert through_pipe(("claude",), {"A": "b"}) == (("claude",), {"A": "b"})
