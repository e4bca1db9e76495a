"""A test that shows a bug, and a fix of it: what follows from which evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.core.sharing.evidence import CheckCommand, Counts, Evidence, Failure, Verdict
from orchestrate.core.sharing.reproduction import (
    Reproduction,
    beside_tests,
    judge_fixed,
    judge_reproduction,
    selection,
)

COMMAND = CheckCommand("test", "pytest", ("{python}", "-m", "pytest"))
PATHS = ("tests/test_new.py",)
ASSERTED = Failure(error="AssertionError", message="1 != 2", asserts=True, through=PATHS)
IN_CODE = Failure(error="KeyError", through=(*PATHS, "shop/order.py"))


def ran(passing: str = "", failing: str = "", **changes: Any) -> Evidence:
    """Evidence of a run; each letter is a test, and all that fail do so by a statement."""
    verdict: Verdict = "failed" if failing else "passed"
    evidence = Evidence(
        COMMAND,
        "revision",
        "tree",
        verdict,
        exit_code=1 if failing else 0,
        counts=Counts(passed=len(passing), failed=len(failing)),
        passing=tuple(passing),
        failing=tuple(failing),
        failures=dict.fromkeys(failing, ASSERTED),
    )
    return msgspec.structs.replace(evidence, **changes)


def judged(*runs: Evidence, before: Evidence | None = None) -> tuple[Verdict, str, tuple[str, ...]]:
    found = judge_reproduction(PATHS, before, runs)
    return found.judgement.verdict, found.judgement.cause, found.tests


def test_only_tests_may_be_touched() -> None:
    assert beside_tests(PATHS) is None
    refused = beside_tests(("shop/order.py", *PATHS))
    assert refused is not None
    assert (refused.verdict, "shop/order.py is no test" in refused.cause) == ("failed", True)


def test_a_helper_may_reach_every_test_so_all_are_run() -> None:
    assert selection(PATHS) == PATHS
    assert selection((*PATHS, "tests/conftest.py")) == ()


def test_new_tests_that_fail_each_time_show_the_bug() -> None:
    assert judged(ran("ab", "x"), ran("ab", "x"), before=ran("ab")) == ("passed", "", ("x",))
    assert judged(ran("a", "x"), ran("a", "x")) == ("passed", "", ("x",))


REASONS: list[tuple[Failure, Verdict, str]] = [
    (ASSERTED, "passed", ""),
    (IN_CODE, "passed", ""),
    (Failure(error="NameError", message="maen", through=PATHS), "failed", "error of the test its"),
    (
        Failure(stage="setup", error="KeyError", through=("shop/a.py",)),
        "failed",
        "breaks in its set",
    ),
    (Failure(stage="teardown", error="KeyError"), "failed", "clean-up"),
    (Failure(error="ModuleNotFoundError", through=("shop/a.py",)), "unknown", "not installed"),
    (Failure(error="ImportError", through=("shop/a.py",)), "passed", ""),
    (Failure(error="Failed", message="Timeout >1s"), "unknown", "why cannot be told: Failed: Time"),
    (Failure(), "unknown", "no reason given"),
    (msgspec.structs.replace(ASSERTED, network=True), "unknown", "refused the network"),
]


@pytest.mark.parametrize(("failure", "verdict", "says"), REASONS)
def test_why_it_fails_decides(failure: Failure, verdict: Verdict, says: str) -> None:
    run = ran("a", "x", failures={"x": failure})
    found, cause, _ = judged(run, run)
    assert (found, says in cause) == (verdict, True), cause


def test_of_several_reasons_the_worst_counts() -> None:
    failures = {"x": ASSERTED, "y": Failure(error="NameError", through=PATHS), "z": Failure()}
    run = ran("", "xyz", failures=failures)
    verdict, cause, tests = judged(run, run)
    assert (verdict, tests) == ("failed", ("x", "y", "z"))
    assert cause.startswith("y fails")


@pytest.mark.parametrize(
    ("runs", "before", "verdict", "says"),
    [
        ([ran("ax")], ran("a"), "failed", "passing on the code as it is: x"),
        ([ran("a")], ran("a"), "failed", "no test that was not there"),
        ([ran("b", "ax")], ran("ab"), "failed", "failing that passed before: a"),
        ([ran("b", "x")], ran("ab"), "failed", "not run any more: a"),
        ([ran("a", "bx")], ran("a", "b"), "passed", ""),
        ([ran("a", "x"), ran("ax")], ran("a"), "unknown", "without a change: x"),
        ([ran("ax", flaky=("x",))], ran("a"), "unknown", "without a change: x"),
        ([ran("a", "x", pass_alone=("x",))], ran("a"), "unknown", "by itself"),
        (
            [ran(verdict="unknown", cause="no pip", counts=None)],
            ran("a"),
            "unknown",
            "with the new tests: no pip",
        ),
        (
            [ran("a", "x")],
            ran("a", verdict="unknown", cause="no pip"),
            "unknown",
            "without the new tests: no pip",
        ),
        ([ran(verdict="unknown", exit_code=5)], ran("a"), "failed", "runs none of its tests"),
        ([ran("", "x")], ran(verdict="unknown", exit_code=5), "passed", ""),
        (
            [ran(verdict="unknown", counts=Counts(skipped=2))],
            None,
            "failed",
            "all of its tests are skipped",
        ),
    ],
)
def test_what_was_there_before_stays_as_it_was(
    runs: list[Evidence], before: Evidence | None, verdict: Verdict, says: str
) -> None:
    found, cause, _ = judged(*runs, before=before)
    assert (found, says in cause) == (verdict, True), cause


@pytest.mark.parametrize("name", ["tests/test_new.py", "tests.test_new", "test_new"])
def test_a_file_that_cannot_be_loaded_is_named(name: str) -> None:
    own = Failure("load", "SyntaxError", "invalid syntax", through=PATHS)
    broken = msgspec.structs.replace(
        ran(verdict="unknown", exit_code=2), failing=(name,), failures={name: own}
    )
    verdict, cause, _ = judged(broken)
    assert (verdict, "SyntaxError: invalid syntax" in cause) == ("failed", True)
    code = msgspec.structs.replace(own, through=(*PATHS, "shop/order.py"))
    broken = msgspec.structs.replace(broken, failures={name: code})
    assert judged(broken)[0] == "unknown"


def test_another_file_that_cannot_be_loaded_is_not_blamed_on_the_new_one() -> None:
    other = Failure("load", "ImportError", through=("tests/test_old.py",))
    run = ran("", "ox", failures={"tests/test_old.py": other, "x": ASSERTED, "o": ASSERTED})
    assert judged(run, run)[0] == "passed"


# -- fixes -------------------------------------------------------------------------------------

SHOWN = Reproduction("t", "b", "c", "passed", tests=("x", "y"), files=dict.fromkeys(PATHS, "1"))


@pytest.mark.parametrize(
    ("evidence", "verdict", "says"),
    [
        (ran("axy"), "passed", ""),
        (ran("xy", "a"), "passed", ""),
        (ran("x", "y"), "failed", "still failing: y (AssertionError: 1 != 2)"),
        (ran("x"), "failed", "skipped, deselected or gone: y"),
        (ran(verdict="unknown", exit_code=5), "failed", "skipped, deselected or gone: x, y"),
        (ran("xy", flaky=("y",)), "unknown", "without a change: y"),
        (ran("xy", verdict="unknown", cause="other code"), "unknown", "other code"),
        (ran(counts=None, verdict="unknown", cause="timeout"), "unknown", "timeout"),
        (ran("x", counts=Counts(passed=9)), "unknown", "not said what became of y"),
        (
            ran("x", "y", failures={"y": msgspec.structs.replace(ASSERTED, network=True)}),
            "unknown",
            "network was refused to y",
        ),
        (
            ran("", failures={PATHS[0]: Failure("load", "SyntaxError", through=("a.py",))}),
            "unknown",
            "because the code cannot",
        ),
    ],
)
def test_a_fix_is_judged_by_these_tests_and_their_names(
    evidence: Evidence, verdict: Verdict, says: str
) -> None:
    found = judge_fixed(SHOWN, evidence)
    assert (found.verdict, says in found.cause) == (verdict, True), found


def test_a_fix_that_changes_the_tests_is_sent_back_whatever_they_say() -> None:
    found = judge_fixed(SHOWN, ran("xy"), PATHS)
    assert found.verdict == "failed"
    assert found.cause.startswith("it changes tests/test_new.py")
