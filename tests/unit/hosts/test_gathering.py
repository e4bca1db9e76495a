"""Which of several commands a gate is decided by."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import CheckCommand
from orchestrate.hosts.local.gathering import Gathering, Policy
from orchestrate.ports.evidence import Detection

GATE = GateSpec("tests", "tests", timeout_s=90.0)
STATE = RunState(run="r", base="base")


def command(folder: str, runner: str = "pytest") -> CheckCommand:
    return CheckCommand("test", runner, (runner,), folder=folder)


class Places:
    """Checkouts that are only names: `workspaces` of a Gathering."""

    def checkout(self, run: str, name: str, commit: str) -> Path:
        return Path(commit)

    def discard(self, run: str, name: str) -> None:
        """Nothing was made."""


class Detects:
    """Finds in each commit what a test wrote down."""

    def __init__(self, found: dict[str, tuple[CheckCommand, ...]]) -> None:
        self._found = found

    def detect(self, folder: Path) -> Detection:
        return Detection(self._found[str(folder)], notes=("a.py:1: why",))


def asked(
    found: dict[str, tuple[CheckCommand, ...]], *files: str, **policy: object
) -> tuple[CheckCommand | None, str]:
    gathering = Gathering(
        Places(),  # type: ignore[arg-type]
        Detects(found),  # type: ignore[arg-type]
        Path(),
        Policy(**{"trusted": True, **policy}),  # type: ignore[arg-type]
    )
    return asyncio.run(gathering.command(STATE, "test", GATE, "before", files))


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ((), "."),
        (("api/tests/test_a.py",), "api"),
        (("api/v2/tests/test_a.py", "api/v2/test_b.py"), "api/v2"),
        (("api/tests/test_a.py", "web/a.test.ts"), "."),
        (("apiary/test_a.py",), "."),
    ],
)
def test_of_several_projects_the_innermost_that_holds_the_files(
    files: tuple[str, ...], folder: str
) -> None:
    commands = (command("."), command(".", "tox"), command("api"), command("api/v2"))
    found, problem = asked({"base": commands}, *files)
    assert problem == ""
    assert found is not None
    assert (found.folder, found.runner, found.timeout_s) == (folder, "pytest", 90.0)


def test_where_the_base_has_no_tests_the_commit_before_the_work_says_how() -> None:
    found, _ = asked({"base": (), "before": (command("."),)})
    assert found is not None
    nothing, problem = asked({"base": (), "before": ()})
    assert (nothing, problem) == (None, "no way to run tests was found: a.py:1: why")


def test_the_user_s_own_command_wins_and_trust_comes_first() -> None:
    found, _ = asked({}, test_command="make check", timeout_s=5.0)
    assert found is not None
    assert (found.argv, found.timeout_s) == (("/bin/sh", "-c", "make check"), 5.0)
    nothing, problem = asked({}, trusted=False)
    assert nothing is None
    assert "--trust-repo" in problem
