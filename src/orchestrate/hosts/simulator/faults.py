"""What goes wrong in a simulated run, as a value: small schedules shrink to small ones.

Theory of operation
-------------------
Whenever the host is about to do something the world could interrupt, or has just done it, it passes
a *crash point*. Points are numbered from 1 as they are passed, over all lives of the host. A
schedule names the numbers at which the host dies. So "a crash before and after every append and
every effect" is the schedule (1,), then (2,), … up to the number of points an undisturbed run has.
"""

from __future__ import annotations

from random import Random

import msgspec

from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running.commands import AnyCommand


class Repeat(msgspec.Struct, frozen=True, order=True):
    """The `report`-th report that reaches a host arrives a second time `after_s` seconds later."""

    report: int
    after_s: float


class Mishap(msgspec.Struct, frozen=True, order=True):
    """The `performance`-th attempt that is performed fails for `cause`."""

    performance: int
    cause: FailureCause


class ClockStep(msgspec.Struct, frozen=True, order=True):
    """After `at_s` of real time the wall clock jumps by `by_s` seconds, perhaps backwards."""

    at_s: float
    by_s: float


class Intervention(msgspec.Struct, frozen=True):
    """After `at_s` seconds somebody sends `command` to the run's inbox."""

    at_s: float
    command: AnyCommand


class GoBack(msgspec.Struct, frozen=True, order=True):
    """After `at_s` seconds somebody pauses the run and goes back to a checkpoint when it is quiet.

    `checkpoint` counts the checkpoints there are at that moment, from 0 and round and round. The
    run is resumed afterwards.
    """

    at_s: float
    checkpoint: int


class Closure(msgspec.Struct, frozen=True, order=True):
    """From `at_s` on, for `for_s` seconds, the rate gate of `provider` lets nobody in."""

    provider: str
    at_s: float
    for_s: float


class Faults(msgspec.Struct, frozen=True):
    """Everything that goes wrong in one history.

    Attributes:
        crashes: crash points at which the host dies.
        restart_after_s: how long it stays dead. Attempts work on meanwhile; those that end leave
            their outcome in the journal, the others are stopped by the recovery.
        lost_acknowledgements: appends (by number, from 1) that happen, but the host is told that
            they failed.
        repeats: reports that arrive twice.
        mishaps: attempts that fail.
        clock_steps: jumps of the wall clock.
        interventions: commands from outside.
        rollbacks: people who go back to a checkpoint.
        closures: providers whose rate gate closes; attempts that are inside go on.
        snapshot_every: a snapshot is kept every so many events; 0 for never.
        damaged_snapshots: whether snapshots come back from the disk with a wrong byte.
    """

    crashes: frozenset[int] = frozenset()
    restart_after_s: float = 5.0
    lost_acknowledgements: frozenset[int] = frozenset()
    repeats: tuple[Repeat, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    clock_steps: tuple[ClockStep, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    rollbacks: tuple[GoBack, ...] = ()
    closures: tuple[Closure, ...] = ()
    snapshot_every: int = 0
    damaged_snapshots: bool = False


NO_FAULTS = Faults()


def sample_faults(random: Random, *, points: int, duration_s: float, crashes: int = 3) -> Faults:
    """A schedule for a run that passes about `points` crash points in about `duration_s` seconds.

    Only faults the run must survive unharmed: nothing fails, nobody intervenes.
    """
    every = range(1, max(2, points))
    return Faults(
        crashes=frozenset(random.choice(every) for _ in range(random.randint(0, crashes))),
        restart_after_s=random.choice((0.0, 1.0, duration_s)),
        lost_acknowledgements=frozenset(random.sample(every, k=min(len(every), 1))),
        repeats=tuple(
            Repeat(random.choice(every), random.uniform(0.0, duration_s)) for _ in range(2)
        ),
        clock_steps=(
            ClockStep(random.uniform(0.0, duration_s), random.uniform(-duration_s, duration_s)),
        ),
        snapshot_every=random.choice((0, 1, 7)),
    )
