"""A fix is judged by the very tests that showed the bug, and by what it breaks elsewhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.core.sharing.evidence import Evidence
from tests.integration.reproducing import (
    CODE,
    COVERAGE,
    FIX,
    FIXED,
    OLD_TESTS,
    RED,
    TESTS,
    Bug,
)

NEW = "tests/test_nothing.py"
RED_TEST = f"{NEW}::test_mean_of_nothing"


@pytest.fixture(scope="module")
def bug(tmp_path_factory: pytest.TempPathFactory, _isolated_module: None) -> Bug:
    """A repository whose regression test is merged; what was seen of it is kept between tests."""
    found = Bug(tmp_path_factory.mktemp("bug"))
    found.deliver({NEW: RED})
    return found


def test_a_fix_turns_the_tests_green_and_what_they_were_before_is_recorded(bug: Bug) -> None:
    judged, note = bug.fixed({"sums.py": FIX})
    assert judged.verdict == "passed", judged
    assert note.tests == (RED_TEST,)
    assert "1 test red before and green now" in note.summary
    assert "ZeroDivisionError" in note.before
    assert Path(note.path).is_file()


def test_a_wrong_fix_is_sent_back_with_what_the_test_still_says(bug: Bug) -> None:
    judged, _ = bug.fixed({"sums.py": FIX.replace("else 0", "else 1")})
    assert judged.verdict == "failed"
    assert f"still failing: {RED_TEST} (AssertionError" in judged.cause


CHEATS: dict[str, tuple[dict[str, str | None], str]] = {
    "weaker": ({NEW: RED.replace("== 0", "in (0, 1)"), "sums.py": FIX}, f"it changes {NEW}"),
    "skipped": ({NEW: "import pytest\npytest.skip(allow_module_level=True)\n"}, "it changes"),
    "deleted": ({NEW: None, "sums.py": FIX}, f"it changes {NEW}"),
    "skipped from outside": (
        {
            "tests/conftest.py": "import pytest\n\ndef pytest_collection_modifyitems(items):\n"
            "    for item in items:\n        item.add_marker(pytest.mark.skip)\n"
        },
        "not run any more",
    ),
    "deselected": (
        {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q -k total'\n"},
        "not run any more",
    ),
    "no longer collected": (
        {"tests/conftest.py": "collect_ignore = ['test_nothing.py']\n"},
        "not run any more",
    ),
    "expected to fail": (
        {
            "tests/conftest.py": "import pytest\n\ndef pytest_collection_modifyitems(items):\n"
            "    for item in items:\n        item.add_marker(pytest.mark.xfail)\n"
        },
        "not run any more",
    ),
    "no Python": ({"sums.py": "def mean(:\n"}, "SyntaxError"),
}


@pytest.mark.parametrize("kind", CHEATS)
def test_a_fix_that_keeps_the_tests_from_speaking_is_sent_back(bug: Bug, kind: str) -> None:
    files, said = CHEATS[kind]
    judged, _ = bug.fixed(files)
    assert judged.verdict in ("failed", "unknown"), judged
    assert said in judged.cause
    assert judged.verdict == "failed" or kind == "no Python"


#: A plugin by which every test passes, whatever the code does.
ALL_PASS = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    outcome = yield
    outcome.force_result(True)
"""
#: What mends the code when the tests are run, and not before.
MENDS = """\
import pathlib

code = pathlib.Path(__file__).parent.parent / "sums.py"
code.write_text(code.read_text().replace("len(numbers)", "(len(numbers) or 1)"))
"""
STEERING: dict[str, dict[str, str | None]] = {
    "a hook in a conftest.py": {"tests/conftest.py": ALL_PASS},
    "a plugin named in the settings": {
        "everything.py": ALL_PASS,
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q -p everything'\n",
    },
    "other settings in front of these": {
        "everything.py": ALL_PASS,
        "pytest.ini": "[pytest]\naddopts = -p everything\n",
    },
    "a conftest.py that mends the code for the tests": {"tests/conftest.py": MENDS},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", STEERING)
def test_a_fix_that_makes_any_test_pass_is_sent_back_with_what_to_take_back(
    bug: Bug, kind: str
) -> None:
    files = STEERING[kind]
    judged, _ = bug.fixed(files)
    assert judged.verdict == "failed", judged
    steering = next(path for path in files if path != "everything.py")
    assert f"with {steering} as before the fix: still failing: {RED_TEST}" in judged.cause
    assert "mend the code, and take that change back" in judged.cause


@pytest.mark.slow
def test_what_a_fix_breaks_and_hides_by_its_settings_is_seen(bug: Bug) -> None:
    broken = FIX.replace("sum(numbers)", "0 * sum(numbers)")
    judged, _ = bug.fixed({"sums.py": broken, "conftest.py": ALL_PASS})
    assert judged.verdict == "failed", judged
    assert "with conftest.py as before the fix, it breaks tests/test_sums.py::" in judged.cause


@pytest.mark.slow
def test_a_fix_may_bring_tests_and_settings_of_its_own_if_it_holds_without_them(bug: Bug) -> None:
    files = {
        "sums.py": FIX,
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef one():\n    return [1]\n",
        "tests/test_more.py": "from sums import total\n\n\n"
        "def test_one(one):\n    assert total(one) == 1\n",
    }
    judged, note = bug.fixed(files)
    assert judged.verdict == "passed", judged
    assert "1 test red before and green now" in note.summary


@pytest.mark.slow
def test_tests_that_a_fix_makes_say_something_else_are_named(bug: Bug) -> None:
    weaker = OLD_TESTS.replace("== 3", ">= 0").replace("== 2", ">= 0")
    broken = FIX.replace("sum(numbers)", "0 * sum(numbers)")
    judged, note = bug.fixed({"sums.py": broken, "tests/test_sums.py": weaker})
    assert judged.verdict == "passed", judged
    said = "it changes tests that fail as they were: tests/test_sums.py::"
    assert said in judged.cause
    assert said in note.summary


@pytest.mark.slow
def test_what_breaks_elsewhere_is_seen_by_the_tests_on_the_line(bug: Bug) -> None:
    line = bug.line
    good = bug.work({"sums.py": FIX}, line, "fix.1").commit
    judged, note = bug.judge(TESTS, good, line)
    assert judged.verdict == "passed", judged
    assert note.before.startswith("2 passed, 1 failed")
    broken = FIX.replace("sum(numbers)", "0")
    judged, _ = bug.judge(TESTS, bug.work({"sums.py": broken}, line, "fix.2").commit, line)
    assert judged.verdict == "failed"
    assert "newly failing: tests/test_sums.py::test_total" in judged.cause


@pytest.mark.slow
def test_coverage_is_measured_before_and_after_the_fix(bug: Bug) -> None:
    line = bug.line
    longer = CODE.replace(
        "    return total(numbers) / len(numbers)",
        "    if not numbers:\n        return 0\n    return total(numbers) / len(numbers)",
    )
    judged, _ = bug.judge(COVERAGE, bug.work({"sums.py": longer}, line, "fix.1").commit, line)
    assert (judged.verdict, "lines covered" in judged.cause) == ("passed", True), judged
    idle = longer + "\n\ndef idle():\n    return 1\n"
    judged, _ = bug.judge(COVERAGE, bug.work({"sums.py": idle}, line, "fix.2").commit, line)
    assert (judged.verdict, "coverage fell" in judged.cause) == ("failed", True), judged


def test_a_fix_of_what_was_never_shown_is_unknown(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    judged, _ = bug.judge(FIXED)
    assert judged.verdict == "unknown"
    assert "has delivered no test" in judged.cause
    bug.deliver({NEW: OLD_TESTS})
    judged, _ = bug.fixed({"sums.py": FIX})
    assert judged.verdict == "unknown"
    assert "the bug was not shown before" in judged.cause


def test_evidence_that_is_gone_is_gathered_again(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: RED})
    first, _ = bug.fixed({"sums.py": FIX})
    for path in bug.runs_dir.rglob("evidence.json"):
        path.unlink()
    line = bug.line
    again, _ = bug.judge(FIXED, bug.work({"sums.py": FIX}, line, "fix.1").commit, line)
    assert first == again


@pytest.mark.slow
def test_evidence_that_somebody_else_leaves_meanwhile_is_not_believed(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: RED})
    line = bug.line
    wrong = bug.work({"sums.py": FIX.replace("else 0", "else 1")}, line, "fix.1").commit
    assert bug.judge(FIXED, wrong, line)[0].verdict == "failed"
    later = bug.made()
    for path in bug.runs_dir.rglob("evidence.json"):
        seen = msgspec.json.decode(path.read_bytes(), type=Evidence)
        if seen.revision == wrong:
            forged = {"verdict": "passed", "exit_code": 0, "failing": (), "passing": seen.failing}
            path.write_bytes(msgspec.json.encode(msgspec.structs.replace(seen, **forged)))
    judged, _ = bug.judge(FIXED, wrong, line, checks=later)
    assert (judged.verdict, "still failing" in judged.cause) == ("failed", True), judged
