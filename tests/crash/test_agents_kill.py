"""Drivers of real agents that are killed, stopped and taken back: what is paid, and paid once."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from orchestrate.testing.model_server import Bash, Fault, Tokens, turn
from tests.e2e.agents import (
    MEND,
    MENDED,
    MENDING,
    PROGRAMS,
    Bench,
    answer,
    consumed,
    script,
    workflow,
)
from tests.e2e.command import processes_with, wait_for

pytestmark = [pytest.mark.agents, pytest.mark.slow]

#: Two calls that are answered; the third is held until the test is over, or let go.
HELD = turn(answer("Mended."), faults=(Fault("hang", until="end"),))
STEPS = (MENDING, Bash("true"), HELD)


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The events of one name."""
    return [event for event in events if event["event"] == name]


def spent_usd(bench: Bench) -> float:
    """What a run cost, by its own account."""
    total = bench.call("cost", "--json").data["total"]
    return float(total["reported_usd"] + total["computed_usd"])


def assert_mended(bench: Bench, backend: str) -> None:
    """The work is there, once, and every token the model told of is accounted for."""
    assert bench.file(bench.branch(), "calc.py") == MENDED
    assert consumed(bench.events()) == bench.told(backend).total == Tokens().total * 3
    assert bench.leaks() == []


@pytest.mark.parametrize("backend", PROGRAMS)
def test_killed_driver_is_resumed_and_no_answered_call_is_paid_again(
    tmp_path: Path, backend: str
) -> None:
    with Bench(tmp_path, **{backend: script(*STEPS)}) as bench:
        before = bench.things()
        driver = bench.start(MEND, backend)
        bench.until_asked(driver, 3, backend)
        run = bench.log()[0]["run"]
        driver.kill()
        wait_for("its agent's end", lambda: not processes_with("ORCHESTRATE_ATTEMPT", f"{run}:"))
        done = bench.call("resume", "--yes", "--json")
        assert done.code == 0, done
        assert bench.steps(backend) == [0, 1, 2, 2]
        assert len({each.conversation for each in bench.asked(backend)}) == 1
        (lost,) = named(bench.events(), "AttemptLost")
        assert lost["session"]["id"]
        assert_mended(bench, backend)
        assert bench.things() == before


@pytest.mark.parametrize("backend", PROGRAMS)
def test_outcome_of_an_agent_that_ended_unseen_is_taken_and_nothing_asked(
    tmp_path: Path, backend: str
) -> None:
    with Bench(tmp_path, **{backend: script(*STEPS)}) as bench:
        driver = bench.start(MEND, backend)
        bench.until_asked(driver, 3, backend)
        run = bench.log()[0]["run"]
        os.kill(driver.pid, signal.SIGSTOP)
        bench.server.release("end")
        attempt = bench.root / ".git/orchestrate/runs" / run / "attempts/mend.1/outcome.json"
        wait_for("the outcome", attempt.is_file)
        driver.kill()
        driver.wait()
        done = bench.call("resume", "--yes", "--json")
        assert done.code == 0, done
        assert bench.steps(backend) == [0, 1, 2]
        events = bench.events()
        assert [event["recovered"] for event in named(events, "AttemptSucceeded")] == [True]
        assert len(named(events, "AttemptStarted")) == 1
        assert_mended(bench, backend)


@pytest.mark.parametrize("backend", PROGRAMS)
def test_paused_run_goes_on_with_the_session(tmp_path: Path, backend: str) -> None:
    with Bench(tmp_path, **{backend: script(*STEPS)}) as bench:
        driver = bench.start(MEND, backend)
        bench.until_asked(driver, 3, backend)
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(60) == 130
        (cut,) = named(bench.events(), "AttemptInterrupted")
        assert cut["session"]["id"]
        assert cut["usage"]["turns"] == 2
        done = bench.call("resume", "--yes", "--json")
        assert done.code == 0, done
        assert bench.steps(backend) == [0, 1, 2, 2]
        assert len({each.conversation for each in bench.asked(backend)}) == 1
        assert_mended(bench, backend)


@pytest.mark.parametrize("backend", PROGRAMS)
def test_what_was_spent_stays_spent_when_a_run_is_taken_back(tmp_path: Path, backend: str) -> None:
    anew = (MENDING, Bash("true"), answer("Mended."))
    with Bench(tmp_path, **{backend: script(*STEPS, later=(anew,))}) as bench:
        driver = bench.start(MEND, backend)
        bench.until_asked(driver, 3, backend)
        run = bench.log()[0]["run"]
        driver.kill()
        driver.wait()
        back = bench.call("rollback", run, "--to", "c1", "--yes")
        assert back.code == 0, back
        held = spent_usd(bench)
        assert held > 0
        done = bench.call("resume", "--yes", "--json")
        assert done.code == 0, done
        # Nobody remembers what was taken back: it is another conversation, from the beginning.
        assert bench.steps(backend) == [0, 1, 2, 0, 1, 2]
        assert len({each.conversation for each in bench.asked(backend)}) == 2
        events = bench.events()
        assert consumed(events) == bench.told(backend).total == Tokens().total * 5
        assert spent_usd(bench) == pytest.approx(held * 5 / 2)
        assert bench.file(bench.branch(), "calc.py") == MENDED


@pytest.mark.parametrize("backend", PROGRAMS)
def test_three_drivers_in_a_row_are_killed_and_every_call_is_paid_once(
    tmp_path: Path, backend: str
) -> None:
    steps = [turn(Bash("true"), faults=(Fault("hang", until="end"),)) for _ in range(3)]
    flow = workflow("{id: look, agent: helper, prompt: Look around., timeout: 2m}")
    with Bench(tmp_path, **{backend: script(*steps, answer())}) as bench:
        driver = bench.start(flow, backend)
        for number in range(3):
            bench.until_asked(driver, 2 * number + 1, backend)
            driver.kill()
            driver.wait()
            driver = bench.begin("resume", "--yes", "--json")
        assert driver.wait(60) == 0
        assert bench.steps(backend) == [0, 0, 1, 1, 2, 2, 3]
        events = bench.events()
        assert len(named(events, "AttemptLost")) == 3
        assert consumed(events) == bench.told(backend).total == Tokens().total * 4
