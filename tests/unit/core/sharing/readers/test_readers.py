"""Readers of text and JSON, on what real tools printed."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.evidence import Counts
from orchestrate.core.sharing.outcomes import Outcomes, UnreadableReportError
from orchestrate.core.sharing.readers.cargo_text import read_cargo_text
from orchestrate.core.sharing.readers.go_json import read_go_json
from orchestrate.core.sharing.readers.jest_json import read_jest_json
from orchestrate.core.sharing.readers.lint_text import count_problems
from orchestrate.core.sharing.readers.network import refusal
from orchestrate.core.sharing.readers.plain_text import MAX_LOG_BYTES
from orchestrate.core.sharing.readers.pytest_text import read_pytest_text, unexpected_passes
from orchestrate.core.sharing.readers.summary_text import (
    coverage_complaint,
    read_any_text,
    read_script_text,
)
from orchestrate.core.sharing.readers.tap import read_tap
from orchestrate.core.sharing.readers.unittest_report import read_unittest_json, read_unittest_text
from tests.captured import captured

PYTEST_COUNTS = Counts(passed=5, failed=3, errors=1, skipped=1, xfailed=1, xpassed=1)
UNITTEST_BAD = {
    "setUpClass (tests.test_all.Broken)",
    "tests.test_all.Sum.test_breaks",
    "tests.test_all.Sum.test_parts",
    "tests.test_all.Sum.test_wrong",
    "tests.test_broken",
}


def test_pytest_summary_gives_counts_and_exact_node_ids() -> None:
    read = read_pytest_text(captured("pytest.out"))
    assert read.counts == PYTEST_COUNTS
    assert read.failing == (
        "tests/test_calc.py::test_each[a - b]",
        "tests/test_calc.py::TestSum::test_strict",
        "tests/test_child.py::test_network",
        "tests/test_calc.py::test_teardown",
    )
    assert read.partial
    assert unexpected_passes(captured("pytest.out")) == (
        "tests/test_calc.py::TestSum::test_better",
    )


def test_verbose_pytest_names_what_passed() -> None:
    read = read_pytest_text(captured("pytest-verbose.out"))
    assert "tests/test_calc.py::test_each[x[1]]" in read.passing
    assert "tests/test_child.py::TestChild::test_inherited" in read.passing
    assert not set(read.passing) & set(read.failing)


@pytest.mark.parametrize(
    "line",
    [
        "1 failed, 2 passed in 0.03s",
        "==== 1 failed, 2 passed, 3 warnings in 65.01s (0:01:05) ====",
        "===== 1 failed, 2 passed in 0.12 seconds =====",
        "\x1b[31m==== \x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m2 passed\x1b[0m in 0.03s ====\x1b[0m",
    ],
)
def test_every_form_of_the_last_line_is_read(line: str) -> None:
    assert read_pytest_text(f"F..\n{line}\n").counts == Counts(passed=2, failed=1)


@pytest.mark.parametrize("name", ["pytest-broken.out", "pytest-conftest.out"])
def test_first_error_of_pytest_is_quoted(name: str) -> None:
    assert read_pytest_text(captured(name)).first_error == (
        "ModuleNotFoundError: No module named 'gone'"
    )


def test_file_that_cannot_be_collected_is_broken() -> None:
    assert read_pytest_text(captured("pytest-broken.out")).broken == ("tests/test_broken.py",)


def test_coverage_threshold_is_a_complaint() -> None:
    read = read_pytest_text(captured("pytest-threshold.out"))
    assert read.counts == Counts(passed=1)
    assert read.complaint.startswith("Required test coverage of 99% not reached")
    jest = captured("jest-threshold.err").decode()
    assert (
        coverage_complaint(jest)
        == 'Jest: "global" coverage threshold for lines (99%) not met: 66.66%'
    )


def test_recorded_and_printed_unittest_results_agree() -> None:
    recorded = read_unittest_json(captured("unittest.json"))
    printed = read_unittest_text(captured("unittest.out"))
    for read in (recorded, printed):
        assert set(read.failing) == UNITTEST_BAD
        assert set(read.passing) == {
            "tests.test_all.Sum.test_adds",
            "tests.test_all.Sum.test_better",
        }
        assert read.broken == ("tests.test_broken",)
        assert read.first_error == "ModuleNotFoundError: No module named 'gone'"
    counted = Counts(passed=1, failed=2, errors=3, skipped=1, xfailed=1, xpassed=1)
    assert recorded.counts == counted
    assert printed.counts == counted


def test_unittest_names_of_older_versions_are_the_same() -> None:
    old = "FAIL: test_wrong (tests.test_all.Sum)\n" + "-" * 70 + "\nTraceback\nAssertionError\n"
    assert read_unittest_text(old).failing == ("tests.test_all.Sum.test_wrong",)


def test_node_tap_counts_leaves_once() -> None:
    read = read_tap(captured("node.tap"))
    # node says 9 tests, 5 passed: it counts `outer`, which stands for two others.
    assert read.counts == Counts(passed=4, failed=2, skipped=1, xpassed=1)
    assert read.passing == (
        "sum > adds",
        "sum > write this",
        "outer > inner",
        "outer > inner (2)",
        "top # hash",
    )
    assert read.failing == ("/project/test/broken.test.js", "sum > is wrong")
    assert "1 == 2" in read.texts["sum > is wrong"]
    assert not read.complaint


def test_tape_is_read() -> None:
    read = read_tap(captured("tape.out"))
    assert (read.passing, read.failing) == (("adds",), ("is wrong",))


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        ("1..3\nok 1 - a\nok 2 - b\n", "3 tests were planned and 2 reported"),
        ("TAP version 13\nok 1 - a\n", "the stream ends before its plan"),
        ("1..2\nok 1 - a\nBail out! no disk\n", "Bail out! no disk"),
    ],
)
def test_tap_that_stops_early_has_a_complaint(stream: str, complaint: str) -> None:
    assert read_tap(stream).complaint == complaint


def test_output_that_only_says_ok_is_no_tap() -> None:
    assert read_tap("ok then\nok 1 - not a stream\n").counts is None


def test_tap_directives() -> None:
    read = read_tap("1..3\nnot ok 1 - a # TODO later\nok 2 - b # skip no disk\nok 3 - c # TODO\n")
    assert read.counts == Counts(skipped=1, xfailed=1, xpassed=1)


def test_failed_parent_of_passing_subtests_is_counted() -> None:
    read = read_tap("    ok 1 - inner\n    1..1\nnot ok 1 - outer\n1..1\n")
    assert (read.passing, read.failing) == (("outer > inner",), ("outer",))


def test_go_events() -> None:
    read = read_go_json(captured("go.json"), captured("go.err"))
    assert read.counts == Counts(passed=3, failed=2, errors=1, skipped=1)
    assert read.passing == (
        "example.com/calc/panics::TestOk",
        "example.com/calc/calc::TestSum/one",
        "example.com/calc/calc::TestSum/two_words",
    )
    assert read.broken == ("example.com/calc/broken",)
    assert "undefined: undefined" in read.texts["example.com/calc/broken"]
    assert "got 3" in read.texts["example.com/calc/calc::TestWrong/inner"]


def test_go_test_that_does_not_end_is_an_error() -> None:
    read = read_go_json(b'{"Action":"run","Package":"p","Test":"TestHang"}\n')
    assert read.counts == Counts(errors=1)
    assert read.texts["p::TestHang"].startswith("did not end")


def test_cargo_text() -> None:
    read = read_cargo_text(captured("cargo.out"), captured("cargo.err"))
    assert read.counts == Counts(passed=4, failed=1, skipped=1)
    assert read.passing == (
        "src/lib.rs::tests::adds",
        "src/lib.rs::tests::panics",
        "tests/whole.rs::adds",
        "src/lib.rs - sum (line 5)",
    )
    assert read.failing == ("src/lib.rs::tests::is_wrong",)
    assert "left == right" in read.texts["src/lib.rs::tests::is_wrong"]
    assert not read.partial


def test_cargo_that_cannot_compile_names_the_error() -> None:
    read = read_cargo_text(b"", captured("cargo-broken.err"))
    assert read.counts is None
    assert read.first_error == "cannot find function `gone` in this scope"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("jest.json", Counts(passed=2, failed=1, errors=1, skipped=2)),
        ("vitest.json", Counts(passed=1, failed=1, errors=1, skipped=2)),
    ],
)
def test_jest_form(name: str, counts: Counts) -> None:
    read = read_jest_json(captured(name), "/project")
    assert read.counts == counts
    assert "src/sum.test.js > sum > adds" in read.passing
    assert set(read.failing) == {"src/sum.test.js > sum > is wrong", "src/broken.test.js"}
    assert read.broken == ("src/broken.test.js",)
    assert "gone" in read.first_error


def test_equal_titles_stay_different_tests() -> None:
    read = read_jest_json(captured("jest.json"), "/project")
    assert read.passing == ("src/sum.test.js > sum > adds", "src/sum.test.js > sum > adds (2)")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("jest.err", Counts(passed=2, failed=1, skipped=2)),
        ("jest-threshold.err", Counts(passed=2, skipped=3)),
        ("vitest-text.out", Counts(passed=1, failed=1, skipped=2)),
    ],
)
def test_closing_lines_of_scripts(name: str, counts: Counts) -> None:
    assert read_script_text(captured(name)).counts == counts


@pytest.mark.parametrize(
    ("stdout", "stderr", "total"),
    [
        ("node.tap", "", 8),
        ("pytest.out", "", 12),
        ("", "unittest.out", 9),
        ("cargo.out", "cargo.err", 6),
        ("go.json", "go.err", 7),
        ("", "jest.err", 5),
    ],
)
def test_form_of_a_wrapper_is_recognised(stdout: str, stderr: str, total: int) -> None:
    read = read_any_text(captured(stdout) if stdout else b"", captured(stderr) if stderr else b"")
    assert read.counts is not None
    assert read.counts.total == total


def test_output_of_no_known_form_has_no_counts() -> None:
    assert read_any_text(b"all 12 tests are fine\n", b"") == Outcomes()


def test_too_much_output_is_refused_where_all_of_it_counts() -> None:
    with pytest.raises(UnreadableReportError, match="more than"):
        read_tap(b"x" * (MAX_LOG_BYTES + 1))


@pytest.mark.parametrize(
    ("runner", "output", "count"),
    [
        ("ruff", "a.py:1:1: F401 unused\nFound 3 errors (1 fixed).\n", 3),
        ("mypy", "a.py:1: error: no\nFound 1 error in 1 file (checked 2 source files)\n", 1),
        ("flake8", "./a.py:1:1: F401 unused\n./b.py:2:80: E501 long\n", 2),
        ("eslint", "\n✖ 4 problems (3 errors, 1 warning)\n", 4),
        ("ruff", "All checks passed!\n", None),
    ],
)
def test_problems_are_counted(runner: str, output: str, count: int | None) -> None:
    assert count_problems(runner, output) == count


def test_refused_network_is_recognised_and_quoted() -> None:
    said = "before\nE   socket.gaierror: [Errno -3] Temporary failure in name resolution\nafter"
    assert refusal(said).startswith("E socket.gaierror: [Errno -3] Temporary failure")
    assert refusal("ConnectionRefusedError: [Errno 111] Connection refused") == ""


@pytest.mark.parametrize(
    "piece", [b"coverage threshold for ", b"a::b ", b"FAILED x - ", b"test_a (b) ", b"test a ... "]
)
def test_one_endless_line_takes_no_endless_time(piece: bytes) -> None:
    """Quadratic work would run into the time limit of the test."""
    output = piece * (2_000_000 // len(piece))
    assert read_any_text(output, b"").counts is None
    assert coverage_complaint(output.decode()) == ""
