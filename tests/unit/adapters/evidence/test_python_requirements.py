"""What is read, without executing anything, about the needs of a project's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.evidence.poetry_requirements import poetry_requirements
from orchestrate.adapters.evidence.python_requirements import (
    Requirements,
    own_extras,
    read_requirements,
    without_self,
)
from tests.integration.evidence_projects import write

PACKAGE = '[build-system]\nrequires = []\n[project]\nname = "thing"\n'


def read(tmp_path: Path, files: dict[str, str]) -> Requirements:
    return read_requirements(write(tmp_path, files))


def test_a_folder_without_any_manifest_needs_nothing(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) == Requirements()


@pytest.mark.parametrize("name", ["test", "tests", "testing"])
def test_extras_and_groups_for_tests_are_taken(tmp_path: Path, name: str) -> None:
    text = f"""{PACKAGE}
[project.optional-dependencies]
{name} = ["a"]
docs = ["sphinx"]
dev = ["linter"]
[dependency-groups]
{name} = ["b", {{include-group = "more"}}]
more = ["c", {{include-group = "{name}"}}]
dev = ["linter"]
"""
    found = read(tmp_path, {"pyproject.toml": text})
    assert found.extras == (name,)
    assert found.lines == ("b", "c")
    assert (found.package, found.name) == (True, "thing")


def test_those_for_development_are_taken_where_none_are_for_tests(tmp_path: Path) -> None:
    text = (
        f'{PACKAGE}[project.optional-dependencies]\ndev = ["a"]\n[dependency-groups]\ndev=["b"]\n'
    )
    found = read(tmp_path, {"pyproject.toml": text, "requirements-dev.txt": "c\n"})
    assert (found.extras, found.lines, found.files) == (("dev",), ("b",), ("requirements-dev.txt",))


@pytest.mark.parametrize(
    "name",
    [
        "requirements/test.txt",
        "requirements/tests.txt",
        "requirements-test.txt",
        "requirements_test.txt",
        "test-requirements.txt",
        "test_requirements.txt",
        "tests/requirements.txt",
    ],
)
def test_requirement_files_for_tests_are_found(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, {"setup.py": "", name: "a\n", "requirements.txt": "b\n"})
    assert found.files == (name,)


def test_a_project_that_is_no_package_needs_its_plain_requirements(tmp_path: Path) -> None:
    files = {"requirements.txt": "a\n", "requirements/test.txt": "b\n"}
    assert read(tmp_path, files).files == ("requirements.txt", "requirements/test.txt")
    assert not read(tmp_path, files).package


def test_tox_says_what_it_installs_without_conditions(tmp_path: Path) -> None:
    tox = """[testenv]
deps =
    pytest>=7  # the runner
    -r{toxinidir}/needs/run.txt
    -r absent.txt
    py38: backport
    {[testenv:lint]deps}
    -e .
    url @ https://example.invalid/a.zip
extras = async, tests
"""
    found = read(tmp_path, {"setup.py": "", "tox.ini": tox, "needs/run.txt": "x\n"})
    assert found.lines == ("pytest>=7", "url @ https://example.invalid/a.zip")
    assert found.files == ("needs/run.txt",)
    assert found.extras == ("async", "tests")


def test_tox_in_pyproject_is_read_in_both_forms(tmp_path: Path) -> None:
    native = f'{PACKAGE}[tool.tox.env_run_base]\ndeps = ["a"]\nextras = ["test"]\n'
    assert read(tmp_path / "native", {"pyproject.toml": native}).lines == ("a",)
    legacy = f'{PACKAGE}[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ndeps = b\n"""\n'
    assert read(tmp_path / "legacy", {"pyproject.toml": legacy}).lines == ("b",)


@pytest.mark.parametrize(
    "setup",
    [
        "from setuptools import setup\nsetup(tests_require=['a', 'b'])",
        "import setuptools\nneeds = ['a', 'b']\nsetuptools.setup(name='x', tests_require=needs)",
        "from setuptools import setup\nsetup(tests_require='a\\nb')",
    ],
)
def test_setup_py_is_read_and_not_run(tmp_path: Path, setup: str) -> None:
    found = read(tmp_path, {"setup.py": f"{setup}\nraise SystemExit('was run')\n"})
    assert found.lines == ("a", "b")
    assert found.package


def test_extras_of_setup_files_are_known_by_name(tmp_path: Path) -> None:
    setup = "from setuptools import setup\nsetup(extras_require={'test': open('x').readlines()})"
    assert read(tmp_path / "py", {"setup.py": setup}).extras == ("test",)
    text = "[metadata]\nname = thing\n[options.extras_require]\ntesting =\n  a\n"
    found = read(tmp_path / "cfg", {"setup.cfg": text})
    assert (found.extras, found.package, found.name) == (("testing",), True, "thing")


@pytest.mark.parametrize(
    ("options", "plugins"),
    [
        ("addopts = --cov=thing --strict-markers", ("pytest-cov",)),
        ("addopts = -n auto -q", ("pytest-xdist",)),
        ("timeout = 60", ("pytest-timeout",)),
        ("asyncio_mode = auto", ("pytest-asyncio",)),
        ("filterwarnings = ignore:--cov", ()),
        ("addopts = -ra --no-header", ()),
    ],
)
def test_plugins_that_the_configuration_needs_are_added(
    tmp_path: Path, options: str, plugins: tuple[str, ...]
) -> None:
    assert read(tmp_path, {"pytest.ini": f"[pytest]\n{options}\n"}).lines == plugins


@pytest.mark.parametrize("damage", ["\0", "[", "[project]\nname = ", "\udcff"])
def test_damaged_files_are_passed_over(tmp_path: Path, damage: str) -> None:
    for name in ("pyproject.toml", "setup.cfg", "tox.ini", "setup.py"):
        (tmp_path / name).write_bytes(damage.encode(errors="surrogateescape"))
    assert read_requirements(tmp_path).package


@pytest.mark.parametrize(
    ("line", "extras"),
    [
        ("-e .", ()),
        ("-e .[test]", ("test",)),
        ("--editable=.[a,b]", ("a", "b")),
        (".", ()),
        ("./", ()),
        (".[test] ; python_version > '3'", ("test",)),
        ("file:.", ()),
        ("-e .  # ourselves", ()),
    ],
)
def test_a_line_that_installs_the_project_itself_is_dropped(
    line: str, extras: tuple[str, ...]
) -> None:
    text = f"one\n{line}\ntwo\n"
    assert without_self(text) == "one\ntwo\n"
    assert own_extras(text) == extras


@pytest.mark.parametrize("line", ["./vendor/other", "-e /abs", "-r .hidden.txt", "a.b", "-c .x"])
def test_other_lines_stay(line: str) -> None:
    assert without_self(f"{line}\n") == f"{line}\n"
    assert own_extras(line) == ()


@pytest.mark.parametrize(
    ("constraint", "line"),
    [
        ("^1.2.3", "a>=1.2.3,<2"),
        ("^0.2.3", "a>=0.2.3,<0.3"),
        ("^0.0.3", "a>=0.0.3,<0.0.4"),
        ("^1", "a>=1,<2"),
        ("^0", "a>=0,<1"),
        ("~1.2.3", "a>=1.2.3,<1.3"),
        ("~1", "a>=1,<2"),
        ("1.2", "a==1.2"),
        ("*", "a"),
        (">=1, <3", "a>=1,<3"),
        ("^1 || ^2", "a"),
    ],
)
def test_poetrys_notation_is_turned_into_pips(constraint: str, line: str) -> None:
    project = {"tool": {"poetry": {"group": {"test": {"dependencies": {"a": constraint}}}}}}
    assert poetry_requirements(project, ("test",)) == (line,)


def test_poetrys_tables_are_read_with_extras_and_markers() -> None:
    table = {
        "python": "^3.11",
        "a": {"version": "^1", "extras": ["x", "y"], "markers": "sys_platform == 'linux'"},
        "b": {"path": "../b"},
        "c": {"git": "https://example.invalid/c"},
    }
    project = {"tool": {"poetry": {"dependencies": table, "dev-dependencies": {"d": "1"}}}}
    assert poetry_requirements(project, ("",)) == ("a[x,y]>=1,<2 ; sys_platform == 'linux'",)
    assert poetry_requirements(project, ("dev",)) == ("d==1",)
