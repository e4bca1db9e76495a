"""One process and one run: ownership, commands from elsewhere, signals (B1, B2, N4)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrate.adapters.system.ownership import RunLock
from orchestrate.core.planning.definition import GateSpec, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.errors import (
    ConfigurationError,
    ConflictError,
    IllegalCommandError,
    RequestError,
)
from orchestrate.hosts.local import session as session_module
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.testing.scripted_performer import ScriptedPerformer
from tests.integration.rig import RUN, Rig, flow, task, until

GATED = flow(task("a"), gates=(GateSpec(name="looked", kind="human"),))
APPROVAL = cmd.DecideGate(gate="work/looked", verdict="passed", by="ada", human=True)


def lock(rig: Rig) -> RunLock:
    return RunLock(rig.folder / f"{RUN}.lock")


async def waiting_at_its_gate(folder: Path) -> Rig:
    rig = Rig(folder)
    await rig.session().start(rig.new(GATED))
    return rig


def test_start_drives_the_run_and_tells_of_everything_from_its_creation(tmp_path: Path) -> None:
    seen: list[str] = []

    async def main() -> Rig:
        rig = Rig(tmp_path)
        await rig.session().start(
            rig.new(flow(task("a"))),
            lambda events, state: seen.extend(type(event).__name__ for event in events),
        )
        return rig

    rig = asyncio.run(main())
    assert seen == rig.kinds()
    assert seen[0] == "RunCreated"


def test_limit_of_the_command_line_is_recorded_and_may_exceed_the_workflows(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        new = rig.new(flow(task("a"), max_parallel=2))
        from msgspec.structs import replace

        await rig.session().create(replace(new, max_parallel=9, by="ada"))
        await rig.session().resume(RUN, reason="", by="ada", max_parallel=12)
        return rig

    rig = asyncio.run(main())
    limits = [event.max_parallel for event in rig.events() if isinstance(event, ev.LimitChanged)]
    assert limits == [9, 12]
    assert rig.state().max_parallel == 12


def test_run_that_somebody_drives_is_neither_started_nor_resumed(tmp_path: Path) -> None:
    async def main() -> None:
        rig = await waiting_at_its_gate(tmp_path)
        with lock(rig), pytest.raises(ConflictError, match=f"process {os.getpid()}"):
            await rig.session().resume(RUN, reason="", by="ada")

    asyncio.run(main())


def test_command_takes_effect_directly_when_nobody_drives_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        rig = await waiting_at_its_gate(tmp_path)
        assert (await rig.session().tell(RUN, APPROVAL)).status is RunStatus.COMPLETED
        with pytest.raises(IllegalCommandError):
            await rig.session().tell(RUN, APPROVAL)
        assert rig.state().status is RunStatus.COMPLETED

    asyncio.run(main())


def test_command_reaches_a_live_owner_through_its_inbox(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        driving = asyncio.create_task(
            rig.session().start(rig.new(GATED), wait_for_people=True),
        )
        await until("the gate", lambda: rig.store.head(RUN) and "GateOpened" in rig.kinds())
        teller = Rig(tmp_path)
        await teller.session().tell(RUN, APPROVAL)
        await asyncio.wait_for(driving, 10)
        return rig

    assert asyncio.run(main()).state().status is RunStatus.COMPLETED


def test_impossible_command_is_refused_by_name_before_it_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        rig = await waiting_at_its_gate(tmp_path)
        with lock(rig):
            wrong = cmd.DecideGate(gate="work/other", verdict="passed", by="ada", human=True)
            with pytest.raises(RequestError, match="work/other"):
                await rig.session().tell(RUN, wrong)
            assert rig.store.inbox(RUN) == []

    asyncio.run(main())


def test_sender_takes_the_command_up_when_the_owner_lets_go_without_an_answer(
    tmp_path: Path,
) -> None:
    async def main() -> Rig:
        rig = await waiting_at_its_gate(tmp_path)
        owner = lock(rig)
        assert owner.acquire()
        telling = asyncio.create_task(rig.session().tell(RUN, APPROVAL))
        await until("the command", lambda: rig.store.inbox(RUN))
        owner.release()  # dead, as far as anybody can tell
        state = await asyncio.wait_for(telling, 10)
        assert state.status is RunStatus.COMPLETED
        return rig

    rig = asyncio.run(main())
    assert rig.store.inbox(RUN) == []
    assert rig.kinds().count("GateDecided") == 1


def test_owner_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "ANSWER_TIMEOUT_S", 0.1)

    async def main() -> None:
        rig = await waiting_at_its_gate(tmp_path)
        with lock(rig), pytest.raises(ConflictError, match="does not answer"):
            await rig.session().tell(RUN, APPROVAL)
        assert len(rig.store.inbox(RUN)) == 1

    asyncio.run(main())


def test_command_of_a_dead_sender_is_taken_up_before_the_run_is_resumed(tmp_path: Path) -> None:
    """A pause from before the crash must not stop the run that somebody resumes after it."""

    async def main() -> tuple[Rig, int]:
        rig = Rig(tmp_path)
        await rig.session().create(rig.new(flow(task("a"))))
        entry = await rig.send(cmd.PauseRun(reason="lunch", by="ada"))
        await rig.session().resume(RUN, reason="go on", by="bob")
        return rig, entry

    rig, entry = asyncio.run(main())
    assert rig.store.answer(entry) is not None
    assert rig.kinds().index("RunPaused") < rig.kinds().index("RunResumed")
    assert rig.state().status is RunStatus.COMPLETED


def test_run_that_was_cancelled_while_nobody_drove_it_stays_cancelled(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        await rig.session().create(rig.new(flow(task("a"))))
        await rig.send(cmd.CancelRun(reason="no use", by="ada"))
        state = await rig.session().resume(RUN, reason="go on", by="bob")
        assert state.status is RunStatus.CANCELLED
        return rig

    assert "AttemptStarted" not in asyncio.run(main()).kinds()


def test_cancelling_a_run_without_owner_accounts_for_its_attempts(tmp_path: Path) -> None:
    async def main() -> Rig:
        rig = Rig(tmp_path)
        await rig.granted(flow(task("a")), "a")
        state = await rig.session().tell(RUN, cmd.CancelRun(reason="no use", by="ada"))
        assert not state.live
        return rig

    assert asyncio.run(main()).kinds()[-1] == "AttemptCancelled"


# -- what is done when a run has ended ---------------------------------------------------------


def test_completed_run_is_completed_although_its_things_cannot_be_put_away(tmp_path: Path) -> None:
    def full(state: RunState) -> None:
        raise ConfigurationError("the disk is full")

    async def main() -> tuple[RunState, tuple[str, ...]]:
        session = Rig(tmp_path).session(ended=full)
        state = await session.start(Rig(tmp_path).new(flow(task("a"))))
        return state, session.notes

    state, notes = asyncio.run(main())
    assert state.status is RunStatus.COMPLETED
    assert len(notes) == 1 and "the disk is full" in notes[0]


def test_things_of_a_run_are_put_away_when_it_is_cancelled_without_a_driver(
    tmp_path: Path,
) -> None:
    put_away: list[RunStatus] = []

    async def main() -> None:
        rig = Rig(tmp_path)
        session = rig.session(ended=lambda state: put_away.append(state.status))
        await session.create(rig.new(flow(task("a"))))
        await session.tell(RUN, cmd.PauseRun(by="ada"))
        assert not put_away
        await session.tell(RUN, cmd.CancelRun(by="ada"))

    asyncio.run(main())
    assert put_away == [RunStatus.CANCELLED]


# -- signals -----------------------------------------------------------------------------------


@pytest.fixture
def signals_restored() -> Iterator[None]:
    before = {which: signal.getsignal(which) for which in session_module._STOPPING}
    yield
    for which, handler in before.items():
        signal.signal(which, handler)


def signalling(which: signal.Signals, workflow: Workflow, folder: Path) -> tuple[Rig, bool]:
    """Drive `workflow`, whose task `a` sends this process a signal and then waits a little."""

    async def step(request: AttemptRequest) -> AttemptResult:
        os.kill(os.getpid(), which)
        await asyncio.sleep(0.3)
        return AttemptResult(ok=True)

    async def main() -> tuple[Rig, bool]:
        rig = Rig(folder, ScriptedPerformer({"a": [step]}))
        session = rig.session()
        await asyncio.wait_for(session.start(rig.new(workflow)), 10)
        return rig, session.interrupted

    return asyncio.run(main())


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("signals_restored")
def test_signal_pauses_the_run_and_gives_the_attempt_back(
    which: signal.Signals, tmp_path: Path
) -> None:
    rig, interrupted = signalling(which, flow(task("a")), tmp_path)
    assert interrupted
    assert rig.state().status is RunStatus.PAUSED
    assert which.name in rig.state().reason
    assert rig.state().task("a").status is TaskStatus.READY
    assert lock(rig).acquire()  # and the run is anybody's again


@pytest.mark.usefixtures("signals_restored")
def test_signal_that_the_caller_ignores_stays_ignored(tmp_path: Path) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    rig, interrupted = signalling(signal.SIGHUP, flow(task("a")), tmp_path)
    assert not interrupted
    assert rig.state().status is RunStatus.COMPLETED
