"""`agent check`: what an agent may do, and what each backend enforces of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrate import wiring
from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction
from orchestrate.ui.cli import main as cli
from orchestrate.ui.cli.schema import PATH

AGENT = """\
---
name: checker
description: Checks.
tools: Read, Grep, Bash(git diff:*), Zap
disallowedTools: Write
---
Check.
"""


class Plain:
    """A backend that asks no model."""

    name = "plain"


class Careful(Plain):
    """A backend that holds back writing and commands, and says so."""

    name = "careful"

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        held = [Restriction("write", "sandbox")] if "write" not in permissions.abilities else []
        held += [Restriction(rule.name, f"--deny {rule.pattern}") for rule in permissions.denied]
        return Enforcement(tuple(held), () if writes else (Restriction("delegate", "no flag"),))


class Careless(Plain):
    """A backend that answers for nothing."""

    name = "careless"

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        return Enforcement()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = (Plain(), Careful(), Careless())
    monkeypatch.setattr(wiring, "backends", lambda: {item.name: item for item in found})
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(
        '{"permissions": {"deny": ["Bash(git push:*)"]}}'
    )
    (tmp_path / "checker.md").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What --json prints."""
    assert cli.run(["agent", "check", "checker.md", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads(PATH.read_bytes())).validate(document)
    assert document["command"] == "agent check"
    return document["data"]


def test_text_says_what_is_given_and_what_each_backend_holds(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["agent", "check", "checker.md"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "agent      checker (checker.md)",
        "given      read, execute",
        "not given  write, fetch, search, delegate",
        "commands   git diff",
        "unknown    Zap (not given)",
        f"denied     execute:git push  {repository}/.claude/settings.json:1",
        "denied     Write  checker.md",
        "",
        "careful:",
        "  enforced     write: sandbox",
        "  enforced     execute:git push: --deny git push",
        "  enforced     Write: it has not the ability to write",
        "",
        "careless:",
        "  not enforced execute:git push: the backend does not say how it would hold an agent to"
        f" it ({repository}/.claude/settings.json:1)",
        "  not enforced Write: no backend has a counterpart for it (checker.md)",
    ]


@pytest.mark.usefixtures("repository")
def test_json_has_the_published_shape(capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys)
    assert found["given"] == ["read", "execute"]
    assert [item["name"] for item in found["denied"]] == ["execute:git push", "Write"]
    assert [item["backend"] for item in found["backends"]] == ["careful", "careless"]


@pytest.mark.usefixtures("repository")
def test_one_backend_and_a_task_that_only_reads(capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, "--backend", "careful", "--read-only")
    assert found["writes"] is False
    [careful] = found["backends"]
    assert careful["unenforced"] == [{"name": "delegate", "how": "no flag"}]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["plain", "other"])
def test_backend_that_asks_no_model_cannot_be_named(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert cli.run(["agent", "check", "checker.md", "--backend", name]) == 2
    assert "name one of careful, careless" in capsys.readouterr().err


def test_broken_settings_stop_the_check(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".claude" / "settings.local.json").write_text('{"permissions": {"deny": [')
    assert cli.run(["agent", "check", "checker.md"]) == 4
    assert "settings.local.json:1:" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_users_folder_for_settings_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.json").write_text('{"permissions": {"deny": ["Read(.env)"]}}')
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    assert checked(capsys)["denied"][0]["name"] == "read:.env"


def test_without_a_backend_that_asks_a_model_there_is_nothing_to_enforce(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wiring, "backends", lambda: {"plain": Plain()})
    assert repository.is_dir()
    assert cli.run(["agent", "check", "checker.md"]) == 0
    assert "no backend here asks a model" in capsys.readouterr().err
