"""Which of the tests that failed are called flaky, for every order of luck."""

from __future__ import annotations

import asyncio

import msgspec

from orchestrate.adapters.evidence.execution import Run
from orchestrate.adapters.evidence.flaky import Repetition, repeat, without_flaky, worth_repeating
from orchestrate.adapters.evidence.origin import Origin
from orchestrate.core.sharing.evidence import CheckCommand, Counts
from orchestrate.core.sharing.outcomes import Outcomes, Reading
from orchestrate.ports.process import ProcessOutcome

COMMAND = CheckCommand(kind="test", runner="pytest", argv=("pytest",))
ALL = ("a", "b", "c")


def a_run(*failing: str, ran: tuple[str, ...] = ALL, stopped: str = "", survivors: int = 0) -> Run:
    passing = tuple(name for name in ran if name not in failing)
    outcomes = Outcomes(
        counts=Counts(passed=len(passing), failed=len(failing)), passing=passing, failing=failing
    )
    ended = ProcessOutcome(
        token="t", exit_code=1 if failing else 0, stopped=stopped, survivors=survivors
    )
    return Run(ended, Reading(outcomes=outcomes), Origin(), {}, "")


def repeated(
    first: Run, *later: Run, reruns: int = 2, selects: bool = True
) -> tuple[Repetition, list[str]]:
    """The repetition, and what was asked for: `alone` or `whole`."""
    asked: list[str] = []
    runs = iter(later)

    async def execute(command: CheckCommand, name: str) -> Run:
        asked.append("whole" if command is COMMAND else "alone")
        assert name == f"rerun-{len(asked)}"
        return next(runs)

    def select(command: CheckCommand, names: tuple[str, ...]) -> CheckCommand | None:
        return msgspec.structs.replace(command, argv=(*command.argv, *names)) if selects else None

    return asyncio.run(repeat(first, COMMAND, reruns, execute, select)), asked


def test_what_fails_alone_too_has_failed_and_nothing_more_is_run() -> None:
    result, asked = repeated(a_run("a"), a_run("a", ran=("a",)))
    assert (result.flaky, asked) == ((), ["alone"])


def test_what_passes_alone_and_then_in_the_whole_is_flaky() -> None:
    result, asked = repeated(a_run("a"), a_run(ran=("a",)), a_run())
    assert (result.flaky, result.notes, asked) == (("a",), (), ["alone", "whole"])


def test_what_passes_alone_and_fails_in_the_whole_again_is_not_flaky() -> None:
    result, _ = repeated(a_run("a"), a_run(ran=("a",)), a_run("a"))
    assert result.flaky == ()
    assert result.notes == ("a fails in the whole run and passes alone",)


def test_each_test_is_judged_by_itself() -> None:
    result, _ = repeated(a_run("a", "b", "c"), a_run("a", ran=ALL), a_run("b"))
    assert result.flaky == ("c",)
    assert result.notes == ("b fails in the whole run and passes alone",)


def test_a_test_that_did_not_run_again_did_not_pass() -> None:
    result, _ = repeated(a_run("a"), a_run(ran=()), a_run())
    assert result.flaky == ()


def test_without_a_way_to_choose_tests_the_whole_is_repeated() -> None:
    result, asked = repeated(a_run("a"), a_run("a"), a_run(), selects=False)
    assert (result.flaky, asked) == (("a",), ["whole", "whole"])


def test_one_repetition_is_of_the_whole() -> None:
    result, asked = repeated(a_run("a"), a_run(), reruns=1)
    assert (result.flaky, asked) == (("a",), ["whole"])


def test_no_repetition_is_none() -> None:
    assert repeated(a_run("a"), reruns=0) == (Repetition(), [])


def test_what_repetitions_leave_behind_is_counted() -> None:
    result, _ = repeated(a_run("a"), a_run(ran=("a",), survivors=1), a_run(survivors=2))
    assert result.survivors == 3


def test_only_a_run_that_ended_by_itself_with_few_failures_is_repeated() -> None:
    assert worth_repeating(a_run("a"))
    assert not worth_repeating(a_run())
    assert not worth_repeating(a_run("a", stopped="timeout"))
    assert not worth_repeating(a_run(*(f"t{number}" for number in range(51))))


def test_flaky_tests_count_as_passed() -> None:
    outcomes = Outcomes(
        counts=Counts(passed=1, failed=1, errors=1),
        passing=("a",),
        failing=("b", "c"),
        texts={"b": "x", "c": "y"},
    )
    changed = without_flaky(outcomes, ("b",))
    assert changed.counts == Counts(passed=2, failed=0, errors=1)
    assert (changed.passing, changed.failing, changed.texts) == (("a", "b"), ("c",), {"c": "y"})
    assert without_flaky(outcomes, ("b", "c")).counts == Counts(passed=3)
    assert without_flaky(outcomes, ()) is outcomes
