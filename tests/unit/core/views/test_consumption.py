"""What a run consumed, in words that do not say more than is known."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.views.consumption import Consumption, consumption
from tests.unit.core.running.drive import Run, task, workflow


def planned(paid: bool = True) -> RunState:
    """A run whose one task is done by an agent."""
    who = Assignee(agent="builder", backend="claude", paid=paid)
    spec = msgspec.structs.replace(task("a"), run=None, agent="builder", staff=(who,))
    return Run(workflow(spec)).state


def started(number: int = 1, backend: str = "claude") -> ev.AttemptStarted:
    return ev.AttemptStarted(at=1.0, task="a", number=number, backend=backend)


def ended(number: int = 1, **more: object) -> ev.AttemptSucceeded:
    return ev.AttemptSucceeded(at=2.0, task="a", number=number, **more)  # type: ignore[arg-type]


def test_attempts_of_models_are_summed_whatever_became_of_them() -> None:
    usage = Usage(input_tokens=10, output_tokens=5, cost_usd=0.1)
    failed = ev.AttemptFailed(at=2.0, task="a", number=1, cause="exit", usage=usage)
    last = ended(2, handed_on=40, usage=Usage(cached_tokens=7, cost_usd=0.2))
    log: list[ev.AnyEvent] = [started(), failed, started(2), last]
    assert consumption(log, planned()) == Consumption(2, 0.3, 0, 22, True, 40)


def test_tokens_without_a_price_are_counted_and_not_taken_for_free() -> None:
    log: list[ev.AnyEvent] = [started(), ended(usage=Usage(input_tokens=10))]
    found = consumption(log, planned())
    assert found == Consumption(1, None, 1, 10)
    assert found.cost == "unknown"


def test_what_was_cut_off_or_vanished_makes_the_sum_a_least() -> None:
    usage = Usage(input_tokens=10, cost_usd=0.1, complete=False)
    cut = ev.AttemptInterrupted(at=1.0, task="a", number=1, usage=usage)
    found = consumption([started(), cut], planned())
    assert found == Consumption(1, 0.1, 0, 10, complete=False)
    assert (found.cost, found.amounts) == ("at least 0.1000 USD", "at least 10 in 1 attempt")
    lost = ev.AttemptLost(at=2.0, task="a", number=1)
    assert consumption([started(), lost], planned()).cost == "unknown"


def test_a_run_without_models_consumed_nothing() -> None:
    log: list[ev.AnyEvent] = [started(backend=""), ended()]
    found = consumption(log, planned(paid=False))
    assert (found.cost, found.amounts) == ("nothing: no model was asked", "none")
