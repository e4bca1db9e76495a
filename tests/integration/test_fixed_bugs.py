"""A fix is judged by the very tests that showed the bug, and by what it breaks elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

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
