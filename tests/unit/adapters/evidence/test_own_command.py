"""The user's own test command, where it is nothing but a call of pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.evidence.own_command import as_pytest
from orchestrate.adapters.evidence.selection import FILES_VARIABLE, in_files
from orchestrate.core.sharing.evidence import CheckCommand


def own(text: str) -> CheckCommand:
    return CheckCommand("test", "shell", ("/bin/sh", "-c", text), env={"A": "1"}, timeout_s=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pytest -v", ("pytest", "-v")),
        ("coverage run -m pytest", ("coverage", "run", "-m", "pytest")),
        ("python -m pytest 'tests/a b'", ("python", "-m", "pytest", "tests/a b")),
    ],
)
def test_a_call_of_pytest_is_asked_for_a_report(text: str, words: tuple[str, ...]) -> None:
    found = as_pytest(own(text))
    assert (found.runner, found.env, found.timeout_s) == ("pytest", {"A": "1"}, 7)
    assert found.argv[: len(words)] == words
    assert "--junit-xml={report}/junit.xml" in found.argv


@pytest.mark.parametrize(
    "text",
    [
        "make test",
        "pytest && true",
        "pytest | tee log",
        "A=1 pytest",
        "cd sub; pytest",
        "pytest $ARGS",
        "pytest tests/*.py",
        "pytest --junitxml=own.xml",
        "pytest 'unclosed",
    ],
)
def test_what_needs_a_shell_or_is_something_else_stays_as_it_is(text: str) -> None:
    assert as_pytest(own(text)) == own(text)


def test_other_kinds_and_commands_stay_as_they_are() -> None:
    for command in (
        CheckCommand("command", "shell", ("/bin/sh", "-c", "pytest")),
        CheckCommand("test", "pytest", ("{python}", "-m", "pytest")),
    ):
        assert as_pytest(command) == command


def test_files_are_listed_from_the_folder_of_the_command(tmp_path: Path) -> None:
    command = CheckCommand("test", "pytest", ("pytest",), folder="api", env={"A": "1"})
    found = in_files(command, ("api/tests/test_a.py", "test_b.py"), tmp_path)
    listed = Path(found.env[FILES_VARIABLE]).read_text().splitlines()
    assert listed == ["tests/test_a.py", "../test_b.py"]
    assert (found.argv, found.env["A"]) == (command.argv, "1")
    assert in_files(command, (), tmp_path) == command
    go = CheckCommand("test", "go", ("go", "test"))
    assert in_files(go, ("a_test.go",), tmp_path) == go
