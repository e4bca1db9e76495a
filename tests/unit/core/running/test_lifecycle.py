"""The commands about the whole run: what each does, and where it is refused."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.budget import Budget
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import (
    StaleAttemptError,
    advance,
    decide,
    legal_commands,
)
from orchestrate.core.running.effects import pending
from orchestrate.core.running.rollback import facts
from orchestrate.core.running.state import INITIAL
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import ExitCode, IllegalCommandError, RequestError
from tests.unit.core.running.drive import Run, task, workflow

LIFECYCLE: dict[str, cmd.AnyCommand] = {
    "CreateRun": cmd.CreateRun(run="other", request="", repository=""),
    "PlanRun": cmd.PlanRun(workflow=workflow(task("a"))),
    "StartRun": cmd.StartRun(),
    "AdoptRun": cmd.AdoptRun(owner="me"),
    "PauseRun": cmd.PauseRun(),
    "ResumeRun": cmd.ResumeRun(),
    "CancelRun": cmd.CancelRun(),
    "SetLimit": cmd.SetLimit(max_parallel=2),
    "SetBudget": cmd.SetBudget(budget=Budget(cost_usd=1.0)),
    "AskCheckpoint": cmd.AskCheckpoint(),
    "RollBack": cmd.RollBack(
        checkpoint="c1", target=facts(Run(workflow(task("a"))).start().state, "c1")
    ),
}


def _idle() -> Run:
    run = Run(workflow(task("a")))
    run.state, run.events = INITIAL, []
    run.give(cmd.CreateRun(run="r", request="", repository=""))
    return run


def _planning() -> Run:
    return Run(workflow(task("a")))


def _executing() -> Run:
    return _planning().start()


def _paused() -> Run:
    run = _executing()
    run.give(cmd.PauseRun())
    return run


def _failed() -> Run:
    run = _executing()
    run.fail("a")
    return run


def _completed() -> Run:
    run = _executing()
    run.succeed("a")
    return run


def _cancelled() -> Run:
    run = _executing()
    run.give(cmd.CancelRun())
    return run


def _at_work() -> Run:
    run = _executing()
    run.begin("a")
    return run


BACK = {"RollBack", "AskCheckpoint"}
LEGAL = [
    (_idle, {"PlanRun", "CancelRun"}),
    (_planning, {"PlanRun", "StartRun", "CancelRun", "SetLimit", "SetBudget"}),
    (_executing, {"AdoptRun", "PauseRun", "CancelRun", "SetLimit", "SetBudget", *BACK}),
    (_at_work, {"AdoptRun", "PauseRun", "CancelRun", "SetLimit", "SetBudget", "AskCheckpoint"}),
    (_paused, {"AdoptRun", "ResumeRun", "CancelRun", "SetLimit", "SetBudget", *BACK}),
    (_failed, {"AdoptRun", "ResumeRun", "CancelRun", "SetBudget", *BACK}),
    (_completed, BACK),
    (_cancelled, {"AdoptRun"}),
]


@pytest.mark.parametrize("name", LIFECYCLE)
@pytest.mark.parametrize(("make", "legal"), LEGAL, ids=[make.__name__ for make, _ in LEGAL])
def test_command_is_accepted_exactly_where_it_is_legal(make, legal: set[str], name: str) -> None:  # type: ignore[no-untyped-def]
    run = make()
    assert set(legal_commands(run.state)) == legal
    if name in legal:
        assert decide(run.state, LIFECYCLE[name], run.now)
        return
    with pytest.raises(IllegalCommandError) as refused:
        decide(run.state, LIFECYCLE[name], run.now)
    assert set(refused.value.legal) == legal
    assert refused.value.exit_code is ExitCode.CONFLICT
    for allowed in legal:
        assert allowed in refused.value.remedy


def test_before_it_exists_a_run_can_only_be_created() -> None:
    assert legal_commands(INITIAL) == ("CreateRun",)
    for name, command in LIFECYCLE.items():
        if name != "CreateRun":
            with pytest.raises(IllegalCommandError):
                decide(INITIAL, command, 1.0)
    reports: tuple[cmd.AnyCommand, ...] = (
        cmd.SucceedAttempt(task="a", number=1),
        cmd.DecideGate(gate="g", verdict="passed", by="x"),
        cmd.AcceptWork(task="a", number=1, line="", commit="c"),
        cmd.ExpandGroup(task="a"),
    )
    for command in reports:
        with pytest.raises(RequestError):
            decide(INITIAL, command, 1.0)
    for unawaited in (
        cmd.RecordCheckpoint(kind="manual"),
        cmd.RecordPublication(branch="b", commit=""),
    ):
        with pytest.raises(StaleAttemptError):
            decide(INITIAL, unawaited, 1.0)
    with pytest.raises(IllegalCommandError):
        decide(INITIAL, cmd.GrantSlots(tasks=("a",)), 1.0)
    assert decide(INITIAL, cmd.PassTime(), 1.0) == ()
    assert list(pending(INITIAL)) == []


def test_created_run_keeps_what_was_asked() -> None:
    events, state = advance(
        INITIAL,
        cmd.CreateRun(run="r", request="scan", repository="/x", revision="abc", program="1.0"),
        5.0,
    )
    assert len(events) == 1
    assert (state.run, state.request, state.repository) == ("r", "scan", "/x")
    assert (state.revision, state.program, state.created_at) == ("abc", "1.0", 5.0)
    assert state.status is RunStatus.IDLE


def test_later_plan_replaces_the_earlier_one() -> None:
    run = _planning()
    run.give(cmd.PlanRun(workflow=workflow(task("b"), task("c")), inputs={"n": 1}))
    assert run.statuses == {"b": "blocked", "c": "blocked"}
    assert run.state.inputs == {"n": 1}


def test_run_without_tasks_is_completed_at_once() -> None:
    run = Run(workflow()).start()
    assert run.status == "completed"


def test_reasons_and_owners_are_kept() -> None:
    run = _executing()
    run.give(cmd.AdoptRun(owner="host:boot:7"))
    run.give(cmd.PauseRun(reason="lunch", by="ada"))
    assert (run.state.owner, run.state.reason) == ("host:boot:7", "lunch")


def test_limit_can_change_while_the_run_is_live() -> None:
    run = Run(workflow(*(task(f"t{n}") for n in range(4)), max_parallel=1)).start()
    assert len(run.grant()) == 1
    run.give(cmd.SetLimit(max_parallel=3))
    assert len(run.grant()) == 2
    run.give(cmd.SetLimit(max_parallel=1))
    assert run.grant() == ()
    assert run.state.live.bit_count() == 3
    with pytest.raises(RequestError, match="at least 1"):
        run.give(cmd.SetLimit(max_parallel=0))
