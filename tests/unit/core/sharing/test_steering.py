"""Which files can decide what becomes of tests, and what follows for a fix that touches them."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.evidence import CheckCommand, Counts, Evidence
from orchestrate.core.sharing.reproduction import Reproduction
from orchestrate.core.sharing.steering import judge_unsteered, reaches_all, steers_tests

SHOWN = Reproduction(
    "regression", "b", "c", "passed", tests=("t/test_a.py::test_it",), files={"t/test_a.py": "1"}
)


@pytest.mark.parametrize(
    "path",
    [
        *("conftest.py", "a/b/conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini"),
        *("setup.cfg", "pyproject.toml", "sub/pyproject.toml", "sitecustomize.py", ".coveragerc"),
        *("tests/helper.py", "pkg/tests/data.json", "test/run.sh", "a/__mocks__/b.js"),
        *("package.json", "jest.config.mjs", "vitest.config.ts", ".mocharc.json", "setupTests.ts"),
        *(".cargo/config.toml", "Cargo.toml", "Makefile", "noxfile.py", "a/x_test.go", "test_a.py"),
        *("app/tests.py", "src/a.spec.ts"),
    ],
)
def test_files_that_decide_what_becomes_of_tests(path: str) -> None:
    assert steers_tests(path)


@pytest.mark.parametrize(
    "path",
    [
        *("calc.py", "django/test/client.py", "starlette/testclient.py", "numpy/testing/utils.py"),
        *(
            "src/spec/parser.py",
            "weights.pth",
            "go.mod",
            "babel.py",
            "a/e2e/crypto.py",
            "latest.py",
        ),
        *("commands/test.py", "contest.py"),
    ],
)
def test_code_that_only_sounds_like_tests_is_code(path: str) -> None:
    assert not steers_tests(path)


def test_only_modules_of_tests_reach_no_other_file() -> None:
    assert not reaches_all(["tests/test_a.py", "test_b.py"])
    assert reaches_all(["tests/test_a.py", "tests/conftest.py"])


def seen(*passing: str, failing: tuple[str, ...] = ()) -> Evidence:
    """Evidence of a whole run with these outcomes."""
    return Evidence(
        CheckCommand("test", "pytest", ("pytest",)),
        "r",
        "t",
        "failed" if failing else "passed",
        passing=passing,
        failing=failing,
        exit_code=1 if failing else 0,
        counts=Counts(passed=len(passing), failed=len(failing)),
    )


def test_a_fix_that_holds_without_its_settings_passes() -> None:
    judged = judge_unsteered(SHOWN, ["conftest.py"], seen(*SHOWN.tests))
    assert judged.verdict == "passed"


def test_a_fix_that_needs_its_settings_fails_and_is_told_to_take_them_back() -> None:
    judged = judge_unsteered(SHOWN, ["conftest.py"], seen(failing=SHOWN.tests))
    assert judged.verdict == "failed"
    assert judged.cause.startswith("with conftest.py as before the fix: still failing: ")
    assert "take that change back" in judged.cause


def test_what_cannot_be_told_without_the_settings_does_not_pass() -> None:
    stopped = Evidence(CheckCommand("test", "pytest", ("pytest",)), "r", "t", "unknown", "stopped")
    judged = judge_unsteered(SHOWN, ["conftest.py"], stopped)
    assert (judged.verdict, judged.cause) == (
        "unknown",
        "with conftest.py as before the fix: stopped",
    )


def test_a_test_that_passed_before_has_to_pass_without_the_settings() -> None:
    other = "t/test_b.py::test_other"
    before = seen(other, failing=SHOWN.tests)
    after = seen(*SHOWN.tests, failing=(other,))
    judged = judge_unsteered(SHOWN, ["pytest.ini"], after, before)
    assert (judged.verdict, other in judged.cause) == ("failed", True)
    # The test was changed as well: what it said before is not what counts.
    changed = judge_unsteered(SHOWN, ["pytest.ini", "t/test_b.py"], after, before)
    assert (changed.verdict, changed.cause) == (
        "passed",
        f"it changes tests that fail as they were: {other}",
    )
