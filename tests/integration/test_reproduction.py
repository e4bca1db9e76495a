"""Tests that show a bug: red for the right reason, or sent back with what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrate.core.sharing.evidence import Verdict
from tests.e2e.git_states import git
from tests.integration.reproducing import (
    CODE,
    FIX,
    FIXED,
    OLD_TESTS,
    RED,
    REPRODUCES,
    RUN,
    TESTS,
    Bug,
)

NEW = "tests/test_nothing.py"
RED_TEST = f"{NEW}::test_mean_of_nothing"


def test_a_test_that_fails_by_what_the_code_raises_shows_the_bug(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    judged, note = bug.reproduced({NEW: RED})
    assert judged.verdict == "passed", judged
    assert note.tests == (RED_TEST,)
    assert f"{RED_TEST} (ZeroDivisionError: division by zero)" in note.summary
    assert note.digest and Path(note.path).is_file()
    kept = bug.written_down["regression"]
    assert kept["tests"] == [RED_TEST]
    assert kept["files"] == {NEW: git(bug.root, "rev-parse", f"{bug.line}:{NEW}").strip()}


@pytest.mark.slow
def test_a_statement_that_is_not_met_shows_the_bug_in_a_new_and_in_an_old_file(
    tmp_path: Path,
) -> None:
    stated = "\n\ndef test_total_of_texts():\n    assert total([1, 1]) == 3\n"
    helped = {
        "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef none():\n    return []\n",
        NEW: "import sums, pytest\n\ndef test_it(none):\n    with pytest.raises(ValueError):\n"
        "        sums.total(none)\n",
    }
    for number, files in enumerate(({"tests/test_sums.py": OLD_TESTS + stated}, helped)):
        judged, note = Bug(tmp_path / str(number)).reproduced(files)
        assert judged.verdict == "passed", judged
        assert len(note.tests) == 1


BROKEN = """\
import pytest, sums

@pytest.fixture
def wrong():
    return sums.mean([])

def test_misspelt():
    assert maen([]) == 0

def test_wrong_call():
    sums.mean()

def test_no_fixture(numbers):
    assert numbers

def test_breaks_before(wrong):
    assert wrong == 0

def test_right():
    assert sums.mean([]) == 0
"""


def test_a_test_that_is_broken_itself_is_sent_back_with_its_error(tmp_path: Path) -> None:
    judged, note = Bug(tmp_path).reproduced({NEW: BROKEN})
    assert judged.verdict == "failed", judged
    assert judged.cause in note.summary
    causes = dict(cause.split(" ", 1) for cause in judged.cause.split("; ") if "::" in cause)
    said = {name.rpartition("::")[2]: cause for name, cause in causes.items()}
    assert list(said) == [
        "test_misspelt",
        "test_wrong_call",
        "test_no_fixture",
        "test_breaks_before",
    ]
    assert f"error of the test itself, in {NEW}: NameError" in said["test_misspelt"]
    assert f"error of the test itself, in {NEW}: TypeError" in said["test_wrong_call"]
    for name in ("test_no_fixture", "test_breaks_before"):
        assert "breaks in its set-up" in said[name]
    assert "fixture 'numbers' not found" in said["test_no_fixture"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from sums import maen\n\ndef test_it():\n    pass\n", "ImportError"),
        ("import smus\n\ndef test_it():\n    pass\n", "ModuleNotFoundError"),
        ("def test_it(:\n    pass\n", "SyntaxError"),
    ],
)
def test_a_test_that_cannot_be_loaded_is_sent_back_with_its_error(
    tmp_path: Path, text: str, said: str
) -> None:
    judged, _ = Bug(tmp_path).reproduced({NEW: text})
    assert judged.verdict == "failed", judged
    assert judged.cause.startswith(f"{NEW} cannot be loaded: {said}")


OTHER: dict[str, tuple[dict[str, str | None], Verdict, str]] = {
    "green": (
        {NEW: "import sums\n\ndef test_it():\n    assert sums.total([]) == 0\n"},
        "failed",
        "passing on the code as it is",
    ),
    "code": ({NEW: RED, "sums.py": CODE + "\n\nx = 1\n"}, "failed", "sums.py is no test"),
    "settings": ({NEW: RED, "pytest.ini": "[pytest]\n"}, "failed", "pytest.ini is no test"),
    "nothing": ({"tests/data.txt": "x\n"}, "failed", "no test that was not there"),
    "skipped": (
        {NEW: RED.replace("def ", "import pytest\n\n@pytest.mark.skip\ndef ", 1)},
        "failed",
        "skipped",
    ),
    "elsewhere": ({"tests/repro.py": RED}, "failed", "no test that was not there"),
    "changed": (
        {"tests/test_sums.py": OLD_TESTS.replace("== 3", "== 4")},
        "failed",
        "test_total; add a test instead",
    ),
    "taken away": (
        {"tests/test_sums.py": RED},
        "failed",
        "not run any more: tests/test_sums.py::test_total",
    ),
    "disturbing": (
        {NEW: RED, "tests/conftest.py": "import sums\n\nsums.total = lambda numbers: 4\n"},
        "failed",
        "failing that passed before",
    ),
}


@pytest.mark.parametrize("kind", OTHER)
def test_what_shows_no_bug_is_sent_back(tmp_path: Path, kind: str) -> None:
    files, verdict, said = OTHER[kind]
    judged, _ = Bug(tmp_path).reproduced(files)
    assert (judged.verdict, said in judged.cause) == (verdict, True), judged


def test_a_test_that_fails_by_chance_is_unknown(tmp_path: Path) -> None:
    lucky = """\
        import pathlib, sums

        def test_mean_of_nothing():
            place = pathlib.Path("runs.txt")
            runs = len(place.read_text()) if place.exists() else 0
            place.write_text("x" * (runs + 1))
            assert sums.total([]) == (1 if runs % 2 == 0 else 0)
        """
    judged, _ = Bug(tmp_path).reproduced({NEW: lucky})
    assert judged.verdict == "unknown"
    assert "without a change" in judged.cause


def test_a_module_that_the_code_lacks_is_the_fault_of_nobody_here(tmp_path: Path) -> None:
    bug = Bug(
        tmp_path,
        {
            "sums.py": CODE + "\n\ndef fast():\n    import not_installed\n",
            "other.py": "import not_installed\n",
            "tests/test_sums.py": OLD_TESTS,
        },
    )
    judged, _ = bug.reproduced({NEW: "import sums\n\ndef test_it():\n    sums.fast()\n"})
    assert (judged.verdict, "not installed" in judged.cause) == ("unknown", True), judged
    judged, _ = bug.reproduced({NEW: "import other\n\ndef test_it():\n    pass\n"})
    assert (judged.verdict, "because the code cannot" in judged.cause) == ("unknown", True), judged


def test_without_trust_nothing_runs_and_nothing_is_known(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: RED})
    judged, _ = bug.judge(REPRODUCES, checks=bug.made(trusted=False))
    assert judged.verdict == "unknown"
    assert "--trust-repo" in judged.cause
    assert not list((bug.runs_dir / RUN).glob("evidence/*"))


def test_what_was_judged_is_not_run_again(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    first = bug.reproduced({NEW: RED})
    runs = {path: path.stat().st_mtime_ns for path in bug.runs_dir.rglob("evidence.json")}
    assert len(runs) == 2
    assert bug.judge(REPRODUCES, checks=bug.made()) == first
    assert {path: path.stat().st_mtime_ns for path in runs} == runs


def test_the_user_s_own_call_of_pytest_is_understood(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: RED})
    judged, note = bug.judge(REPRODUCES, checks=bug.made(test_command="pytest -v tests"))
    assert judged.verdict == "passed", judged
    assert note.tests == (RED_TEST,)


def test_of_a_shell_line_is_said_what_cannot_be_told(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: RED})
    own = "pytest -q tests && true"
    judged, _ = bug.judge(REPRODUCES, checks=bug.made(test_command=own))
    assert judged.verdict == "unknown", judged
    assert judged.cause


UNITTEST = """\
import unittest

import sums


class Sums(unittest.TestCase):
    def test_total(self):
        self.assertEqual(sums.total([1, 2]), 3)
"""


@pytest.mark.parametrize(
    ("line", "verdict", "said"),
    [
        ("self.assertEqual(sums.total([]), 1)", "passed", ""),
        ("self.assertEqual(sums.mean([]), 0)", "passed", ""),
        ("self.assertEqual(sums.maen([]), 0)", "failed", "AttributeError"),
        ("self.assertEqual(sums.total([]), 0)", "failed", "as it is"),
    ],
)
def test_unittest_tells_as_much(tmp_path: Path, line: str, verdict: str, said: str) -> None:
    bug = Bug(tmp_path, {"sums.py": CODE, "tests/__init__.py": "", "tests/test_sums.py": UNITTEST})
    text = UNITTEST.replace("test_total", "test_nothing").replace(
        "self.assertEqual(sums.total([1, 2]), 3)", line
    )
    judged, note = bug.reproduced({NEW: text})
    assert judged.verdict == verdict, judged
    assert said in judged.cause
    if verdict == "passed":
        assert note.tests == ("tests.test_nothing.Sums.test_nothing",)


def test_where_there_were_no_tests_the_new_ones_say_how_they_are_run(tmp_path: Path) -> None:
    bug = Bug(tmp_path, {"sums.py": CODE})
    judged, note = bug.reproduced({NEW: RED})
    assert judged.verdict == "passed", judged
    assert note.tests == (RED_TEST,)
    line = bug.line
    fixed = bug.work({"sums.py": FIX}, line, "fix.1").commit
    assert bug.judge(FIXED, fixed, line)[0].verdict == "passed"
    assert bug.judge(TESTS, fixed, line)[0].verdict == "passed"


def test_a_gate_whose_condition_does_not_hold_passes_and_runs_nothing(tmp_path: Path) -> None:
    bug = Bug(tmp_path)
    bug.deliver({NEW: OLD_TESTS})
    judged, note = bug.judge(replace(REPRODUCES, when="1 == 2"))
    assert (judged.verdict, note.summary) == ("passed", "not asked: 1 == 2 does not hold")
    assert not bug.runs_dir.exists()
    asked, _ = bug.judge(replace(REPRODUCES, when="tasks.nobody.metrics.x > 0"))
    assert asked.verdict == "failed"
