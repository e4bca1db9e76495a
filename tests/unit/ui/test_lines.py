"""One plain line per event."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from orchestrate.core.planning.budget import Budget
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import CheckpointKind
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.ui.cli.lines import line_of
from tests.unit.ui.test_picture import grant, run_of, workflow

WORK = Work(commit="c", base="b", tree="t", paths=("a.py", "b.py"), added=10, removed=3)
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
    ev.BudgetChanged(at=1, budget=Budget(cost_usd=2.5, tokens=100, turns=3, time_s=9), by="ada"),
    ev.AdviceGiven(at=1, task="t0", number=1, advice="mind\x1b the zone"),
    ev.TaskSplit(at=1, task="t0"),
    ev.TaskHanded(at=1, task="t0", number=2, reason="no\x1b luck"),
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
    ev.GateReminded(at=1, gate="gather/look"),
    ev.WorkMerged(at=1, task="t0", number=1, commit="0123456789abcdef", verified=False),
    ev.WorkReturned(
        at=1, task="t0", number=1, cause="checks_failed", message="1\x1b red", retry=True
    ),
    ev.WorkConflicted(at=1, task="t0", number=1, line="l", conflicts=(Conflict("a\nb.py"),)),
    ev.WorkResolved(at=1, task="t0", number=1, work=WORK, by="ada"),
    ev.GroupExpanded(at=1, task="t0", items=(ev.GroupItem("one"),)),
    ev.GroupEnded(at=1, task="t0", succeeded=2, failed=1),
    ev.CheckpointDue(at=1, kind="manual"),
    ev.CheckpointTaken(
        at=1, checkpoint="c3", kind="manual", note="lunch\r", missing={"t0": "too large"}
    ),
    ev.RunRolledBack(at=1, checkpoint="c2", by="ada", reason="wrong\nway"),
    ev.LinePublished(at=1, branch="orchestrate/abc", commit="0123456789abcdef"),
    ev.AuditRecorded(at=1, verdict="failed", changes=("HEAD moved",)),
]
#: Events that say nothing a reader has not read, or will not read in a moment.
SILENT = (ev.RunPlanned, ev.ConditionHeld, ev.CheckpointDue)


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(event) for event in SAMPLES} == set(get_args(ev.AnyEvent))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_is_one_printable_line_or_none(event: ev.AnyEvent) -> None:
    line = line_of(event, STATE)
    if isinstance(event, SILENT):
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


def test_what_becomes_of_work_and_checkpoints_is_in_the_line() -> None:
    lines = {type(event).__name__: line_of(event, STATE)[9:] for event in SAMPLES}
    assert lines["WorkMerged"] == (
        "t0 merged as 0123456789ab, though no check could tell whether it is right"
    )
    assert lines["WorkReturned"] == "t0 sent back (checks_failed): 1\\x1b red; it is done anew"
    assert lines["WorkConflicted"] == (
        "t0 conflicts with what was merged: a\\nb.py; see `orchestrate conflict show abc t0`"
    )
    assert lines["WorkResolved"] == "t0 resolved by ada; it is merged again"
    assert lines["GroupExpanded"] == "t0 became 1 task"
    assert lines["GroupEnded"] == "t0 ended: 2 succeeded, 1 without success"
    assert lines["CheckpointTaken"].startswith("checkpoint c3 by hand: lunch")
    assert lines["CheckpointTaken"].endswith("; not held: t0")
    assert lines["RunRolledBack"].startswith("run taken back to checkpoint c2 by ada: wrong")
    assert lines["LinePublished"] == "result on orchestrate/abc at 0123456789ab"
    assert lines["AuditRecorded"] == "audit failed: HEAD moved"


def test_work_that_is_delivered_says_how_much_it_changes() -> None:
    event = ev.AttemptSucceeded(at=1, task="t0", number=1, duration_s=3, work=WORK)
    assert line_of(event, STATE)[9:] == "t0 finished in 3.0 s, 2 files, +10 -3 to merge"


def test_untouched_user_is_told_so() -> None:
    line = line_of(ev.AuditRecorded(at=1, verdict="passed"), STATE)
    assert line.endswith("audit: nothing of yours was touched")
    unknown = line_of(ev.AuditRecorded(at=1, verdict="unknown"), STATE)
    assert unknown.endswith("audit unknown: nothing could be compared")


def test_every_kind_of_checkpoint_has_a_name() -> None:
    for kind in get_args(CheckpointKind):
        line = line_of(ev.CheckpointTaken(at=1, checkpoint="c1", kind=kind), STATE)
        assert re.search(r"checkpoint c1 \w+", line)
