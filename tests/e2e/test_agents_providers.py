"""Providers and servers of tools that fail: what is tried again, when, and what it costs."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from orchestrate.testing.model_server import Bash, Fault, Tokens, turn
from tests.e2e.agents import (
    LOOK,
    PROGRAMS,
    TRIES,
    Bench,
    answer,
    consumed,
    failures,
    profile,
    script,
)

pytestmark = [pytest.mark.agents, pytest.mark.slow]

PATIENT = LOOK.replace("timeout: 2m", f"timeout: 2m, {TRIES}")
#: Requests of one attempt that a provider failing for a moment gets: the programs' own tries.
REQUESTS = 3


@pytest.mark.parametrize("backend", PROGRAMS)
@pytest.mark.parametrize(("status", "cause"), [(400, "bad_request"), (401, "login")])
def test_error_that_nobodys_waiting_mends_is_met_once(
    tmp_path: Path, backend: str, status: int, cause: str
) -> None:
    refused = Fault("status", times=None, status=status)
    with Bench(tmp_path, **{backend: script(answer(), faults=(refused,))}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 1, done
        events = bench.events()
        assert failures(events) == [cause]
        assert len([each for each in events if each["event"] == "AttemptStarted"]) == 1
        # Claude Code asks again whatever the status.
        assert len(bench.asked(backend)) == (REQUESTS if backend == "claude" else 1)
        assert bench.leaks() == []


@pytest.mark.parametrize(("backend", "status"), [("claude", 529), ("codex", 500)])
def test_provider_that_fails_is_asked_again_by_a_new_attempt(
    tmp_path: Path, backend: str, status: int
) -> None:
    failing = Fault("status", times=REQUESTS, status=status)
    steps = (Bash("true"), turn(answer(), faults=(failing,)))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["provider"]
        assert bench.steps(backend) == [0, *[1] * REQUESTS, 1]
        assert consumed(events) == bench.told(backend).total == Tokens().total * 2


@pytest.mark.parametrize("backend", PROGRAMS)
def test_refused_connection_ends_and_is_bounded(tmp_path: Path, backend: str) -> None:
    with Bench(tmp_path, **{backend: script(answer())}) as bench, socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # taken, and not listening
        name = {"claude": "ANTHROPIC_BASE_URL", "codex": "OPENAI_BASE_URL"}[backend]
        bench.environ[name] = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        done = bench.run(PATIENT, backend)
        assert done.code == 1, done
        assert failures(bench.events()) == ["provider"] * 2
        assert bench.server.log() == ()


@pytest.mark.parametrize("backend", PROGRAMS)
def test_answer_that_never_begins_is_given_up_and_asked_for_again(
    tmp_path: Path, backend: str
) -> None:
    flow = PATIENT.replace("timeout: 2m", "timeout: 8s")
    steps = (Bash("true"), turn(answer(), faults=(Fault("hang", until="never"),)))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["timeout"]
        assert bench.steps(backend) == [0, 1, 1]
        assert consumed(events) == bench.told(backend).total == Tokens().total * 2


@pytest.mark.parametrize("backend", PROGRAMS)
def test_dropped_answer_is_asked_for_again_and_never_counted_for_less_than_was_told(
    tmp_path: Path, backend: str
) -> None:
    steps = (Bash("true"), turn(answer(), faults=(Fault("drop"),)))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        assert bench.steps(backend) == [0, 1, 1]
        told, counted = bench.told(backend).total, consumed(bench.events())
        assert told == Tokens().total * 2
        # Claude Code counts what it has read of an answer that is cut, if it has read any of it,
        # and estimates the rest. The server says that such an answer used nothing.
        most = Tokens().total * 2 if backend == "claude" else 0
        assert told <= counted <= told + most


def test_rate_limit_is_waited_out_by_the_run_and_by_every_other_run(tmp_path: Path) -> None:
    wait_s = 3
    limit = Fault("status", times=REQUESTS, status=429, retry_after_s=wait_s)
    with Bench(tmp_path, claude=script(answer(), faults=(limit,))) as bench:
        flow = LOOK  # one try: what is waited out is not counted
        first = bench.start(flow, "claude")
        failed = bench.await_event(first, "AttemptFailed")
        assert (failed["cause"], failed["blameless"]) == ("rate_limit", True)
        assert failed["retry_at"] - failed["at"] >= wait_s - 1
        limited = bench.asked("claude")[-1]
        second = bench.run(flow, "claude")
        assert second.code == 0, second
        assert first.wait(60) == 0
        asked = bench.asked("claude")
        assert len(asked) == REQUESTS + 2
        assert all(each.at_s >= limited.at_s + wait_s - 0.5 for each in asked[REQUESTS:])
        assert consumed(bench.events()) == Tokens().total


def test_rate_limit_without_a_time_closes_the_gate_and_pauses_like_any_wait(
    tmp_path: Path,
) -> None:
    limit = Fault("status", times=1, status=429)
    with Bench(tmp_path, codex=script(answer(), faults=(limit,))) as bench:
        driver = bench.start(LOOK, "codex")
        failed = bench.await_event(driver, "AttemptFailed")
        assert (failed["cause"], failed["blameless"]) == ("rate_limit", True)
        assert failed["retry_at"] - failed["at"] >= 10
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(60) == 130
        assert len(bench.asked("codex")) == 1


@pytest.mark.parametrize("backend", PROGRAMS)
def test_server_of_tools_that_does_not_start_is_named(tmp_path: Path, backend: str) -> None:
    broken = profile("helper", "mcpServers:", "  - shouter:", "      command: /bin/false")
    with Bench(tmp_path, **{backend: script(answer(), repeat_last=True)}) as bench:
        bench.commit("a server", {".orchestrate/agents/helper.md": broken})
        done = bench.run(LOOK, backend, "--trust-repo")
        assert done.code == 1, done
        (failed,) = bench.events("AttemptFailed")
        assert failed["cause"] == "unavailable"
        assert "shouter" in failed["message"]
