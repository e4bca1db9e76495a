"""What an agent's program finds in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.backends.agents.environment import (
    agent_environment,
    reserved_variables,
    secrets,
)
from orchestrate.errors import AgentError

USER = {
    "PATH": "/usr/bin",
    "HOME": "/home/someone",
    "SHELL": "/bin/sh",
    "TMPDIR": "/var/tmp",
    "HTTPS_PROXY": "http://proxy:3128",
    "AGENT_KEY": "sk-1",
    "GITHUB_TOKEN": "ghp-1",
    "EMPTY": "",
}


def test_only_what_is_named_is_passed() -> None:
    found = agent_environment(USER, scratch="/scratch", access=("AGENT_KEY", "EMPTY", "ABSENT"))
    assert found == {
        "PATH": "/usr/bin",
        "HOME": "/home/someone",
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "TMPDIR": "/scratch",
        "HTTPS_PROXY": "http://proxy:3128",
        "AGENT_KEY": "sk-1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def test_private_home_keeps_the_users_toolchains_and_not_their_logins(tmp_path: Path) -> None:
    for name in (".rustup", ".cargo", ".ssh"):
        (tmp_path / name).mkdir()
    found = agent_environment({"HOME": str(tmp_path)}, scratch="/scratch", home="/own")
    assert found["HOME"] == "/own"
    assert found["RUSTUP_HOME"] == str(tmp_path / ".rustup")
    assert not any(value.endswith((".cargo", ".ssh")) for value in found.values())


def test_task_sets_what_its_tools_need() -> None:
    found = agent_environment(USER, scratch="/s", task={"DJANGO_SETTINGS_MODULE": "site.settings"})
    assert found["DJANGO_SETTINGS_MODULE"] == "site.settings"


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_BASE_URL",
        "OPENAI_BASE_URL",
        "CLAUDE_CONFIG_DIR",
        "CODEX_HOME",
        "HTTPS_PROXY",
        "https_proxy",
        "NODE_OPTIONS",
        "LD_PRELOAD",
        "PATH",
        "HOME",
        "GIT_CONFIG_GLOBAL",
    ],
)
def test_task_does_not_say_where_the_key_is_sent_nor_what_is_loaded(name: str) -> None:
    assert reserved_variables({name: "x", "PYTHONPATH": "src"}) == (name,)
    with pytest.raises(AgentError, match=name):
        agent_environment(USER, scratch="/s", task={name: "x"})


def test_secrets_are_the_values_that_are_set() -> None:
    environ = {**USER, "SECOND": "sk-1"}
    assert secrets(environ, ("AGENT_KEY", "SECOND", "EMPTY", "ABSENT")) == ("sk-1",)
