"""Detection on source distributions of real projects."""

from __future__ import annotations

import pytest

from orchestrate.adapters.evidence.detect import detect
from tests.packages import fetch_sdist

pytestmark = pytest.mark.packages


@pytest.mark.parametrize(
    ("name", "version", "runner", "source", "paths"),
    [
        ("h11", "0.16.0", "pytest", "h11/tests/test_connection.py:3", ()),
        ("sqlparse", "0.6.1", "pytest", "Makefile:13", ("tests",)),
        ("itsdangerous", "2.2.0", "pytest", "pyproject.toml:43", ()),
        ("pluggy", "1.6.0", "pytest", "tox.ini:33", ()),
        ("Flask", "0.12.2", "pytest", "setup.cfg:10", ("tests",)),
        ("requests", "2.19.1", "pytest", "pytest.ini:1", ()),
    ],
)
def test_tests_of_a_real_project_are_found(
    name: str, version: str, runner: str, source: str, paths: tuple[str, ...]
) -> None:
    detection = detect(fetch_sdist(name, version))
    command = detection.first("test")
    assert command is not None
    assert (command.runner, command.source, command.folder) == (runner, source, ".")
    assert command.argv[command.argv.index("--junit-xml={report}/junit.xml") + 1 :] == paths
    coverage = detection.first("coverage")
    assert coverage is not None
    assert coverage.runner == runner
    assert detection.first("build") is not None
    assert detection.setup
    assert detection.notes == ()


def test_project_with_a_test_command_of_its_own() -> None:
    """PyYAML 3.13 has test files that neither pytest nor unittest can run."""
    detection = detect(fetch_sdist("PyYAML", "3.13"))
    command = detection.first("test")
    assert command is not None
    assert command.argv == ("{python}", "setup.py", "test")
    assert command.source == "setup.py:306"


def test_settings_of_real_linters_are_found() -> None:
    detection = detect(fetch_sdist("itsdangerous", "2.2.0"))
    lint = [command.runner for command in detection.commands if command.kind == "lint"]
    assert lint == ["ruff", "mypy"]
    tests = [command.runner for command in detection.commands if command.kind == "test"]
    assert tests == ["pytest", "tox"]
