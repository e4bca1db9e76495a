"""The driver with a real store: stopping, recovering, gates, the inbox, time (A9, B1, B8, N3)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orchestrate.app import runs
from orchestrate.core.planning.definition import GateSpec, RetryPolicy
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.errors import InternalError, StoreError
from orchestrate.hosts.local.dispatch import Dispatch
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.testing.scripted_performer import ScriptedPerformer
from tests.integration.rig import CLOCK, RUN, Rig, ScriptedGates, flow, task, until

CHECKED = GateSpec(name="checked", kind="command", command="true")
LOOKED = GateSpec(name="looked", kind="human")


class Hold:
    """A step that waits until it is told to go on, and says when it has begun."""

    def __init__(self, result: AttemptResult | None = None) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self._result = result or AttemptResult(ok=True)

    async def __call__(self, request: AttemptRequest) -> AttemptResult:
        self.begun.set()
        await self.go.wait()
        return self._result


def test_run_completes_and_is_told_about_in_order(tmp_path: Path) -> None:
    seen: list[str] = []

    async def main() -> Rig:
        rig = Rig(tmp_path)
        state = await rig.create(flow(task("a"), task("b", "a"), gates=(CHECKED,)))

        def observe(events: object, state: RunState) -> None:
            # Only what is durable is told.
            assert rig.state().version == state.version
            seen.extend(type(event).__name__ for event in events)  # type: ignore[attr-defined]

        final = await rig.driver(state, observe).run()
        assert final.status is RunStatus.COMPLETED
        return rig

    rig = asyncio.run(main())
    assert seen == rig.kinds()[-len(seen) :]
    assert seen[-1] == "RunCompleted"


def test_many_attempts_that_end_at_once_lose_no_outcome(tmp_path: Path) -> None:
    async def main() -> RunState:
        names = [f"t{number}" for number in range(300)]
        rig = Rig(tmp_path)
        state = await rig.create(flow(*map(task, names), task("end", *names), max_parallel=64))
        return await asyncio.wait_for(rig.driver(state).run(), 60)

    state = asyncio.run(main())
    assert state.status is RunStatus.COMPLETED
    assert {item.status for item in state.tasks.values()} == {TaskStatus.SUCCEEDED}


def test_stop_during_the_append_that_grants_begins_no_attempt(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        driver = rig.driver(await rig.create(flow(task("a"))))

        def stop_once_granted(kinds: list[str]) -> None:
            if "AttemptStarted" in kinds:
                driver.stop("interrupted by a test")

        rig.store.after_append = stop_once_granted
        await asyncio.wait_for(driver.run(), 10)
        return rig

    rig = asyncio.run(main())
    assert isinstance(rig.performer, ScriptedPerformer)
    assert rig.performer.performed == []
    assert rig.kinds()[-3:] == ["AttemptStarted", "RunPaused", "AttemptInterrupted"]
    assert rig.state().status is RunStatus.PAUSED


def test_attempt_cancelled_before_its_first_step_is_still_reported(tmp_path: Path) -> None:
    async def main() -> list[cmd.AnyCommand]:
        rig = Rig(tmp_path)
        granted = await rig.granted(flow(task("a")), "a")
        reported: list[cmd.AnyCommand] = []
        dispatch = Dispatch(rig.performer, ScriptedGates(), rig.build, reported.append)
        dispatch.start_owed(granted)
        dispatch.stop("at once")
        await until("its end", lambda: dispatch.idle)
        return reported

    assert asyncio.run(main()) == [cmd.InterruptAttempt(task="a", number=1, reason="at once")]


def test_stop_interrupts_what_runs_without_blame(tmp_path: Path) -> None:
    async def main() -> Rig:
        hold = Hold()
        rig = Rig(tmp_path, ScriptedPerformer({"a": [hold]}))
        driver = rig.driver(await rig.create(flow(task("a"))))
        running = asyncio.create_task(driver.run())
        await hold.begun.wait()
        driver.stop("interrupted")
        driver.stop("again")
        await asyncio.wait_for(running, 10)
        return rig

    rig = asyncio.run(main())
    assert rig.kinds()[-2:] == ["RunPaused", "AttemptInterrupted"]
    state = rig.state()
    assert state.task("a").status is TaskStatus.READY
    assert state.task("a").failures == 0
    assert state.reason == "interrupted"


def test_stop_does_not_wait_for_the_command_of_a_gate(tmp_path: Path) -> None:
    async def main() -> Rig:
        begun = asyncio.Event()

        async def evaluate(state: RunState, gate: str) -> cmd.DecideGate:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets the event")

        rig = Rig(tmp_path, evaluate=evaluate)
        driver = rig.driver(await rig.create(flow(task("a"), gates=(CHECKED,))))
        running = asyncio.create_task(driver.run())
        await begun.wait()
        driver.stop("interrupted")
        await asyncio.wait_for(running, 10)
        return rig

    rig = asyncio.run(main())
    assert rig.kinds()[-1] == "RunPaused"
    assert "GateDecided" not in rig.kinds()


def test_cancelling_a_run_ends_the_evaluation_of_its_gate(tmp_path: Path) -> None:
    async def main() -> Rig:
        begun = asyncio.Event()

        async def evaluate(state: RunState, gate: str) -> cmd.DecideGate:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets the event")

        rig = Rig(tmp_path, evaluate=evaluate)
        driver = rig.driver(await rig.create(flow(task("a"), gates=(CHECKED,))))
        running = asyncio.create_task(driver.run())
        await begun.wait()
        await rig.send(cmd.CancelRun(reason="no use", by="ada"))
        await asyncio.wait_for(running, 10)
        return rig

    assert asyncio.run(main()).state().status is RunStatus.CANCELLED


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(OSError(28, "no space left"), "unknown"), (asyncio.CancelledError(), "unknown")],
)
def test_gate_that_cannot_be_evaluated_is_unknown_and_fails_the_run(
    tmp_path: Path, error: BaseException, verdict: str
) -> None:
    async def evaluate(state: RunState, gate: str) -> cmd.DecideGate:
        raise error

    async def main() -> Rig:
        rig = Rig(tmp_path, evaluate=evaluate)
        state = await rig.create(flow(task("a"), gates=(CHECKED,)))
        await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    decided = [event for event in asyncio.run(main()).events() if isinstance(event, ev.GateDecided)]
    assert [event.verdict for event in decided] == [verdict]


def test_defect_in_a_gate_ends_the_driver_and_not_the_run(tmp_path: Path) -> None:
    async def evaluate(state: RunState, gate: str) -> cmd.DecideGate:
        raise ZeroDivisionError

    async def main() -> Rig:
        rig = Rig(tmp_path, evaluate=evaluate)
        state = await rig.create(flow(task("a"), gates=(CHECKED,)))
        with pytest.raises(InternalError, match="work/checked"):
            await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    assert asyncio.run(main()).state().status is RunStatus.EXECUTING


def test_defect_in_a_performer_ends_the_driver_and_the_run_goes_on_later(tmp_path: Path) -> None:
    def broken(request: AttemptRequest) -> AttemptResult:
        raise ZeroDivisionError

    async def main() -> Rig:
        rig = Rig(tmp_path, ScriptedPerformer({"a": [broken]}))
        state = await rig.create(flow(task("a")))
        with pytest.raises(InternalError, match="broke its performer"):
            await asyncio.wait_for(rig.driver(state).run(), 10)
        assert rig.state().status is RunStatus.EXECUTING
        await asyncio.wait_for(rig.driver(rig.state()).run(), 10)
        return rig

    rig = asyncio.run(main())
    assert rig.state().status is RunStatus.COMPLETED
    assert "AttemptLost" in rig.kinds()


@pytest.mark.parametrize(
    ("error", "cause"),
    [(PermissionError(13, "not permitted"), "unavailable"), (asyncio.CancelledError(), "crash")],
)
def test_attempt_that_cannot_be_performed_fails_by_name(
    tmp_path: Path, error: BaseException, cause: str
) -> None:
    def refuses(request: AttemptRequest) -> AttemptResult:
        raise error

    async def main() -> Rig:
        rig = Rig(tmp_path, ScriptedPerformer({"a": [refuses]}))
        state = await rig.create(flow(task("a")))
        await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    rig = asyncio.run(main())
    assert rig.state().status is RunStatus.FAILED
    assert rig.state().task("a").cause == cause
    assert rig.state().task("a").message


def test_retry_that_is_due_without_a_free_slot_does_not_spin(tmp_path: Path) -> None:
    async def main() -> int:
        hold = Hold()
        failure = AttemptResult(ok=False, cause="exit", message="no")
        rig = Rig(tmp_path, ScriptedPerformer({"a": [failure], "b": [hold]}))
        policy = RetryPolicy(max_attempts=2, backoff_s=0.01)
        state = await rig.create(flow(task("a", retry=policy), task("b"), max_parallel=1))
        running = asyncio.create_task(rig.driver(state).run())
        await hold.begun.wait()
        await asyncio.sleep(0.05)  # now the retry is due, and the only slot is taken
        before = rig.samples
        await asyncio.sleep(0.5)
        looked = rig.samples - before
        hold.go.set()
        assert (await asyncio.wait_for(running, 10)).status is RunStatus.COMPLETED
        return looked

    assert asyncio.run(main()) <= 10


def test_stop_lets_recovery_come_to_its_end(tmp_path: Path) -> None:
    """What had finished before the crash is taken even if the next driver is stopped at once."""

    class SlowRecovery(ScriptedPerformer):
        async def recover(self, request: AttemptRequest) -> AttemptResult | None:
            begun.set()
            await asyncio.sleep(0.05)
            return AttemptResult(ok=True, recovered=True)

    begun = asyncio.Event()

    async def main() -> Rig:
        rig = Rig(tmp_path, SlowRecovery())
        driver = rig.driver(await rig.granted(flow(task("a"), task("b", "a")), "a"))
        running = asyncio.create_task(driver.run())
        await begun.wait()
        driver.stop("interrupted")
        await asyncio.wait_for(running, 10)
        return rig

    rig = asyncio.run(main())
    assert rig.state().task("a").status is TaskStatus.SUCCEEDED
    assert rig.state().status is RunStatus.PAUSED
    assert "AttemptStarted" not in rig.kinds()[rig.kinds().index("AttemptStarted") + 1 :]


def test_attempts_of_a_past_driver_are_recovered_or_lost_before_anything_runs(
    tmp_path: Path,
) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        performer = rig.performer
        assert isinstance(performer, ScriptedPerformer)
        state = await rig.granted(flow(task("a"), task("b")), "a", "b")
        # As if attempt a had left its outcome before its driver died, and b had not.
        await performer.perform(rig.request(state, "a"))
        await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    rig = asyncio.run(main())
    recovered = [e for e in rig.events() if isinstance(e, ev.AttemptSucceeded) and e.recovered]
    assert [event.task for event in recovered] == ["a"]
    assert [event.task for event in rig.events() if isinstance(event, ev.AttemptLost)] == ["b"]
    assert rig.state().task("b").attempts == 2


def test_command_from_the_inbox_takes_effect_and_is_answered(tmp_path: Path) -> None:
    async def main() -> tuple[Rig, int]:
        hold = Hold()
        rig = Rig(tmp_path, ScriptedPerformer({"a": [hold]}))
        driver = rig.driver(await rig.create(flow(task("a"))))
        running = asyncio.create_task(driver.run())
        await hold.begun.wait()
        entry = await rig.send(cmd.PauseRun(reason="lunch", by="ada"))
        await until("the answer", lambda: rig.store.answer(entry))
        assert driver.state.status is RunStatus.PAUSED
        hold.go.set()  # a pause lets end what runs
        await asyncio.wait_for(running, 10)
        return rig, entry

    rig, entry = asyncio.run(main())
    answer = rig.store.answer(entry)
    assert answer is not None
    assert answer.error == ""
    assert rig.kinds()[-2:] == ["RunPaused", "AttemptSucceeded"]


def test_refused_command_is_answered_and_adds_no_event(tmp_path: Path) -> None:
    async def main() -> tuple[list[str], list[str], str]:
        hold = Hold()
        rig = Rig(tmp_path, ScriptedPerformer({"a": [hold]}))
        running = asyncio.create_task(rig.driver(await rig.create(flow(task("a")))).run())
        await hold.begun.wait()
        before = rig.kinds()
        entry = await rig.send(cmd.ResumeRun(reason="", by="ada"))
        damaged = await rig.store.send(RUN, b"no command", 0.0)
        await until("the answers", lambda: rig.store.answer(entry) and rig.store.answer(damaged))
        after = rig.kinds()
        answer = rig.store.answer(entry)
        assert answer is not None
        hold.go.set()
        await asyncio.wait_for(running, 10)
        return before, after, answer.error

    before, after, error = asyncio.run(main())
    assert after == before
    assert "PauseRun" in error  # the legal ones are named


def test_command_that_comes_while_stopping_is_answered(tmp_path: Path) -> None:
    """Stopping takes a while; nobody who asks meanwhile is left without an answer."""

    async def main() -> str:
        begun, asked = asyncio.Event(), asyncio.Event()

        async def winds_down(request: AttemptRequest) -> AttemptResult:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asked.wait()
            raise AssertionError("nobody sets the event")

        rig = Rig(tmp_path, ScriptedPerformer({"a": [winds_down]}))
        driver = rig.driver(await rig.create(flow(task("a"))))
        running = asyncio.create_task(driver.run())
        await begun.wait()
        driver.stop("interrupted")
        entry = await rig.send(cmd.CancelRun(reason="no use", by="ada"))
        await until("the answer", lambda: rig.store.answer(entry))
        asked.set()
        await asyncio.wait_for(running, 10)
        return rig.kinds()[-1]

    assert asyncio.run(main()) == "AttemptCancelled"


def test_time_out_of_the_run_stops_its_attempts_and_fails_it(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path, ScriptedPerformer({"a": [Hold()]}))
        state = await rig.create(flow(task("a"), timeout_s=0.2))
        await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    rig = asyncio.run(main())
    assert rig.kinds()[-2:] == ["RunFailed", "AttemptInterrupted"]
    assert "time-out" in rig.state().reason


def test_driver_leaves_when_only_a_person_is_missing_unless_told_to_wait(tmp_path: Path) -> None:
    async def main() -> tuple[RunStatus, RunStatus]:
        rig = Rig(tmp_path)
        state = await rig.create(flow(task("a"), gates=(LOOKED,)))
        left = await asyncio.wait_for(rig.driver(state).run(), 10)
        waiting = asyncio.create_task(rig.driver(left, wait_for_people=True).run())
        verdict = cmd.DecideGate(gate="work/looked", verdict="passed", by="ada", human=True)
        await rig.send(verdict)
        return left.status, (await asyncio.wait_for(waiting, 10)).status

    assert asyncio.run(main()) == (RunStatus.EXECUTING, RunStatus.COMPLETED)


def test_failed_append_ends_the_driver_with_nothing_half_done(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path, ScriptedPerformer({"a": [AttemptResult(ok=True)]}))
        state = await rig.create(flow(task("a")))
        # Somebody else writes to the stream although we drive it.
        grant = cmd.GrantSlots(tasks=("a",))
        await runs.apply(rig.store, CLOCK, state, [grant])
        with pytest.raises(StoreError):
            await asyncio.wait_for(rig.driver(state).run(), 10)
        return rig

    rig = asyncio.run(main())
    assert isinstance(rig.performer, ScriptedPerformer)
    assert rig.performer.performed == []
    assert rig.kinds()[-1] == "AttemptStarted"
