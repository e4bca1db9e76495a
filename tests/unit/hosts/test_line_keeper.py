"""What the integration line is owed, when the disk or git does not allow it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from orchestrate.core.running import commands as cmd
from orchestrate.core.running.effects import TakeCheckpoint
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.hosts.local.line import LineKeeper
from orchestrate.hosts.local.train import tasks_merged
from tests.unit.core.running.drive import Run, agent_task, work_of, workflow, writer


class FullDisk:
    """Workspaces on a disk without room, counting what is asked of them."""

    def __init__(self) -> None:
        self.asked = 0

    def mark(self, line: str, message: str, at: float) -> str:
        self.asked += 1
        raise OSError("no space left on device")

    def discard(self, run: str, name: str) -> None:
        """Nothing is there."""


class Clock:
    def now(self) -> float:
        return 1_000.0


def test_checkpoint_that_cannot_be_taken_pauses_the_run_and_is_not_tried_again() -> None:
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.merge("a")
    run.give(cmd.AskCheckpoint(note="by hand"))  # what is asked for is owed to a paused run as well
    assert [type(each) for each in run.pending] == [TakeCheckpoint]
    disk = FullDisk()
    parts = cast("Any", None)
    keeper = LineKeeper(cast("Any", disk), parts, cast("Any", Clock()), Path(), parts, parts)
    reported: list[cmd.AnyCommand] = []

    async def two_turns() -> None:
        looked_at = asyncio.Event()

        def report(command: cmd.AnyCommand) -> None:
            reported.append(command)
            if isinstance(command, cmd.PassTime):
                looked_at.set()

        keeper.start_owed(run.state, report)
        await looked_at.wait()
        await keeper.release()
        run.give(cast("cmd.PauseRun", reported[0]))
        assert [type(each) for each in run.pending] == [TakeCheckpoint]
        keeper.start_owed(run.state, report)
        assert keeper.idle

    asyncio.run(two_turns())
    assert isinstance(reported[0], cmd.PauseRun)
    assert "no space left on device" in reported[0].reason
    assert disk.asked == 1


def test_workspace_that_several_attempts_shared_is_known_by_the_name_of_the_first() -> None:
    run = Run(workflow(agent_task("a", writes=("a",)), writer("b", writes=("b",)))).start()
    run.hold()
    run.begin("a")
    session = AgentSession("s", "claude", "a.1", base=run.state.line)
    run.succeed("a", work=work_of("a", 1), session=session)
    run.hold()
    run.send_back("a")
    run.hold()
    run.begin("a")
    run.succeed("a", work=work_of("a", 2), session=session)
    run.deliver("b")
    assert tasks_merged(run.state) == []
    run.merge("a", "b")
    assert sorted(tasks_merged(run.state)) == ["a.1", "b.1"]
