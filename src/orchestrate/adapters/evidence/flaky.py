"""Telling tests that fail by chance from those that fail.

A test that fails in the whole run and passes alone may fail by chance, or because of what runs
before it. So failing tests are first run alone; only when some of them then pass is the whole
command run again, and only those that pass in such a whole run are called flaky. What fails in
every whole run has failed, and the note says that it passes alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from orchestrate.adapters.evidence.execution import Run
from orchestrate.core.sharing.evidence import CheckCommand, Counts
from orchestrate.core.sharing.outcomes import Outcomes

#: With more failing tests than this, it is no matter of luck.
MOST_RERUN = 50

Execute = Callable[[CheckCommand, str], Awaitable[Run]]
Select = Callable[[CheckCommand, tuple[str, ...]], CheckCommand | None]


class Repetition(msgspec.Struct, frozen=True, omit_defaults=True):
    """`flaky` tests failed and then passed in a whole run; `dependent` ones fail in the whole run
    and pass alone. `survivors` as in a process outcome."""

    flaky: tuple[str, ...] = ()
    survivors: int = 0
    notes: tuple[str, ...] = ()
    dependent: tuple[str, ...] = ()


def worth_repeating(run: Run) -> bool:
    """Whether tests failed that could be a matter of luck."""
    outcomes, ended = run.reading.outcomes, run.outcome
    by_itself = ended.exit_code not in (None, 0) and not ended.stopped
    return by_itself and 0 < len(outcomes.failing) <= MOST_RERUN and not outcomes.broken


async def repeat(
    first: Run, command: CheckCommand, reruns: int, execute: Execute, select: Select
) -> Repetition:
    """Run what failed in `first` up to `reruns` times more."""
    suspects = first.reading.outcomes.failing
    survivors, done = 0, 0
    alone = select(command, suspects) if reruns > 1 else None
    if alone is not None:
        run = await execute(alone, "rerun-1")
        done, survivors = 1, run.outcome.survivors
        suspects = _passed(suspects, run)
    pass_alone = suspects if alone is not None else ()
    flaky: tuple[str, ...] = ()
    while suspects and done < reruns:
        done += 1
        run = await execute(command, f"rerun-{done}")
        survivors += run.outcome.survivors
        flaky += _passed(suspects, run)
        suspects = tuple(name for name in suspects if name not in flaky)
    dependent = tuple(name for name in pass_alone if name not in flaky)
    notes = tuple(f"{name} fails in the whole run and passes alone" for name in dependent)
    return Repetition(flaky, survivors, notes, dependent)


def _passed(names: tuple[str, ...], run: Run) -> tuple[str, ...]:
    passing = frozenset(run.reading.outcomes.passing)
    return tuple(name for name in names if name in passing)


def without_flaky(outcomes: Outcomes, flaky: tuple[str, ...]) -> Outcomes:
    """`outcomes` as if the flaky tests had passed: they are named apart."""
    counts = outcomes.counts
    if not flaky or counts is None:
        return outcomes
    errors = max(0, len(flaky) - counts.failed)
    counts = Counts(
        passed=counts.passed + len(flaky),
        failed=max(0, counts.failed - len(flaky)),
        errors=max(0, counts.errors - errors),
        skipped=counts.skipped,
        xfailed=counts.xfailed,
        xpassed=counts.xpassed,
    )
    return msgspec.structs.replace(
        outcomes,
        counts=counts,
        passing=(*outcomes.passing, *flaky),
        failing=tuple(name for name in outcomes.failing if name not in flaky),
        texts={name: text for name, text in outcomes.texts.items() if name not in flaky},
    )
