"""The end of a run that wrote: the line is given to the user, and the audit is recorded."""

from __future__ import annotations

import pytest

from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError, decide
from orchestrate.core.running.effects import PublishLine, TakeCheckpoint
from orchestrate.core.running.events import AuditRecorded, LinePublished, RunCompleted
from orchestrate.core.running.state import INITIAL
from orchestrate.errors import IllegalCommandError
from tests.unit.core.running.drive import BASE, Run, task, workflow, writer


def merged() -> Run:
    """A run whose only task was merged."""
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.merge("a")
    return run


def publish(run: Run) -> None:
    run.give(cmd.RecordPublication(branch="orchestrate/r", commit=run.state.line))


def test_line_is_published_when_all_is_done_and_then_the_run_is_completed() -> None:
    run = merged()
    run.hold()
    assert run.status == "executing"
    assert run.pending == [PublishLine("a|main")]
    publish(run)
    assert [type(event) for event in run.events[-2:]] == [LinePublished, RunCompleted]
    assert run.state.published == "orchestrate/r"
    assert run.pending == []


def test_line_is_not_published_before_the_mark_of_the_last_phase_is_on_it() -> None:
    run = merged()
    assert [type(each) for each in run.pending] == [TakeCheckpoint]
    with pytest.raises(StaleAttemptError, match="not waiting to be published"):
        publish(run)


def test_publication_of_another_commit_is_stale() -> None:
    run = merged()
    run.hold()
    with pytest.raises(StaleAttemptError):
        run.give(cmd.RecordPublication(branch="b", commit="a"))
    publish(run)
    with pytest.raises(StaleAttemptError):
        publish(run)


def test_run_that_changed_nothing_publishes_nothing() -> None:
    run = Run(workflow(writer("a"))).start()
    run.succeed("a")
    assert run.status == "completed"
    assert (run.state.line, run.state.published) == (BASE, "")


def test_failed_run_publishes_nothing() -> None:
    run = Run(workflow(writer("a"), task("b"), on_failure="continue")).start()
    run.deliver("a")
    run.merge("a")
    run.fail("b")
    run.hold()
    assert run.status == "failed"
    assert run.pending == []
    assert run.state.published == ""


def test_audit_is_recorded_once_for_each_finding() -> None:
    run = merged()
    run.hold()
    publish(run)
    audit = cmd.RecordAudit(verdict="failed", changes=("refs/heads/main moved",))
    assert [type(event) for event in run.give(audit)] == [AuditRecorded]
    assert (run.state.audit, run.state.audit_changes) == ("failed", ("refs/heads/main moved",))
    assert run.give(audit) == []
    run.give(cmd.RecordAudit(verdict="passed"))
    assert (run.state.audit, run.state.audit_changes) == ("passed", ())
    assert run.status == "completed"


def test_run_that_does_not_exist_is_not_audited() -> None:
    with pytest.raises(IllegalCommandError):
        decide(INITIAL, cmd.RecordAudit(verdict="passed"), 1.0)
