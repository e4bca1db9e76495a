"""The scripted performer follows its script and never passes for a real one."""

from __future__ import annotations

import asyncio

import pytest

from orchestrate.core.ids import AttemptKey
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, Performer
from orchestrate.testing.scripted_performer import ScriptedPerformer


def request(task: str, number: int = 1) -> AttemptRequest:
    key = AttemptKey("r1", task, number)
    return AttemptRequest(
        key=key,
        token=str(key),
        phase="p",
        repository="/r",
        folder="/f",
        outputs_dir="/f/o",
        scratch_dir="/f/s",
    )


def perform(performer: Performer, task: str, number: int = 1) -> AttemptResult:
    return asyncio.run(performer.perform(request(task, number)))


def test_without_a_script_everything_succeeds_and_says_by_whom() -> None:
    assert perform(ScriptedPerformer(), "scan") == AttemptResult(ok=True, summary="scripted")


def test_each_attempt_takes_its_own_step_and_later_ones_succeed() -> None:
    failure = AttemptResult(ok=False, cause="crash", summary="it broke")
    performer = ScriptedPerformer({"scan": [failure]})
    first, second = perform(performer, "scan", 1), perform(performer, "scan", 2)
    assert (first.ok, first.cause, first.summary) == (False, "crash", "scripted: it broke")
    assert second.ok
    assert [r.key.number for r in performer.performed] == [1, 2]


def test_a_step_can_compute_wait_and_raise() -> None:
    async def slow(given: AttemptRequest) -> AttemptResult:
        await asyncio.sleep(0)
        return AttemptResult(ok=True, summary=given.key.task)

    def broken(given: AttemptRequest) -> AttemptResult:
        raise AgentError(f"no {given.key.task}")

    performer = ScriptedPerformer({"a": [slow], "b": [broken]})
    assert perform(performer, "a").summary == "scripted: a"
    with pytest.raises(AgentError, match="no b"):
        perform(performer, "b")


def test_only_what_was_finished_can_be_recovered() -> None:
    performer = ScriptedPerformer()
    assert asyncio.run(performer.recover(request("a"))) is None
    done = perform(performer, "a")
    found = asyncio.run(performer.recover(request("a")))
    assert found is not None
    assert found.recovered
    assert found.summary == done.summary
