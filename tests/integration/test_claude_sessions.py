"""Sessions of the real Claude Code: what is gone on with, what is not paid again, what is counted.

Every sum is compared with what the scripted model reported, which is what a provider would bill.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.planning.budget import Budget
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.ports.performer import AttemptRequest
from orchestrate.ports.process import ProcessOutcome
from orchestrate.testing.model_server import (
    Bash,
    Call,
    Fault,
    ModelServer,
    Role,
    Say,
    Scenario,
    Tokens,
    Write,
    turn,
)
from tests.integration.claude_rig import Rig, script
from tests.integration.process_trees import carriers, wait_until

pytestmark = pytest.mark.agents

#: Dollars of one answer of the scripted model: 100 tokens in, 10 out.
ANSWER_USD = (100 * 3 + 10 * 15) / 1e6
CUT_OFF = (
    Write("a.txt", "a"),
    Bash("echo second"),
    turn(Say("third"), faults=(Fault("hang"),)),
    Say("fourth"),
)


def in_another_workspace(rig: Rig, number: int, session: AgentSession | None) -> AttemptRequest:
    workspace = rig.folder / f"workspace-{number}"
    workspace.mkdir()
    return rig.request(number, session=session, workspace=str(workspace), prompt="Go on.")


async def stopped_in_the_third_answer(rig: Rig, server: ModelServer, how: str) -> ProcessOutcome:
    """Attempt 1 until its third request hangs, then stopped."""
    request = rig.request()
    folder = Path(request.folder)
    supervisor = ProcessSupervisor()
    attempt = asyncio.create_task(supervisor.run(rig.backend.spec(request), folder))
    await asyncio.to_thread(
        server.wait_for, lambda found: any(each.fault == "hang" for each in found)
    )
    # What a running attempt consumed can be seen; the program writes its transcript a little late.
    await asyncio.to_thread(wait_until, lambda: output_tokens(rig, request) == 20)
    if how == "cancelled":
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
    else:
        for process in carriers("TMPDIR", request.scratch_dir):
            os.kill(process, signal.SIGKILL)
        await attempt
    found = supervisor.recorded(folder, request.token)
    assert found is not None
    return found


def output_tokens(rig: Rig, request: AttemptRequest) -> int:
    usage = rig.backend.observed(request).usage
    return usage.output_tokens if usage else 0


def billed(server: ModelServer, name: str) -> tuple[int, int, int, int]:
    tokens = server.tokens(name)
    return (
        tokens.input_tokens,
        tokens.cached_tokens,
        tokens.cache_write_tokens,
        tokens.output_tokens,
    )


def counted(*usages: Usage | None) -> tuple[int, int, int, int]:
    known = [usage for usage in usages if usage is not None]
    return (
        sum(usage.input_tokens for usage in known),
        sum(usage.cached_tokens for usage in known),
        sum(usage.cache_write_tokens for usage in known),
        sum(usage.output_tokens for usage in known),
    )


def test_resumed_session_is_counted_once(tmp_path: Path) -> None:
    all_kinds = Tokens(100, 1000, 50, 10)
    steps = (Bash("echo 1"), turn(Say("one"), tokens=all_kinds), Bash("echo 2"), Say("two"))
    with ModelServer([script("again", *steps)]) as server:
        rig = Rig(tmp_path, server.url("claude", "again"))
        first = rig.run()
        assert first.session is not None
        assert first.usage is not None
        assert first.session.cost_usd == first.usage.cost_usd
        assert first.session.workspace == "task.1"
        second = rig.run(in_another_workspace(rig, 2, first.session))
        assert second.ok, second.message
        assert second.usage is not None
        assert second.session is not None
        assert [each.step for each in server.asked()] == [0, 1, 2, 3]
        assert second.usage.turns == 2
        assert counted(first.usage, second.usage) == billed(server, "again")
        assert second.usage.cost_usd == pytest.approx(2 * ANSWER_USD)
        assert second.session.id == first.session.id
        assert second.session.tokens == server.tokens().total
        assert second.session.cost_usd == pytest.approx(
            (first.usage.cost_usd or 0) + 2 * ANSWER_USD
        )


@pytest.mark.parametrize("how", ["killed", "cancelled"])
def test_session_cut_off_is_gone_on_with_and_nothing_is_paid_twice(
    tmp_path: Path, how: str
) -> None:
    with ModelServer([script(how, *CUT_OFF, repeat_last=True)]) as server:
        rig = Rig(tmp_path, server.url("claude", how))
        outcome = asyncio.run(stopped_in_the_third_answer(rig, server, how))
        assert outcome.stopped == ("cancelled" if how == "cancelled" else "")
        seen = rig.backend.observed(rig.request())
        assert seen.usage is not None
        assert counted(seen.usage) == billed(server, how) == (200, 0, 0, 20)
        assert (seen.usage.turns, seen.usage.complete) == (2, False)
        # Told to end, the program saves what was spent; killed, nobody knows it.
        known = pytest.approx(2 * ANSWER_USD) if how == "cancelled" else None
        assert seen.usage.cost_usd == known

        result = rig.run(in_another_workspace(rig, 2, seen.session))
        assert result.ok, result.message
        answered = [each for each in server.asked() if each.state == "answered"]
        assert [each.step for each in answered[:2]] == [0, 1]
        assert len(answered) == 3
        assert any("echo second" in str(part) for part in answered[2].body["messages"])
        assert counted(seen.usage, result.usage) == billed(server, how)
        assert result.usage is not None
        assert result.usage.cost_usd == pytest.approx(ANSWER_USD)


def test_budget_of_money_is_for_the_attempt_and_not_for_its_session(tmp_path: Path) -> None:
    dear = turn(Bash("true"), tokens=Tokens(1000, 0, 0, 1000))
    with ModelServer([script("dear", dear, repeat_last=True)]) as server:
        rig = Rig(tmp_path, server.url("claude", "dear"))
        first = rig.run(cap=Budget(cost_usd=0.05))
        request = in_another_workspace(rig, 2, first.session)
        second = rig.run(rig.request(2, **_fields(request), cap=Budget(cost_usd=0.05)))
        assert (first.cause, second.cause) == ("budget", "budget")
        assert len(server.asked()) == 6
        assert counted(first.usage, second.usage) == billed(server, "dear")
        assert second.usage is not None
        assert second.usage.cost_usd == pytest.approx(0.054)


def test_session_that_is_gone_is_begun_anew(tmp_path: Path) -> None:
    with ModelServer([script("gone", Say("one"), repeat_last=True)]) as server:
        rig = Rig(tmp_path, server.url("claude", "gone"))
        first = rig.run()
        assert first.session is not None
        shutil.rmtree(tmp_path / "sessions")
        second = rig.run(in_another_workspace(rig, 2, first.session))
        assert second.ok, second.message
        assert second.session is not None
        assert second.session.id != first.session.id
        assert counted(first.usage, second.usage) == billed(server, "gone")
        assert len(server.asked()[1].messages) == len(server.asked()[0].messages)


def test_attempt_performed_again_begins_another_session(tmp_path: Path) -> None:
    with ModelServer([script("repeat", Say("one"), repeat_last=True)]) as server:
        rig = Rig(tmp_path, server.url("claude", "repeat"))
        first, second = rig.run(), rig.run()
        assert first.ok
        assert second.ok, second.message
        assert first.session is not None
        assert second.session is not None
        assert first.session.id != second.session.id


def test_agents_started_by_the_agent_are_counted(tmp_path: Path) -> None:
    start = Call(
        "Agent", {"description": "d", "prompt": "WORD", "subagent_type": "general-purpose"}
    )
    roles = (
        Role("helper", (Say("helped"),), marker="WORD", repeat_last=True),
        Role("agent", (start, Say("done"))),
    )
    with ModelServer([Scenario("team", roles)]) as server:
        rig = Rig(tmp_path, server.url("claude", "team"))
        result = rig.run(permissions=Permissions(abilities=frozenset({"read", "delegate"})))
        assert result.ok, result.message
        assert len(server.asked(role="helper")) >= 1
        assert counted(result.usage) == billed(server, "team")


def _fields(request: AttemptRequest) -> dict[str, object]:
    return {
        "session": request.session,
        "workspace": request.workspace,
        "prompt": request.prompt,
    }
