"""From what was seen to a verdict: unknown wherever nothing was learnt."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.core.sharing.evidence import (
    CheckCommand,
    Counts,
    Coverage,
    Evidence,
    Verdict,
)
from orchestrate.core.sharing.outcomes import Case, Outcome, Outcomes, Reading, collected
from orchestrate.core.sharing.verdict import Judgement, Seen, judge


def outcomes(**by_name: Outcome) -> Outcomes:
    return collected(Case(name, outcome) for name, outcome in by_name.items())


GREEN = outcomes(a="passed", b="passed")
RED = outcomes(a="passed", b="failed", c="error")


def seen(read: Outcomes = GREEN, exit_code: int | None = 0, **changes: Any) -> Seen:
    reading = Reading(outcomes=read, **changes.pop("reading", {}))
    start = Seen(kind="test", runner="pytest", exit_code=exit_code, reading=reading)
    return msgspec.structs.replace(start, **changes)


def test_passing_tests_pass() -> None:
    assert judge(seen()) == Judgement("passed")


def test_failing_tests_fail_and_are_named() -> None:
    assert judge(seen(RED, 1)) == Judgement("failed", "2 tests failed: b, c")


def test_only_the_first_failing_tests_are_named() -> None:
    many = collected(Case(f"t{number}", "failed") for number in range(8))
    assert judge(seen(many, 1)).cause == "8 tests failed: t0, t1, t2, t3, t4 and 3 more"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exit_code": None, "error": "no such file"}, "it could not be started: no such file"),
        ({"exit_code": None, "stopped": "timeout", "signal": 9}, "stopped at its time limit"),
        ({"exit_code": 0, "stopped": "output_limit"}, "printing more than its limit"),
        ({"exit_code": None, "signal": 11}, "it was killed by signal 11"),
        ({"origin_problem": "calc is imported from /elsewhere"}, "imported from /elsewhere"),
        ({"exit_code": 127}, "a program it calls is missing"),
        ({"reading": {"unavailable": "pytest is not installed"}}, "pytest is not installed"),
    ],
)
def test_a_run_that_says_nothing_about_the_code_is_unknown(
    changes: dict[str, Any], cause: str
) -> None:
    judged = judge(seen(**changes))
    assert judged.verdict == "unknown"
    assert cause in judged.cause


def test_failing_tests_of_other_code_are_unknown_too() -> None:
    assert judge(seen(RED, 1, origin_problem="other code")).verdict == "unknown"


@pytest.mark.parametrize(
    ("read", "exit_code", "cause"),
    [
        (Outcomes(counts=Counts()), 0, "no test ran"),
        (outcomes(a="skipped", b="skipped"), 0, "no test ran: all 2 were skipped"),
        (outcomes(a="skipped", b="xfailed"), 0, "no test passed"),
        (RED, 0, "exit code 0 though 2 tests failed"),
        (GREEN, 1, "exit code 1 though no test failed"),
        (Outcomes(), 0, "exit code 0, and nothing in its output says that a test ran"),
        (
            Outcomes(counts=Counts(passed=1), complaint="cut off"),
            0,
            "exit code 0, and yet: cut off",
        ),
    ],
)
def test_counts_and_exit_code_have_to_agree_on_something(
    read: Outcomes, exit_code: int, cause: str
) -> None:
    judged = judge(seen(read, exit_code))
    assert judged.verdict == "unknown"
    assert judged.cause.startswith(cause)


@pytest.mark.parametrize(
    ("exit_code", "cause"),
    [
        (2, "pytest was interrupted before the tests ran: ImportError: no"),
        (3, "pytest itself broke: ImportError: no"),
        (4, "pytest could not be set up: ImportError: no"),
        (5, "pytest found no test: ImportError: no"),
    ],
)
def test_exit_codes_of_pytest_are_told_apart(exit_code: int, cause: str) -> None:
    read = collected([Case("t.py", "error", broken=True)], first_error="ImportError: no")
    assert judge(seen(read, exit_code)) == Judgement("unknown", cause)


def test_missing_report_is_unknown_and_says_which() -> None:
    judged = judge(seen(Outcomes(), 0, reading={"missing": "it wrote no report (junit.xml)"}))
    assert judged == Judgement("unknown", "exit code 0, and it wrote no report (junit.xml)")


def test_tests_that_only_failed_for_want_of_a_network_are_unknown() -> None:
    assert judge(seen(RED, 1, refused=("b", "c"))) == Judgement(
        "unknown", "the network was refused to b, c"
    )
    assert judge(seen(RED, 1, reading={"refused": ("b", "c")})).verdict == "unknown"


def test_one_real_failure_among_refused_ones_fails() -> None:
    assert judge(seen(RED, 1, refused=("b",))) == Judgement(
        "failed", "1 test failed: c; the network was refused to 1 more"
    )


def test_nothing_but_load_errors_is_unknown_with_the_first_error() -> None:
    read = collected([Case("tests.test_x", "error", "ImportError: no yaml", broken=True)])
    judged = judge(seen(read, 1, runner="unittest"))
    assert judged == Judgement(
        "unknown", "no test could be loaded: tests.test_x: ImportError: no yaml"
    )


def test_threshold_of_the_project_fails() -> None:
    read = Outcomes(counts=Counts(passed=2), complaint="Required test coverage not reached")
    assert judge(seen(read, 1)) == Judgement("failed", "Required test coverage not reached")


def test_unexpected_pass_that_makes_the_run_red_fails() -> None:
    read = outcomes(a="passed", b="xpassed")
    assert judge(seen(read, 1, runner="unittest")).cause == "1 test passed that should have failed"
    assert judge(seen(read, 0)).verdict == "passed"


def test_coverage_without_a_report_is_unknown() -> None:
    assert judge(seen(kind="coverage")) == Judgement("unknown", "no coverage was reported")
    measured = seen(kind="coverage", reading={"coverage": Coverage(1, 2)})
    assert judge(measured).verdict == "passed"


@pytest.mark.parametrize(
    ("runner", "exit_code", "problems", "judged"),
    [
        ("ruff", 0, None, Judgement("passed")),
        ("ruff", 1, 3, Judgement("failed", "3 problems")),
        ("ruff", 2, None, Judgement("unknown", "ruff could not look (exit code 2)")),
        ("mypy", 2, 1, Judgement("failed", "1 problem")),
        ("pylint", 32, None, Judgement("unknown", "pylint could not look (exit code 32)")),
        ("make", 2, None, Judgement("failed", "exit code 2")),
    ],
)
def test_lint_is_judged_by_exit_code(
    runner: str, exit_code: int, problems: int | None, judged: Judgement
) -> None:
    reading = Reading(problems=problems)
    assert judge(Seen(kind="lint", runner=runner, exit_code=exit_code, reading=reading)) == judged


def test_build_that_was_refused_the_network_is_unknown() -> None:
    reading = Reading(network_refused="Could not resolve host: index")
    assert judge(Seen(kind="build", runner="python", exit_code=1, reading=reading)) == Judgement(
        "unknown", "the network was refused: Could not resolve host: index"
    )


def evidence(verdict: Verdict, failing: tuple[str, ...] = ()) -> Evidence:
    command = CheckCommand("test", "pytest", ("pytest",))
    return Evidence(command, "r", "t", verdict, failing=failing)


@pytest.mark.parametrize(
    ("failed_before", "addition"),
    [(("b", "c"), "; all of them failed before as well"), (("b",), "; 1 of them failed before")],
)
def test_failures_that_are_not_new_are_said_to_be_so(
    failed_before: tuple[str, ...], addition: str
) -> None:
    judged = judge(seen(RED, 1), evidence("failed", failed_before))
    assert judged.verdict == "failed"
    assert addition in judged.cause


def test_cases_of_one_name_are_told_apart_or_merged() -> None:
    cases = [Case("a", "passed"), Case("a", "error"), Case("a (2)", "passed")]
    assert collected(cases).counts == Counts(passed=2, errors=1)
    merged = collected(cases[:2], merge=True)
    assert (merged.counts, merged.failing) == (Counts(errors=1), ("a",))
