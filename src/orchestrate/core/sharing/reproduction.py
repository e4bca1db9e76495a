"""Whether a test reproduces a bug, and whether a fix makes it pass: judgements on evidence.

Theory of operation
-------------------
A test shows a bug when it fails on code that has the bug, for want of what it is about, and does so
each time. Being red is not enough: a test with a misspelt name is red as well. So every new test
that fails is asked how it failed.

* A statement of the test was not met: red for the right reason.
* Something was raised in the code under test and reached the test: the right reason, too.
* Something was raised by the test itself, while it was loaded or prepared, or by a missing module:
  the test is broken, and the work goes back with the words to correct it.
* Nothing of this can be told: unknown, which does not pass.

A fix is judged by the same tests, byte for byte, and by name: they have to be reported as passed.
A test that is skipped, deselected or gone has not passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from orchestrate.core.sharing.evidence import CheckCommand, Evidence, Failure, Verdict
from orchestrate.core.sharing.layout_of_tests import is_python_module, is_test_path
from orchestrate.core.sharing.verdict import Judgement, named

_Reason = Literal["right", "wrong", "untold"]


class Reproduction(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tests that show a bug: what the engine saw of the work of `task`, and keeps.

    `tests` fail on `base` with the work on it (`commit`), and `failures` says how. `files` maps
    every path the work touches to its blob, empty where it took the file away. `command` is what
    was run, `evidence` the file with what was seen.
    """

    task: str
    base: str
    commit: str
    verdict: Verdict
    cause: str = ""
    tests: tuple[str, ...] = ()
    files: dict[str, str] = {}
    failures: dict[str, Failure] = {}
    command: CheckCommand | None = None
    evidence: str = ""

    @property
    def judgement(self) -> Judgement:
        """The verdict with its cause."""
        return Judgement(self.verdict, self.cause)


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """The judgement on a reproduction, and the tests that are red."""

    judgement: Judgement
    tests: tuple[str, ...] = ()
    failures: dict[str, Failure] = {}


def selection(paths: Sequence[str]) -> tuple[str, ...]:
    """The files whose tests say all that a change of `paths` can do; empty for all tests.

    What is no module of tests (a conftest.py, a helper, data) can reach any test.
    """
    return tuple(paths) if all(map(is_python_module, paths)) else ()


def beside_tests(paths: Iterable[str]) -> Judgement | None:
    """Why work on `paths` is no test alone; None where it is."""
    other = tuple(path for path in paths if not is_test_path(path))
    if not other:
        return None
    text = f"{named(other)} {'is no test' if len(other) == 1 else 'are no tests'}"
    return _failed(f"{text}; a reproduction adds and changes tests, and nothing else")


def judge_reproduction(
    paths: Sequence[str], before: Evidence | None, runs: Sequence[Evidence]
) -> Found:
    """Whether new tests are red for the right reason, each time.

    Args:
        paths: what the work touches, relative to the repository.
        before: the tests of these files without the work; None where none of them was there.
        runs: the same with the work, run apart from each other; at least one.
    """
    loading = _loading(paths, runs[0])
    if loading is not None:
        return Found(loading)
    if before is not None and before.counts is not None and not before.counts.total:
        before = None  # there was nothing to disturb
    for when, side in _sides(before, runs):
        if side.verdict == "unknown":
            nothing = _nothing_ran(side) if side is not before else None
            return Found(nothing or _unknown(f"{when}: {side.cause}"))
    known = _names(before) if before is not None else frozenset()
    disturbed = _disturbed(before, runs)
    if disturbed is not None:
        return Found(disturbed)
    return _new_tests(known, runs)


def judge_fixed(
    reproduction: Reproduction, evidence: Evidence, changed: Sequence[str] = ()
) -> Judgement:
    """Whether the tests of `reproduction` pass in `evidence`, all of them and unchanged.

    `changed` are files of the reproduction that are not as they were when it was judged.
    """
    if changed:
        text = f"it changes {named(tuple(changed))}, which belongs to the tests that show the bug"
        return _failed(f"{text}; take that back")
    loading = _loading(tuple(reproduction.files), evidence)
    if loading is not None:
        return loading
    failing = tuple(name for name in reproduction.tests if name in set(evidence.failing))
    network = tuple(name for name in failing if _failure(evidence, name).network)
    if network:
        return _unknown(f"the network was refused to {named(network)}")
    flaky = tuple(name for name in reproduction.tests if name in set(evidence.flaky))
    if failing:
        return _failed(f"still failing: {_shown(failing, evidence)}")
    if flaky:
        return _unknown(f"failing and passing without a change: {named(flaky)}")
    passing = set(evidence.passing)
    gone = tuple(name for name in reproduction.tests if name not in passing)
    if gone and _names_everything(evidence):
        return _failed(f"not run any more, so skipped, deselected or gone: {named(gone)}")
    if evidence.verdict == "unknown" or gone:
        return _unknown(evidence.cause or f"not said what became of {named(gone)}")
    return Judgement("passed")


# -- parts of the judgement --------------------------------------------------------------------


def _sides(before: Evidence | None, runs: Sequence[Evidence]) -> Iterable[tuple[str, Evidence]]:
    if before is not None:
        yield "without the new tests", before
    for side in runs:
        yield "with the new tests", side


def _loading(paths: Sequence[str], run: Evidence) -> Judgement | None:
    """What keeps a file of `paths` from being loaded, if anything does."""
    for name, failure in run.failures.items():
        if failure.stage != "load" or not _belongs(name, paths, run):
            continue
        if _in_code(failure):
            return _unknown(f"{name} cannot be loaded because the code cannot: {_said(failure)}")
        return _failed(f"{name} cannot be loaded: {_said(failure)}; correct the test")
    return None


def _belongs(name: str, paths: Sequence[str], run: Evidence) -> bool:
    """Whether what could not be loaded is one of `paths`, by its path or by its module's name."""
    folder = run.command.folder
    whole = name if folder == "." else f"{folder}/{name}"
    dotted = name.removesuffix(".py").replace("/", ".")
    return whole in paths or any(
        f".{path.removesuffix('.py').replace('/', '.')}".endswith(f".{dotted}") for path in paths
    )


def _nothing_ran(run: Evidence) -> Judgement | None:
    """The tests are there and the project's own command runs none of them."""
    counts = run.counts
    if counts is None or run.exit_code is None:
        return None
    if not counts.total:
        return _failed("the project's own test command runs none of its tests; see their place")
    if counts.skipped == counts.total and run.exit_code == 0:
        return _failed("all of its tests are skipped")
    return None


def _disturbed(before: Evidence | None, runs: Sequence[Evidence]) -> Judgement | None:
    """What the work does to tests that were there before."""
    if before is None:
        return None
    passed = {*before.passing, *before.flaky}
    red = tuple(name for name in runs[0].failing if name in passed)
    if red:
        return _failed(f"failing that passed before: {named(red)}; add a test instead")
    gone = tuple(name for name in dict.fromkeys(before.passing) if name not in _names(runs[0]))
    if gone and _names_everything(runs[0]):
        return _failed(f"passed before and not run any more: {named(gone)}; leave them as they are")
    return None


def _new_tests(known: frozenset[str], runs: Sequence[Evidence]) -> Found:
    new = tuple(
        name for name in dict.fromkeys((*runs[0].failing, *runs[0].passing)) if name not in known
    )
    if not new:
        return Found(_failed("it brings no test that was not there before"))
    red = tuple(name for name in new if name in set(runs[0].failing))
    moody = tuple(name for name in new if _moody(name, runs))
    if moody:
        text = f"failing and passing without a change: {named(moody)}"
        return Found(_unknown(f"{text}; make it fail each time, and by itself"))
    if not red:
        text = f"passing on the code as it is: {named(new)}"
        return Found(_failed(f"{text}; so nothing shows the bug"))
    return Found(_reasons(red, runs[0]), red, {name: _failure(runs[0], name) for name in red})


def _moody(name: str, runs: Sequence[Evidence]) -> bool:
    lucky = any(name in (*run.flaky, *run.pass_alone) for run in runs)
    return lucky or len({name in run.failing for run in runs}) > 1


def _reasons(red: tuple[str, ...], run: Evidence) -> Judgement:
    sorted_out: dict[_Reason, list[str]] = {"right": [], "wrong": [], "untold": []}
    for name in red:
        reason, text = _reason(_failure(run, name))
        sorted_out[reason].append(f"{name} {text}")
    if sorted_out["wrong"]:
        return _failed("; ".join(sorted_out["wrong"]))
    if sorted_out["untold"]:
        return _unknown("; ".join(sorted_out["untold"]))
    return Judgement("passed")


def _reason(failure: Failure) -> tuple[_Reason, str]:
    """Why a test failed, and the words for it where that is not what is wanted."""
    said = _said(failure)
    if failure.network:
        return "untold", "was refused the network"
    if failure.stage != "call":
        part = "set-up" if failure.stage == "setup" else "clean-up"
        return "wrong", f"breaks in its {part}, before it says anything about the code: {said}"
    if failure.asserts:
        return "right", ""
    if _in_code(failure):
        if failure.error == "ModuleNotFoundError":
            return "untold", f"fails for a module that is not installed: {said}"
        return "right", ""
    if failure.through:
        return "wrong", (
            f"fails by an error of the test itself, in {failure.through[-1]}: {said}; correct it,"
            " or assert what the code should do"
        )
    return "untold", f"fails, and why cannot be told: {said or 'nothing was said'}"


def _in_code(failure: Failure) -> bool:
    """Whether it was raised in the project's code, or by what that called."""
    return bool(failure.through) and not is_test_path(failure.through[-1])


def _failure(run: Evidence, name: str) -> Failure:
    return run.failures.get(name, Failure())


def _names(run: Evidence) -> frozenset[str]:
    return frozenset((*run.passing, *run.failing, *run.flaky))


def _names_everything(run: Evidence) -> bool:
    """Whether the run came to its end and named every test that passed."""
    counts = run.counts
    if counts is None or run.exit_code is None:
        return False
    return len(set(run.passing)) >= counts.passed


def shown_failures(failures: Mapping[str, Failure]) -> str:
    """The tests with what they said, for a person; the first few."""
    parts = tuple(f"{name} ({_said(failure)})" for name, failure in failures.items())
    return named(parts)


def _shown(names: tuple[str, ...], run: Evidence) -> str:
    return shown_failures({name: _failure(run, name) for name in names})


def _said(failure: Failure) -> str:
    return ": ".join(part for part in (failure.error, failure.message) if part) or "no reason given"


def _failed(cause: str) -> Judgement:
    return Judgement("failed", cause)


def _unknown(cause: str) -> Judgement:
    return Judgement("unknown", cause)
