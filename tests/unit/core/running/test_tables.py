"""Every row of the four tables is taken by a real history, and nothing but the rows is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import EachSpec, PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import draft as draft_module
from orchestrate.core.running import events as ev
from orchestrate.core.running import evolve as evolve_module
from orchestrate.core.running import (
    evolve_attempt,
    evolve_checkpoint,
    evolve_work,
)
from orchestrate.core.running.retry import MAX_LOSSES
from orchestrate.core.running.state import INITIAL
from orchestrate.core.running.status import (
    ATTEMPT,
    GATE,
    RUN,
    RUN_ENDED,
    TASK,
    TASK_SETTLED,
    AttemptStatus,
    GateStatus,
    RunStatus,
    TaskStatus,
    allowed,
    following,
)
from orchestrate.errors import InternalError
from tests.unit.core.running.drive import (
    CLAUDE,
    Run,
    agent_task,
    gate,
    group,
    task,
    work_of,
    workflow,
    writer,
)

RETRY = RetryPolicy(max_attempts=2, backoff_s=5.0)


def _lifecycle() -> Run:
    run = Run(workflow(task("a"), task("b", "a")))
    run.give(cmd.PlanRun(workflow=run.state.index.workflow))
    run.start()
    run.give(cmd.AdoptRun(owner="me"))
    run.give(cmd.PauseRun())
    run.give(cmd.AdoptRun(owner="you"))
    run.give(cmd.ResumeRun())
    run.fail("a")
    run.give(cmd.AdoptRun(owner="me"))
    run.give(cmd.ResumeRun())
    run.succeed("a")
    run.succeed("b")
    return run


def _cancelled_while(prepare: Callable[[Run], object]) -> Callable[[], Run]:
    def history() -> Run:
        run = Run(workflow(TaskSpec("a", "main", run="true", retry=RETRY), task("b", "a")))
        prepare(run)
        run.give(cmd.CancelRun())
        if run.state.live:
            run.interrupt("a")
        run.give(cmd.AdoptRun(owner="late")) if run.state.plan is not None else None
        return run

    return history


def _cancelled_at_once() -> Run:
    run = Run.__new__(Run)
    run.state, run.events, run.now = INITIAL, [], 1.0
    run.give(cmd.CreateRun(run="r", request="", repository=""))
    run.give(cmd.CancelRun())
    return run


def _failed_then_cancelled(run: Run) -> None:
    run.start().fail("a")
    run.now += 5.0
    run.fail("a")


def _retried() -> Run:
    run = Run(workflow(TaskSpec("a", "main", run="true", retry=RETRY))).start()
    run.lose("a")
    run.interrupt("a")
    run.fail("a")
    run.now += 5.0
    run.succeed("a")
    return run


def _lost_for_good() -> Run:
    run = Run(workflow(task("a"))).start()
    for _ in range(MAX_LOSSES):
        run.lose("a")
    return run


def _skipped_and_reopened() -> Run:
    run = Run(workflow(task("a"), task("b", "a"), task("c", when="false"), on_failure="continue"))
    run.start().fail("a")
    run.give(cmd.ResumeRun())
    return run


def _undecidable() -> Run:
    return Run(workflow(task("a", when="inputs.absent"))).start()


def _held_back_again(retrying: bool) -> Callable[[], Run]:
    def history() -> Run:
        """A task that follows a failure is to run when the run fails for another reason."""
        after = TaskSpec("after", "main", run="true", needs=("a",), trigger="all_done", retry=RETRY)
        run = Run(workflow(task("a"), after, task("z"), max_parallel=2)).start()
        run.fail("a")
        run.begin("z")
        if retrying:
            run.fail("after")
        run.fail("z")
        run.give(cmd.ResumeRun())
        return run

    return history


def _gates() -> Run:
    phases = (PhaseSpec("main", gates=(gate("x"), gate("y"), gate("z"))),)
    run = Run(workflow(task("a"), phases=phases)).start()
    run.succeed("a")
    run.decide("main/x")
    run.decide("main/y", "failed")
    run.give(cmd.ResumeRun())
    run.decide("main/y", "unknown")
    run.give(cmd.ResumeRun())
    return run


RESOLVER = TaskSpec(id="resolver", phase="main", agent="conflict-resolver")


def _writing(prepare: Callable[[Run], object], **more: Any) -> Callable[[], Run]:
    def history() -> Run:
        run = Run(workflow(writer("a", max_returns=1), task("b"), **more)).start()
        prepare(run)
        return run

    return history


def _delivered(run: Run) -> None:
    run.deliver("a")
    run.hold()


def _in_conflict(run: Run) -> None:
    _delivered(run)
    run.clash("a")


def _returned(run: Run) -> None:
    for _ in range(2):
        _delivered(run)
        run.send_back("a")


def _resolved(run: Run) -> None:
    _in_conflict(run)
    run.resolve("a")
    run.merge("a")


def _sent_back_by_a_person(run: Run) -> None:
    _in_conflict(run)
    run.send_back("a", human=True)


def _resolver_fails(run: Run) -> None:
    _in_conflict(run)
    run.fail("a")


def _resolver_is_lost(run: Run) -> None:
    _in_conflict(run)
    for _ in range(MAX_LOSSES):
        run.lose("a")


def _delivered_late(run: Run) -> None:
    run.begin("a")
    run.give(cmd.CancelRun())
    run.deliver("a")


def _cancelled_after(prepare: Callable[[Run], object]) -> Callable[[Run], None]:
    def cancel(run: Run) -> None:
        prepare(run)
        run.give(cmd.CancelRun())

    return cancel


def _groups() -> Run:
    run = Run(workflow(task("list"), group("fix"), group("empty"), group("bad"))).start()
    run.succeed("list")
    run.expand("fix", "one")
    run.expand("empty")
    run.succeed("fix.one")
    run.expand("bad", problem="no list there")
    return run


def _back_and_forth() -> Run:
    phases = (PhaseSpec("main", gates=(gate("ok", remind_s=5.0),)),)
    run = Run(workflow(writer("a"), phases=phases)).start()
    run.begin("a")
    run.give(cmd.AskCheckpoint())
    run.hold()
    run.deliver("a")
    run.roll_back("c1")
    run.roll_back("c2")
    run.give(cmd.ResumeRun())
    run.deliver("a")
    run.merge("a")
    run.now += 5.0
    run.give(cmd.PassTime())
    run.decide("main/ok", "failed")
    run.roll_back("c1")
    run.give(cmd.ResumeRun())
    run.deliver("a")
    run.merge("a")
    run.decide("main/ok")
    run.hold()
    run.give(cmd.RecordPublication(branch="b", commit=run.state.line))
    run.give(cmd.RecordAudit(verdict="passed"))
    run.roll_back("c1")
    return run


def _ladder() -> Run:
    each = EachSpec("list", "items")
    run = Run(
        workflow(
            task("list"),
            agent_task("refused", "list", advisor=CLAUDE, hand_over=HandOver()),
            agent_task("late", "list", hand_over=HandOver(deadline_s=5.0)),
            agent_task("big", "list", split=each),
            on_failure="continue",
        )
    ).start()
    run.succeed("list")
    run.fail("refused", "refusal")
    run.succeed("refused", summary="do it differently")
    run.fail("refused", "refusal")
    run.hand_in("refused")
    run.fail("late", "timeout")
    run.now += 5.0
    run.give(cmd.PassTime())
    run.fail("big", "timeout")
    run.expand("big", "one")
    return run


def _by_a_person() -> Run:
    person = TaskSpec("a", "main", agent="builder", backend="human", writes=("**",))
    split = agent_task("big", split=EachSpec("list", "items"), writes=("**",), max_returns=0)
    run = Run(workflow(task("list"), person, msgspec.structs.replace(split, needs=("list",))))
    run.start()
    run.hand_in("a", work=work_of("a", 1))
    run.merge("a")
    run.succeed("list")
    run.deliver("big")
    run.hold()
    run.send_back("big")
    return run


def _cancelled_in_the_hands_of_a_person() -> Run:
    run = Run(workflow(TaskSpec("a", "main", agent="builder", backend="human"))).start()
    run.give(cmd.CancelRun())
    return run


HISTORIES: dict[str, Callable[[], Run]] = {
    "lifecycle": _lifecycle,
    "cancelled at once": _cancelled_at_once,
    "cancelled before its start": _cancelled_while(lambda run: None),
    "cancelled with a task ready": _cancelled_while(lambda run: run.start()),
    "cancelled with a task at work": _cancelled_while(lambda run: run.start().begin("a")),
    "cancelled with a task retrying": _cancelled_while(lambda run: run.start().fail("a")),
    "cancelled while paused": _cancelled_while(lambda run: (run.start(), run.give(cmd.PauseRun()))),
    "cancelled after failing": _cancelled_while(_failed_then_cancelled),
    "retried": _retried,
    "lost for good": _lost_for_good,
    "skipped and reopened": _skipped_and_reopened,
    "undecidable": _undecidable,
    "held back when ready": _held_back_again(retrying=False),
    "held back when retrying": _held_back_again(retrying=True),
    "gates": _gates,
    "sent back": _writing(_returned),
    "resolved by a person": _writing(_resolved),
    "sent back by a person": _writing(_sent_back_by_a_person),
    "resolver fails": _writing(_resolver_fails, resolver=RESOLVER),
    "resolver is lost": _writing(_resolver_is_lost, resolver=RESOLVER),
    "delivered late": _writing(_delivered_late),
    "cancelled while merging": _writing(_cancelled_after(_delivered)),
    "cancelled in conflict": _writing(_cancelled_after(_in_conflict)),
    "groups": _groups,
    "back and forth": _back_and_forth,
    "the ladder": _ladder,
    "by a person": _by_a_person,
    "cancelled in the hands of a person": _cancelled_in_the_hands_of_a_person,
}


@pytest.fixture(scope="module")
def rows_taken() -> set[tuple[type, str, str]]:
    """(kind, status, trigger) of every look-up in a table while the histories above are written."""
    seen: set[tuple[type, str, str]] = set()

    def noting(table: Any, status: StrEnum, trigger: str) -> StrEnum:
        after: StrEnum = following(table, status, trigger)
        # Statuses of different tables are equal when they are spelled alike.
        seen.add((type(status), status.value, trigger))
        return after

    with pytest.MonkeyPatch.context() as patch:
        folding = (draft_module, evolve_module, evolve_attempt, evolve_work, evolve_checkpoint)
        for module in folding:
            patch.setattr(module, "following", noting)
        for make in HISTORIES.values():
            make()
    return seen


@pytest.mark.parametrize(
    ("status", "trigger"),
    [
        (status, trigger)
        for table in (RUN, TASK, ATTEMPT, GATE)
        for status, row in table.items()
        for trigger in row
    ],
)
def test_every_row_is_taken_by_some_history(
    status: StrEnum, trigger: str, rows_taken: set[tuple[type, str, str]]
) -> None:
    assert (type(status), status.value, trigger) in rows_taken


@pytest.mark.parametrize(
    ("statuses", "table", "first"),
    [
        (RunStatus, RUN, RunStatus.IDLE),
        (TaskStatus, TASK, TaskStatus.BLOCKED),
        (AttemptStatus, ATTEMPT, AttemptStatus.STARTED),
        (GateStatus, GATE, GateStatus.CLOSED),
    ],
)
def test_every_status_is_in_its_table_and_can_be_reached(statuses, table, first) -> None:  # type: ignore[no-untyped-def]
    assert set(table) == set(statuses)
    reached, todo = {first}, [first]
    while todo:
        for after in table[todo.pop()].values():
            if after not in reached:
                reached.add(after)
                todo.append(after)
    assert reached == set(statuses)


def _final(table: dict[StrEnum, dict[str, StrEnum]]) -> set[str]:
    return {status.value for status, row in table.items() if set(row.values()) <= {status}}


def test_final_statuses_are_those_without_a_way_on() -> None:
    # A completed run can be gone back from; nothing else leads on.
    assert _final(RUN) == {"cancelled"}  # type: ignore[arg-type]
    assert set(RUN[RunStatus.COMPLETED]) == {"run_rolled_back"}
    assert _final(TASK) == {"succeeded", "cancelled"}  # type: ignore[arg-type]
    assert _final(ATTEMPT) == {"succeeded", "failed", "lost", "interrupted", "cancelled"}  # type: ignore[arg-type]
    assert _final(GATE) == {"passed"}  # type: ignore[arg-type]


def test_ended_sets_agree_with_the_tables() -> None:
    assert all(status in RUN_ENDED for status in (RunStatus.COMPLETED, RunStatus.CANCELLED))
    assert {status for status in TaskStatus if "run_cancelled" not in TASK[status]} == (
        TASK_SETTLED | {TaskStatus.RUNNING}
    )


def test_a_step_without_a_row_is_a_defect_of_ours() -> None:
    assert not allowed(TASK, TaskStatus.SUCCEEDED, "attempt_started")
    with pytest.raises(InternalError, match="no transition from succeeded by attempt_started"):
        following(TASK, TaskStatus.SUCCEEDED, "attempt_started")


def _names(events: Iterable[ev.AnyEvent]) -> set[str]:
    return {type(event).__name__ for event in events}


def test_every_event_occurs_in_these_histories() -> None:
    seen = set().union(*(_names(make().events) for make in HISTORIES.values()))
    limits = Run(workflow(task("a"))).start()
    limits.give(cmd.SetLimit(max_parallel=2))
    limits.give(cmd.SetBudget(budget=Budget(cost_usd=1.0)))
    held = Run(workflow(task("a", when="true"))).start()
    seen |= _names(limits.events) | _names(held.events)
    assert seen == {kind.__name__ for kind in ev.AnyEvent.__args__}
