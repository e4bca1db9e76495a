"""One plain line per event."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from orchestrate.core.running import events as ev
from orchestrate.ui.cli.lines import line_of
from tests.unit.ui.test_picture import grant, run_of, workflow

STATE = run_of(workflow(), grant("t0"))
#: An event of every kind, with text somebody else chose where there is any.
SAMPLES: list[ev.AnyEvent] = [
    ev.RunCreated(at=1, run="abc", request="", repository="/a\x1b[2J"),
    ev.RunPlanned(at=1, workflow=workflow()),
    ev.RunStarted(at=1),
    ev.RunAdopted(at=1, owner="process 1 on here"),
    ev.RunPaused(at=1, reason="lunch\n", by="ada"),
    ev.RunResumed(at=1, reason="", by="ada"),
    ev.RunCancelled(at=1, reason="no use", by="ada"),
    ev.RunCompleted(at=1001),
    ev.RunFailed(at=1, reason="task t0 failed"),
    ev.LimitChanged(at=1, max_parallel=3),
    ev.ConditionHeld(at=1, task="t0"),
    ev.TaskSkipped(at=1, task="t0", cause="condition", detail="inputs.x"),
    ev.TaskFailed(at=1, task="t0", message="no\r"),
    ev.AttemptStarted(at=1, task="t0", number=2),
    ev.AttemptSucceeded(at=1, task="t0", number=1, summary="made\x07 3", duration_s=3),
    ev.AttemptFailed(at=1, task="t0", number=1, cause="exit", message="no\x1b", retry_at=3),
    ev.AttemptLost(at=1, task="t0", number=1, retry=True, message="gone"),
    ev.AttemptInterrupted(at=1, task="t0", number=1, reason="interrupted"),
    ev.AttemptCancelled(at=1, task="t0", number=1),
    ev.GateOpened(at=1, gate="gather/look"),
    ev.GateDecided(at=1, gate="gather/look", verdict="passed", by="ada", reason="fine"),
]


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(event) for event in SAMPLES} == set(get_args(ev.AnyEvent))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_is_one_printable_line_or_none(event: ev.AnyEvent) -> None:
    line = line_of(event, STATE)
    if isinstance(event, ev.RunPlanned | ev.ConditionHeld):
        assert line == ""
    else:
        assert re.match(r"\d\d:\d\d:\d\d .", line)
        assert line.isprintable()


def test_what_matters_is_in_the_line() -> None:
    lines = {type(event).__name__: line_of(event, STATE) for event in SAMPLES}
    assert "t0 started (attempt 2)" in lines["AttemptStarted"]
    assert "tried again in 2.0 s" in lines["AttemptFailed"]
    assert "it runs again" in lines["AttemptLost"]
    assert "passed, by ada: fine" in lines["GateDecided"]
    assert "run paused by ada: lunch" in lines["RunPaused"]
