"""Delivered work: merged, sent back, in conflict, resolved; each report about one line and work."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import RetryPolicy, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.effects import AwaitResolution, MergeWorks
from orchestrate.core.running.events import (
    AttemptFailed,
    AttemptLost,
    AttemptSucceeded,
    WorkConflicted,
    WorkMerged,
    WorkReturned,
)
from orchestrate.core.running.retry import MAX_LOSSES
from orchestrate.core.running.status import AttemptStatus
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.work import Work
from tests.unit.core.running.drive import BASE, CONFLICT, Run, task, work_of, workflow, writer

RESOLVER = TaskSpec(id="resolver", phase="main", agent="conflict-resolver")
RED = (EvidenceNote("tests", "failed", "1 failed"),)


def one(**more: object) -> Run:
    """A run of one writing task `a`."""
    return Run(workflow(writer("a"), **more)).start()  # type: ignore[arg-type]


def train(run: Run) -> MergeWorks:
    run.hold()
    return next(effect for effect in run.pending if isinstance(effect, MergeWorks))


# -- merged ------------------------------------------------------------------------------------


def test_delivered_work_waits_to_be_merged_and_its_dependents_wait_with_it() -> None:
    run = Run(workflow(writer("a"), task("b", "a"))).start()
    run.deliver("a")
    assert run.statuses == {"a": "merging", "b": "blocked"}
    assert run.state.task("a").attempt is AttemptStatus.SUCCEEDED
    assert run.state.task("a").work == work_of("a", 1)
    assert train(run) == MergeWorks(BASE, (AttemptKey("r", "a", 1),))
    run.merge("a")
    assert run.statuses == {"a": "succeeded", "b": "ready"}
    assert run.state.line == run.state.task("a").commit == "a"


def test_attempt_that_changed_nothing_succeeds_without_a_merge() -> None:
    run = one()
    run.succeed("a")
    assert run.status == "completed"
    assert run.state.line == BASE


def test_attempt_starts_from_where_the_line_is() -> None:
    run = Run(workflow(writer("a"), writer("b"), task("c"), max_parallel=1)).start()
    run.deliver("a")
    run.merge("a")
    run.begin("b")
    assert run.state.task("b").base == "a"
    assert run.state.task("a").base == BASE


def test_specialist_that_only_reads_has_no_workspace() -> None:
    reader = TaskSpec("look", "main", agent="scout", action="scan", backend="local")
    run = Run(workflow(writer("a"), reader)).start()
    run.begin("look", "a")
    assert (run.state.task("look").base, run.state.task("a").base) == ("", BASE)


def test_works_are_merged_most_urgent_first() -> None:
    run = Run(workflow(writer("a"), writer("b", priority=3), writer("c"))).start()
    run.deliver("c", "a", "b")
    assert [key.task for key in train(run).works] == ["b", "a", "c"]


def test_checks_and_what_they_could_not_tell_are_kept() -> None:
    run = one()
    run.deliver("a")
    run.hold()
    notes = (EvidenceNote("tests", "unknown", "no runner"),)
    run.give(
        cmd.AcceptWork(
            task="a", number=1, line=BASE, commit="a", work="a.1", checks=notes, verified=False
        )
    )
    found = run.state.task("a")
    assert (found.checks, found.verified) == (notes, False)
    merged = run.last(WorkMerged)
    assert (merged.commit, merged.verified) == ("a", False)


# -- reports that come too late ----------------------------------------------------------------


def test_merge_into_another_line_is_not_accepted() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.deliver("a", "b")
    run.merge("a")
    accept = cmd.AcceptWork(task="b", number=1, line=BASE, commit="b")
    with pytest.raises(StaleAttemptError, match="the line is at a, and no longer at base"):
        run.give(accept)
    clash = cmd.ReportConflict(task="b", number=1, line=BASE)
    with pytest.raises(StaleAttemptError, match="no longer at base"):
        run.give(clash)
    late = cmd.ReturnWork(task="b", number=1, cause="checks_failed", line=BASE)
    with pytest.raises(StaleAttemptError, match="no longer at base"):
        run.give(late)
    assert run.statuses["b"] == "merging"


def test_repeated_reports_of_a_merge_are_stale() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.deliver("a")
    run.merge("a")
    reports: tuple[cmd.AnyCommand, ...] = (
        cmd.AcceptWork(task="a", number=1, line="a", commit="a"),
        cmd.AcceptWork(task="a", number=1, line=BASE, commit="a"),
        cmd.ReturnWork(task="a", number=1, cause="checks_failed"),
        cmd.ReturnWork(task="a", number=1, cause="checks_failed", human=True),
        cmd.ReportConflict(task="a", number=1, line="a"),
        cmd.ResolveConflict(task="a", number=1, work=work_of("a", 1), by="ada"),
        cmd.AcceptWork(task="b", number=0, line="a", commit="a"),
    )
    for command in reports:
        with pytest.raises(StaleAttemptError):
            run.give(command)


def test_report_about_work_that_was_replaced_is_stale() -> None:
    run = one()
    run.deliver("a")
    run.hold()
    conflict = cmd.ReportConflict(task="a", number=1, line=BASE, work="a.1", conflicts=CONFLICT)
    run.give(conflict)
    run.resolve("a", "joined")
    run.hold()
    with pytest.raises(StaleAttemptError):
        run.give(conflict)
    assert run.statuses["a"] == "merging"
    run.give(cmd.AcceptWork(task="a", number=1, line=BASE, work="joined", commit="m"))
    assert run.status == "executing"
    assert run.state.line == "m"


# -- sent back ---------------------------------------------------------------------------------


def test_work_that_is_sent_back_is_done_anew_with_what_was_seen() -> None:
    run = one()
    run.deliver("a")
    run.give(cmd.ReturnWork(task="a", number=1, cause="checks_failed", message="red", checks=RED))
    found = run.state.task("a")
    assert (found.status.value, found.returns) == ("ready", 1)
    assert (found.cause, found.message, found.checks) == ("checks_failed", "red", RED)
    run.begin("a")
    again = run.state.task("a")
    assert (again.attempts, again.message, again.checks) == (2, "red", RED)
    assert again.work is None
    run.deliver("a")
    run.merge("a")
    final = run.state.task("a")
    assert (final.status.value, final.cause, final.message) == ("succeeded", None, "")


@pytest.mark.parametrize("max_returns", [0, 1, 3])
def test_work_is_sent_back_so_often_and_no_more(max_returns: int) -> None:
    run = Run(workflow(writer("a", max_returns=max_returns))).start()
    for _ in range(max_returns):
        run.deliver("a")
        run.send_back("a")
        assert run.statuses["a"] == "ready"
    run.deliver("a")
    run.send_back("a")
    assert not run.last(WorkReturned).retry
    assert run.status == "failed"
    assert run.state.failed_task == "a"
    assert run.state.task("a").attempts == max_returns + 1


def test_what_cannot_be_found_out_is_not_sent_back_to_be_found_out_again() -> None:
    run = one()
    run.deliver("a")
    run.send_back("a", "checks_unknown")
    assert run.status == "failed"
    assert run.state.task("a").cause == "checks_unknown"


def test_returns_do_not_count_as_failures() -> None:
    policy = RetryPolicy(max_attempts=2, backoff_s=0.0)
    run = Run(workflow(writer("a", retry=policy))).start()
    run.deliver("a")
    run.send_back("a")
    run.fail("a")
    assert run.statuses["a"] == "retrying"
    assert (run.state.task("a").failures, run.state.task("a").returns) == (1, 1)


def test_resuming_gives_sent_back_work_a_new_allowance_and_keeps_what_was_seen() -> None:
    run = Run(workflow(writer("a", max_returns=0))).start()
    run.deliver("a")
    run.give(cmd.ReturnWork(task="a", number=1, cause="checks_failed", message="red", checks=RED))
    assert run.status == "failed"
    run.give(cmd.ResumeRun())
    found = run.state.task("a")
    assert (found.status.value, found.returns, found.checks) == ("ready", 0, RED)
    assert (found.cause, found.message, found.work) == ("checks_failed", "red", None)


# -- conflicts ---------------------------------------------------------------------------------


def clashing(**more: object) -> Run:
    run = one(**more)
    run.deliver("a")
    run.hold()
    run.clash("a")
    return run


def test_conflict_waits_for_a_person_where_nobody_resolves() -> None:
    run = clashing()
    found = run.state.task("a")
    assert (found.status.value, found.conflicts, found.returns) == ("conflicted", CONFLICT, 0)
    assert run.pending == [AwaitResolution(AttemptKey("r", "a", 1))]
    assert run.eligible == []
    assert run.last(WorkConflicted).line == BASE


def test_person_joins_the_conflict_and_the_result_is_merged() -> None:
    run = clashing()
    run.resolve("a", "joined")
    found = run.state.task("a")
    assert (found.status.value, found.conflicts, found.cause) == ("merging", (), None)
    assert found.work == Work(commit="joined", base=BASE, tree="joined")
    run.merge("a")
    assert run.statuses == {"a": "succeeded"}
    assert run.state.line == "a"


def test_person_sends_a_conflict_back_however_often_that_was_done() -> None:
    run = Run(workflow(writer("a", max_returns=0))).start()
    for number in (1, 2, 3):
        run.deliver("a")
        run.hold()
        run.clash("a")
        run.give(
            cmd.ReturnWork(
                task="a", number=number, cause="conflict", message="redo", human=True, by="ada"
            )
        )
        found = run.state.task("a")
        assert (found.status.value, found.message, found.conflicts) == ("ready", "redo", ())
    assert run.last(WorkReturned).by == "ada"


def test_conflict_can_be_resolved_while_the_run_is_paused_or_failed() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.deliver("a")
    run.hold()
    run.clash("a")
    run.fail("b")
    assert run.status == "failed"
    run.resolve("a")
    assert run.statuses["a"] == "merging"
    assert run.pending == []
    run.give(cmd.ResumeRun())
    assert isinstance(train(run), MergeWorks)


def test_resolver_is_given_the_conflict_with_the_work() -> None:
    run = clashing(resolver=RESOLVER)
    found = run.state.task("a")
    assert (found.status.value, found.resolving, found.returns) == ("ready", True, 1)
    run.begin("a")
    found = run.state.task("a")
    assert (found.attempts, found.work, found.conflicts) == (2, work_of("a", 1), CONFLICT)
    run.deliver("a")
    found = run.state.task("a")
    assert (found.status.value, found.resolving, found.conflicts) == ("merging", False, ())
    assert found.work == work_of("a", 2)


def test_resolver_is_asked_as_often_as_work_may_be_sent_back() -> None:
    run = Run(workflow(writer("a", max_returns=1), resolver=RESOLVER)).start()
    run.deliver("a")
    run.hold()
    run.clash("a")
    run.deliver("a")
    run.hold()
    run.clash("a")
    assert run.statuses["a"] == "conflicted"
    assert not run.state.task("a").resolving


@dataclass
class Ending:
    """How a resolver's attempt goes wrong for good."""

    name: str

    def happen(self, run: Run) -> None:
        if self.name == "fails":
            run.fail("a")
        elif self.name == "hands in nothing":
            run.succeed("a")
        else:
            for _ in range(MAX_LOSSES):
                run.lose("a")


@pytest.mark.parametrize("how", ["fails", "hands in nothing", "is lost again and again"])
def test_resolver_that_gets_nowhere_leaves_the_conflict_to_a_person(how: str) -> None:
    run = clashing(resolver=RESOLVER)
    Ending(how).happen(run)
    found = run.state.task("a")
    assert (found.status.value, found.resolving) == ("conflicted", False)
    assert (found.conflicts, found.work) == (CONFLICT, work_of("a", 1))
    assert run.status == "executing"
    assert run.pending == [AwaitResolution(AttemptKey("r", "a", found.attempts))]
    run.resolve("a")
    run.merge("a")
    assert run.statuses["a"] == "succeeded"


def test_resolver_that_fails_is_tried_again_as_the_task_allows() -> None:
    policy = RetryPolicy(max_attempts=2, backoff_s=0.0, on=("exit", "conflict"))
    run = Run(workflow(writer("a", retry=policy), resolver=RESOLVER)).start()
    run.deliver("a")
    run.hold()
    run.clash("a")
    run.succeed("a")
    assert run.last(AttemptFailed).cause == "conflict"
    assert (run.statuses["a"], run.state.task("a").resolving) == ("retrying", True)
    run.deliver("a")
    run.merge("a")
    assert run.statuses["a"] == "succeeded"


def test_interrupted_resolver_starts_again_with_the_conflict() -> None:
    run = clashing(resolver=RESOLVER)
    run.interrupt("a")
    found = run.state.task("a")
    assert (found.status.value, found.resolving, found.work) == ("ready", True, work_of("a", 1))
    run.lose("a")
    assert run.last(AttemptLost).retry
    assert run.state.task("a").resolving


# -- pauses, failures, cancellation ------------------------------------------------------------


def test_nothing_is_merged_while_the_run_is_paused_but_what_was_merged_is_recorded() -> None:
    run = one()
    run.deliver("a")
    run.hold()
    run.give(cmd.PauseRun())
    assert run.pending == []
    run.merge("a")
    assert run.statuses["a"] == "succeeded"
    assert run.status == "paused"


def test_run_that_stops_still_merges_what_was_finished() -> None:
    run = Run(workflow(writer("a"), task("b"))).start()
    run.deliver("a")
    run.fail("b")
    assert run.status == "executing"
    assert isinstance(train(run), MergeWorks)
    run.merge("a")
    assert run.status == "failed"
    assert run.statuses == {"a": "succeeded", "b": "failed"}


@pytest.mark.parametrize("reached", ["merging", "conflicted", "resolving"])
def test_cancelling_gives_up_work_that_is_not_merged(reached: str) -> None:
    run = one(resolver=RESOLVER if reached == "resolving" else None)
    run.deliver("a")
    run.hold()
    if reached != "merging":
        run.clash("a")
    run.give(cmd.CancelRun())
    assert run.statuses == {"a": "cancelled"}
    assert run.pending == []
    with pytest.raises(StaleAttemptError):
        run.give(cmd.AcceptWork(task="a", number=1, line=BASE, commit="a"))


def test_work_delivered_after_the_run_was_cancelled_is_merged_nowhere() -> None:
    run = one()
    run.begin("a")
    run.give(cmd.CancelRun())
    run.deliver("a")
    assert isinstance(run.events[-1], AttemptSucceeded)
    assert run.statuses == {"a": "cancelled"}
    assert run.state.task("a").attempt is AttemptStatus.SUCCEEDED
    assert run.pending == []


def test_resolver_that_fails_after_the_run_was_cancelled_asks_nobody() -> None:
    run = clashing(resolver=RESOLVER)
    run.begin("a")
    run.give(cmd.CancelRun())
    run.fail("a")
    assert run.statuses == {"a": "failed"}
    assert run.pending == []
