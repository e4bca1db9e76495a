"""What there is of Codex on a machine, and what it would be held to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.core.agents.permissions import Permissions, Rule
from tests.unit.adapters.backends.codex.recorded import backend

LOGGED_IN = {"tokens": {"access_token": "secret-token"}, "OPENAI_API_KEY": None}


def _stored(folder: Path, stored: object) -> None:
    path = folder / ".codex" / "auth.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(stored if isinstance(stored, str) else json.dumps(stored))


@pytest.mark.parametrize(
    ("environ", "stored", "account", "source"),
    [
        ({"CODEX_API_KEY": "k"}, LOGGED_IN, "api", "CODEX_API_KEY"),
        ({}, LOGGED_IN, "subscription", ".codex/auth.json"),
        ({"OPENAI_API_KEY": "k"}, LOGGED_IN, "subscription", ".codex/auth.json"),
        ({}, {"OPENAI_API_KEY": "secret-key"}, "api", ".codex/auth.json"),
        ({}, {"auth_mode": "chatgpt", "tokens": {"x": 1}}, "subscription", ".codex/auth.json"),
        ({"OPENAI_API_KEY": "k"}, {}, "api", "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "k"}, "{broken", "api", "OPENAI_API_KEY"),
        ({}, {"tokens": None}, "none", ""),
    ],
)
def test_the_account_is_what_the_program_would_use(
    tmp_path: Path, environ: dict[str, str], stored: object, account: str, source: str
) -> None:
    _stored(tmp_path, stored)
    status = backend(tmp_path, **{"CODEX_API_KEY": "", **environ}).status()
    assert status.account == account
    assert status.source.endswith(source)
    assert status.usable is (account != "none")
    assert (status.version, status.in_range) == ("0.169.0", True)
    assert "secret" not in str(status)


def test_what_still_applies_of_the_user_s_own_is_said(tmp_path: Path) -> None:
    _stored(tmp_path, LOGGED_IN)
    folder = tmp_path / ".codex"
    (folder / "AGENTS.md").write_text("x")
    (folder / "config.toml").write_text("")
    (folder / "rules").mkdir()
    (folder / "rules" / "default.rules").write_text("")
    notes = " ".join(backend(tmp_path, CODEX_API_KEY="", OPENAI_API_KEY="k").status().notes)
    assert "AGENTS.md is given to every agent" in notes
    assert "config.toml does not apply" in notes
    assert "do not apply: some leave the sandbox" in notes
    assert "OPENAI_API_KEY is set and not used" in notes


def test_a_program_that_is_not_there_has_a_remedy(tmp_path: Path) -> None:
    status = backend(tmp_path, PATH="/nonexistent").status()
    assert (status.found, status.usable) == ("", False)
    assert "npm install -g @openai/codex" in status.remedy


READ: frozenset[str] = frozenset({"read"})


@pytest.mark.parametrize(
    ("abilities", "writes", "commands", "open_"),
    [
        ({"read"}, False, (), set()),
        ({"read"}, True, (), set()),
        ({"read", "write"}, True, (), {"execute"}),
        ({"read", "write"}, False, (), set()),
        ({"read", "fetch"}, False, (), {"execute"}),
        ({"read", "write", "execute"}, True, ("pytest",), {"execute"}),
        ({"read", "write", "execute"}, True, (), set()),
    ],
)
def test_commands_are_withheld_only_where_they_can_do_nothing_but_read(
    tmp_path: Path, abilities: set[str], writes: bool, commands: tuple[str, ...], open_: set[str]
) -> None:
    permissions = Permissions(abilities=frozenset(abilities), commands=commands)  # type: ignore[arg-type]
    said = backend(tmp_path).enforcement(permissions, writes=writes)
    assert {item.name for item in said.unenforced} == open_


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        (Rule("read", "{a,b}"), False),
        (Rule("read", ".env"), True),
        (Rule("write", "*.lock"), False),
        (Rule("write", "package.json"), False),
        (Rule("write", "/package.json"), True),
        (Rule("write", "docs/**"), True),
        (Rule("execute", "git push"), False),
        (Rule("execute", "'"), False),
        (Rule("fetch", "example.org"), True),
        (Rule("delegate", "other"), True),
    ],
)
def test_each_rule_is_held_or_not(tmp_path: Path, rule: Rule, held: bool) -> None:
    writer = Permissions(abilities=frozenset({"read", "write", "execute"}), denied=(rule,))
    said = backend(tmp_path).enforcement(writer, writes=True)
    assert (rule.name in {item.name for item in said.enforced}) is held
    assert (rule.name in {item.name for item in said.unenforced}) is not held
