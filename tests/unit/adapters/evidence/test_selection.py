"""Asking a runner for some of its tests, in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.evidence.environments import kind_of, tools_of
from orchestrate.adapters.evidence.origin import PLUGIN
from orchestrate.adapters.evidence.selection import MOST_SELECTED, only, with_probe
from orchestrate.core.sharing.evidence import CheckCommand, EvidenceKind
from tests.integration.evidence_projects import write

ONLY = ("--only", "m.C.test_a", "--only", "m.C.test_b")


def command(runner: str, *argv: str, kind: EvidenceKind = "test") -> CheckCommand:
    return CheckCommand(kind=kind, runner=runner, argv=argv, env={"A": "1"})


@pytest.mark.parametrize(
    "argv",
    [
        ("{python}", "-m", "pytest"),
        ("pytest",),
        (".venv/bin/pytest",),
        ("{python}", "record.py", "{report}", "-m", "pytest"),
    ],
)
def test_the_plugin_stands_right_behind_pytest(argv: tuple[str, ...]) -> None:
    assert with_probe((*argv, "tests", "-q")) == (*argv, "-p", PLUGIN, "tests", "-q")


@pytest.mark.parametrize(
    "argv", [("tox",), ("{python}", "-m", "unittest"), ("make", "pytest"), ("{python}", "pytest")]
)
def test_what_does_not_run_pytest_itself_is_left_alone(argv: tuple[str, ...]) -> None:
    assert with_probe(argv) == argv


def test_pytest_gets_a_list_and_keeps_its_own_arguments(tmp_path: Path) -> None:
    asked = command("pytest", "{python}", "-m", "pytest", "tests")
    chosen = only(asked, ("tests/a.py::test_x[a b]", "tests/a.py::test_y"), tmp_path)
    assert chosen is not None
    assert chosen.argv == asked.argv
    assert chosen.env["A"] == "1"
    listed = Path(chosen.env["ORCHESTRATE_ONLY"]).read_text().splitlines()
    assert listed == ["tests/a.py::test_x[a b]", "tests/a.py::test_y"]


@pytest.mark.parametrize(
    ("asked", "names", "argv"),
    [
        (
            command("unittest", "{python}", "record.py", "r", "discover"),
            ("m.C.test_a", "m.C.test_b"),
            ("{python}", "record.py", "r", "discover", *ONLY),
        ),
        (
            command("go", "go", "test", "-json", "./..."),
            ("a.b/c::TestA/sub case", "a.b/c::TestA", "a.b/d::TestB"),
            ("go", "test", "-run", "^(TestA|TestB)$", "-json", "./..."),
        ),
        (
            command("cargo", "cargo", "test"),
            ("src/lib.rs::tests::works",),
            ("cargo", "test", "--", "--exact", "tests::works"),
        ),
        (
            command("vitest", "npx", "vitest", "run"),
            ("a.test.js > sum > adds (1+1)",),
            ("npx", "vitest", "run", "-t", r"^(sum\ adds\ \(1\+1\))$"),
        ),
    ],
    ids=["unittest", "go", "cargo", "vitest"],
)
def test_other_runners_are_asked_in_their_own_words(
    tmp_path: Path, asked: CheckCommand, names: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    chosen = only(asked, names, tmp_path)
    assert chosen is not None
    assert chosen.argv == argv


def test_where_there_is_no_way_to_ask_the_whole_command_has_to_do(tmp_path: Path) -> None:
    assert only(command("make", "make", "test"), ("a",), tmp_path) is None
    pytest_run = command("pytest", "pytest")
    assert only(pytest_run, (), tmp_path) is None
    assert only(pytest_run, tuple(map(str, range(MOST_SELECTED + 1))), tmp_path) is None


@pytest.mark.parametrize(
    ("asked", "files", "kind"),
    [
        (command("pytest", "{python}", "-m", "pytest"), (), "python"),
        (command("jest", "npx", "jest"), ("pyproject.toml",), "node"),
        (command("go", "go", "test"), (), "go"),
        (command("cargo", "cargo", "test"), (), "cargo"),
        (command("make", "make", "test"), ("setup.py", "package.json"), "python"),
        (command("make", "make", "test"), ("package.json",), "node"),
        (command("shell", "sh", "run"), ("go.mod",), "go"),
        (command("shell", "sh", "run"), ("Cargo.toml",), "cargo"),
        (command("shell", "sh", "run"), (), ""),
    ],
)
def test_the_environment_is_the_runners_or_else_the_projects(
    tmp_path: Path, asked: CheckCommand, files: tuple[str, ...], kind: str
) -> None:
    write(tmp_path, dict.fromkeys(files, ""))
    assert kind_of(asked, tmp_path) == kind


@pytest.mark.parametrize(
    ("asked", "tools"),
    [
        (command("pytest", "{python}", "-m", "pytest"), ("pytest",)),
        (command("pytest", "{python}", "-m", "pytest", kind="coverage"), ("coverage", "pytest")),
        (
            command("pytest", "{python}", "-m", "pytest", "--cov", kind="coverage"),
            ("pytest", "pytest-cov"),
        ),
        (command("mypy", "{python}", "-m", "mypy", kind="lint"), ("mypy",)),
        (command("unittest", "{python}", "-m", "unittest"), ()),
        (command("shell", "{python}", "-m", "thing.check"), ()),
    ],
)
def test_only_tools_known_by_name_are_installed_for_a_command(
    asked: CheckCommand, tools: tuple[str, ...]
) -> None:
    assert tools_of(asked) == tools
