"""Before and after a change: it passes only if nothing that passed is lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.core.sharing.comparison import compare
from orchestrate.core.sharing.evidence import CheckCommand, Counts, Evidence, Verdict

COMMAND = CheckCommand("test", "pytest", ("{python}", "-m", "pytest"))


def ran(passing: str = "", failing: str = "", **changes: Any) -> Evidence:
    """Evidence of a run; each letter is a test."""
    verdict: Verdict = "failed" if failing else "passed"
    evidence = Evidence(
        COMMAND,
        "revision",
        "tree",
        verdict,
        counts=Counts(passed=len(passing), failed=len(failing)),
        passing=tuple(passing),
        failing=tuple(failing),
    )
    return msgspec.structs.replace(evidence, **changes)


def test_same_green_tests_pass() -> None:
    assert compare(ran("ab"), ran("ab")).verdict == "passed"


def test_everything_that_changed_is_sorted_out() -> None:
    found = compare(ran("abc", "de"), ran("adf", "bex"))
    assert found.newly_failing == ("b", "x")
    assert found.fixed == ("d",)
    assert found.still_failing == ("e",)
    assert found.missing == ("c",)
    assert found.added == ("x", "f")
    assert found.verdict == "failed"
    assert found.cause == "newly failing: b, x; passed before and not run any more: c"


def test_deleted_or_skipped_test_fails() -> None:
    assert compare(ran("ab"), ran("a", counts=Counts(passed=1, skipped=1))).missing == ("b",)
    assert compare(ran("ab"), ran("a")).verdict == "failed"


def test_added_test_passes() -> None:
    assert compare(ran("a"), ran("ab")).verdict == "passed"


def test_red_for_the_same_tests_passes_and_names_them() -> None:
    found = compare(ran("a", "b"), ran("a", "b"))
    assert (found.verdict, found.cause) == ("passed", "failing before and after: b")


def test_fixed_test_passes() -> None:
    found = compare(ran("a", "b"), ran("ab"))
    assert (found.verdict, found.fixed) == ("passed", ("b",))


@pytest.mark.parametrize("side", ["before", "after"])
def test_unknown_on_either_side_is_unknown(side: str) -> None:
    unknown = ran("a", verdict="unknown", cause="no test ran")
    pair = (unknown, ran("a")) if side == "before" else (ran("a"), unknown)
    found = compare(*pair)
    assert found.verdict == "unknown"
    assert found.cause == f"unknown {side} the change: no test ran"


def test_different_commands_cannot_be_compared() -> None:
    other = msgspec.structs.replace(COMMAND, argv=("pytest", "-k", "easy"))
    assert compare(ran("a"), ran("a", command=other)).verdict == "unknown"


def test_moved_source_line_is_the_same_command() -> None:
    moved = msgspec.structs.replace(COMMAND, source="tox.ini:9")
    assert compare(ran("a"), ran("a", command=moved)).verdict == "passed"


def test_flaky_tests_count_as_passing() -> None:
    flaky = ran("a", flaky=("b",), counts=Counts(passed=2))
    assert compare(ran("ab"), flaky).verdict == "passed"
    assert compare(flaky, ran("a", "b")).newly_failing == ("b",)


def test_fewer_passing_tests_without_names_are_unknown() -> None:
    found = compare(ran(counts=Counts(passed=5)), ran(counts=Counts(passed=3)))
    assert found.verdict == "unknown"
    assert found.cause == "2 tests fewer pass than before, and not every test is named"


def test_command_without_tests_is_compared_by_verdict() -> None:
    green, red = ran(counts=None), ran(counts=None, verdict="failed", cause="exit code 1")
    assert compare(green, green).verdict == "passed"
    assert compare(green, red).verdict == "failed"
    assert compare(red, green).verdict == "passed"
    assert compare(red, red).verdict == "unknown"


TESTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["passed", "failed"]))


@given(before=TESTS, after=TESTS)
def test_pass_means_that_nothing_is_lost(before: dict[str, str], after: dict[str, str]) -> None:
    def run(tests: dict[str, str]) -> Evidence:
        of = {word: "".join(t for t in tests if tests[t] == word) for word in ("passed", "failed")}
        return ran(of["passed"], of["failed"])

    found = compare(run(before), run(after))
    lost = [test for test in before if before[test] == "passed" != after.get(test)]
    broken = [t for t in after if after[t] == "failed" and before.get(t) != "failed"]
    assert (found.verdict == "passed") == (not lost and not broken)
    assert {*found.newly_failing, *found.missing} == {*lost, *broken}
