"""Making, listing, putting away and bringing back agents from the command line."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.files.profile_reader import read_profile
from orchestrate.ui.cli.main import run

FILES = {
    "pyproject.toml": '[project]\ndependencies = ["Django"]\n[tool.pytest.ini_options]\n',
    "shop.py": "x = 1\n" * 9,
    "web/package.json": '{"dependencies": {"react": "1"}, "scripts": {"test": "jest"}}',
    "web/a.ts": "const x = 1\n" * 9,
    "tests/test_a.py": "import pytest\n",
}


class Commands:
    """Runs commands in a repository and keeps what they printed."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(["agent", *arguments])
        self.out, self.err = self.capsys.readouterr()
        return code

    def data(self, *arguments: str) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        document = json.loads(self.out)
        assert document["command"] == f"agent {arguments[0]}"
        return document["data"]

    def written(self) -> list[str]:
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*.md")
            if path.is_file()
        )


@pytest.fixture
def agent(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Commands:
    root = tmp_path / "repo"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(root)
    return Commands(root, capsys)


def test_seeds_spelling_of_a_builder(agent: Commands) -> None:
    words = ("builder", "python", "--framework", "django", "--test-command", "pytest -v")
    assert agent("generate", *words) == 0
    path = agent.root / ".orchestrate" / "agents" / "builder-python.md"
    assert agent.out == f"wrote {path}\n"
    assert agent.err.startswith("found: typescript 61%, python 39%; django, react\n")
    profile = read_profile(path)
    assert profile.warnings == ()
    assert profile.extra["generated"] == time.strftime("%Y-%m-%d")
    assert "\npytest -v\n" in profile.body


def test_test_command_of_the_settings_counts_where_the_repository_is_trusted(
    agent: Commands,
) -> None:
    settings = agent.root / ".orchestrate" / "settings.yaml"
    settings.parent.mkdir()
    settings.write_text("test_command: ./check --all\n")
    assert agent("generate", "builder", "python", "--print") == 0
    assert "./check --all" not in agent.out
    assert run(["trust", "grant"]) == 0
    assert agent("generate", "builder", "python", "--print") == 0
    assert "\n./check --all\n" in agent.out
    assert agent("generate", "builder", "python", "--print", "--test-command", "mine") == 0
    assert "./check --all" not in agent.out


def test_test_command_of_the_user_counts(agent: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_TEST_COMMAND", "./check --all")
    assert agent("generate", "builder", "python", "--print") == 0
    assert "\n./check --all\n" in agent.out


def test_seeds_spelling_of_a_specialist(agent: Commands) -> None:
    words = ("specialist", "performance", "--domain", "optimization", "--focus", "profiling")
    assert agent("generate", *words, "--claude") == 0
    assert agent.written() == [".claude/agents/performance-specialist.md"]


def test_seeds_spelling_of_a_description(agent: Commands) -> None:
    words = ("--tools", "Read,Edit,Bash", "--focus", "schema changes")
    data = agent.data("create", "database migration specialist", *words)
    [made] = data["agents"]
    assert made["name"] == "database-migration-specialist"
    assert read_profile(Path(made["path"])).tools == ("Read", "Edit", "Bash")


def test_builder_without_a_language_is_one_for_each(agent: Commands) -> None:
    data = agent.data("generate", "builder")
    assert {each["name"] for each in data["agents"]} == {"builder-python", "builder-typescript"}
    assert {each["name"] for each in data["stack"]["frameworks"]} == {"django", "react"}


def test_printing_writes_nothing(agent: Commands) -> None:
    assert agent("generate", "optimizer", "query", "--print") == 0
    assert agent.out.startswith("---\nname: query-optimizer\n")
    assert agent.written() == []
    data = agent.data("generate", "optimizer", "query", "--print")
    assert data["agents"][0]["path"] is None


def test_file_is_not_replaced_without_force(agent: Commands) -> None:
    assert agent("generate", "optimizer", "query") == 0
    assert agent("generate", "optimizer", "query") == 2
    assert "--force" in agent.err
    assert agent("generate", "optimizer", "query", "--force") == 0
    assert agent.out.startswith("replaced ")
    assert agent("generate", "optimizer", "query", "--name", "faster") == 0
    assert len(agent.written()) == 2


def test_output_goes_where_it_is_wanted(agent: Commands, tmp_path: Path) -> None:
    assert agent("generate", "builder", "go", "--output", str(tmp_path / "go.md")) == 0
    assert read_profile(tmp_path / "go.md").name == "builder-go"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("generate", "optimizer", "x", "--domain", "y"), "it is for: specialist"),
        (("generate", "specialist", "x", "--framework", "y"), "it is for: builder"),
        (("generate", "builder", "go", "--focus", "y"), "it is for: specialist, optimizer"),
        (("generate", "specialist"), "orchestrate agent generate specialist performance"),
        (("generate", "builder", "cobol"), "known: python"),
        (("generate", "builder", "--name", "x"), "name one language"),
        (("generate", "builder", "go", "--print", "--force"), "--print writes nothing"),
        (("generate", "builder", "go", "--claude", "--output", "x"), "two places"),
        (("generate", "builder", "go", "--name", "../x"), "a-z 0-9"),
        (("create", "..."), "--name NAME"),
        (("create", "x", "--tools", "a b"), "separated by commas"),
        (("archive", "builder"), "same name"),
        (("activate", "nobody"), "agent list --archived"),
    ],
)
def test_mistake_is_told_with_the_next_step_and_nothing_is_written(
    words: tuple[str, ...], said: str, agent: Commands
) -> None:
    assert agent(*words) == 2
    assert said in agent.err
    assert agent.written() == []


def test_builder_of_a_repository_without_code_asks_for_a_language(agent: Commands) -> None:
    for name in FILES:
        (agent.root / name).unlink()
    assert agent("generate", "builder") == 2
    assert "generate builder python" in agent.err


def test_list_shows_active_and_archived_agents(agent: Commands) -> None:
    agent("generate", "builder", "python")
    agent("generate", "builder", "python", "--claude")
    agent("generate", "optimizer", "query", "--priority", "7")
    assert agent("archive", "query-optimizer") == 0
    assert "query-optimizer" not in agent.data("list")["archived"]
    active = agent.data("list")
    assert "builder-python" in {each["name"] for each in active["agents"]}
    assert active["archived"] == []
    [hidden] = active["shadowed"]
    assert hidden["path"].endswith(".orchestrate/agents/builder-python.md")
    away = agent.data("list", "--archived")
    assert away["agents"] == []
    [row] = away["archived"]
    assert (row["name"], row["priority"], row["run"]) == ("query-optimizer", 7, "")
    assert row["generated"] == time.strftime("%Y-%m-%d")
    both = agent.data("list", "--active", "--archived")
    assert len(both["agents"]) == len(active["agents"])
    assert len(both["archived"]) == 1
    assert agent("list", "--active", "--archived") == 0
    assert re.search(r"^query-optimizer +archived +Improves .*\(generated ", agent.out, re.M)
    assert "not used: " in agent.err


def test_agent_is_put_away_and_brought_back(agent: Commands) -> None:
    agent("generate", "builder", "python")
    moved = agent.data("archive", "builder-python")
    assert moved["target"].endswith("/archive/builder-python.md")
    assert agent("show", "builder-python") == 2
    assert agent("activate", "builder-python") == 0
    assert agent.out.startswith("moved ")
    assert agent("show", "builder-python") == 0


def test_next_agent_of_that_name_is_named_when_one_is_put_away(agent: Commands) -> None:
    assert agent("generate", "builder", "python", "--name", "builder") == 0
    assert agent("archive", "builder") == 0
    assert "builder is now" in agent.err
    assert "built-in" in agent.err


def test_activated_agent_that_another_hides_is_told(agent: Commands) -> None:
    agent("generate", "builder", "python")
    agent("archive", "builder-python")
    agent("generate", "builder", "python", "--claude")
    assert agent("activate", "builder-python") == 0
    assert "searched earlier" in agent.err


def test_uninstall_takes_generated_agents_and_keeps_changed_ones(agent: Commands) -> None:
    agent("generate", "builder", "python")
    agent("generate", "builder", "go")
    agent("archive", "builder-python")
    changed = agent.root / ".orchestrate" / "agents" / "builder-go.md"
    changed.write_text(changed.read_text() + "\nMine.\n")
    assert run(["uninstall", "--yes"]) == 0
    assert agent.written() == [".orchestrate/agents/builder-go.md"]
