"""Sessions of the real Codex: gone on with, cut off, watched, many at once, by key or login."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrate.adapters.system.supervisor import Containment
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.testing.model_server import (
    Bash,
    Fault,
    ModelServer,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    Write,
    fingerprint,
    turn,
)
from tests.integration.codex_rig import PLAIN_MODEL, Rig

pytestmark = pytest.mark.agents
NAME = "it"
FIRST = Tokens(100, 50, 0, 7)
SECOND = Tokens(200, 0, 20, 9)
THIRD = Tokens(300, 10, 0, 11)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as started:
        yield started


def _rig(server: ModelServer, folder: Path, *steps: Step, repeat_last: bool = False) -> Rig:
    server.add(Scenario(NAME, (Role("agent", steps, repeat_last=repeat_last),)))
    return Rig(folder, server.url("codex", NAME))


def _used(*results: AttemptResult) -> Tokens:
    """The sum of what the attempts say they used, in the server's words."""
    found = [result.usage for result in results if result.usage]
    return Tokens(
        sum(usage.input_tokens for usage in found),
        sum(usage.cached_tokens for usage in found),
        sum(usage.cache_write_tokens for usage in found),
        sum(usage.output_tokens for usage in found),
    )


def test_going_on_counts_only_what_is_new(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(
        server,
        tmp_path,
        turn(Say("one"), tokens=FIRST),
        turn(Bash("true"), tokens=SECOND),
        turn(Say("two"), tokens=THIRD),
    )
    first = rig.run()
    second = rig.run(rig.request(2, session=first.session))
    assert first.ok
    assert second.ok
    assert second.session is not None
    assert first.session is not None
    assert second.session.id == first.session.id
    assert _used(first) == FIRST
    assert _used(second) == SECOND + THIRD
    assert second.session.tokens == server.tokens(NAME).total


@pytest.mark.slow
def test_a_killed_attempt_is_gone_on_with_and_not_paid_twice(
    server: ModelServer, tmp_path: Path
) -> None:
    rig = _rig(
        server,
        tmp_path,
        turn(Write("one.txt", "1\n"), tokens=FIRST),
        turn(Bash("touch two.txt; sleep 60"), tokens=SECOND),
        turn(Say("done"), tokens=THIRD),
    )
    request = rig.request()
    cut, watched = asyncio.run(_killed_when(rig, request, rig.workspace / "two.txt"))
    assert (cut.ok, cut.cause) == (False, "crash")
    assert watched == FIRST + SECOND
    assert _used(cut) == watched
    assert cut.usage is not None
    assert not cut.usage.complete
    before = len(server.asked(NAME))
    rest = rig.run(rig.request(2, session=cut.session))
    assert rest.ok
    assert [each.step for each in server.asked(NAME)] == [0, 1, 2]
    assert before == 2
    assert _used(cut, rest) == server.tokens(NAME)


async def _killed_when(
    rig: Rig, request: AttemptRequest, there: Path
) -> tuple[AttemptResult, Tokens]:
    """Kill the program with SIGKILL once a file is there; what was observed just before."""
    running = asyncio.create_task(rig.perform(request, "subreaper"))
    await asyncio.to_thread(_until, there.exists)
    observed = rig.backend.observed(request)
    for pid in _programs(request.token):
        os.kill(pid, signal.SIGKILL)
    result = await running
    assert observed.session == result.session
    assert observed.usage is not None
    assert not observed.usage.complete
    return result, _used(AttemptResult(ok=False, usage=observed.usage))


def _until(reached: Callable[[], bool]) -> None:
    """Block until something is true; fails if that takes longer than anything here may."""
    until = time.monotonic() + 15
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.02)


def _programs(token: str) -> list[int]:
    """Processes of an attempt that are the program itself, the launcher in front of it too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            carries = f"ORCHESTRATE_ATTEMPT={token}\0".encode() in (folder / "environ").read_bytes()
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if carries and b"exec" in words and b"--json" in words:
            found.append(int(folder.name))
    return found


def test_a_session_that_is_gone_is_begun_anew(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, turn(Say("one"), tokens=FIRST))
    first = rig.run()
    for path in (tmp_path / "sessions").rglob("rollout-*.jsonl"):
        path.unlink()
    again = rig.run(rig.request(2, session=first.session))
    assert again.ok
    assert again.session is not None
    assert first.session is not None
    assert again.session.id != first.session.id
    assert _used(again) == FIRST
    assert again.session.tokens == FIRST.total


def test_a_session_goes_on_in_another_workspace(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, turn(Say("one")), turn(Write("b.txt", "x\n")), turn(Say("two")))
    first = rig.run()
    other = tmp_path / "other"
    other.mkdir()
    assert rig.run(rig.request(2, session=first.session, workspace=str(other))).ok
    assert (other / "b.txt").exists()
    assert not (rig.workspace / "b.txt").exists()


def test_what_the_program_keeps_of_itself_is_made_once_for_one_task_after_another(
    server: ModelServer, tmp_path: Path
) -> None:
    """Six databases with all their migrations, 65 ms; each home of a task would have its own."""
    rig = _rig(server, tmp_path, turn(Say("one")), repeat_last=True)
    homes = [tmp_path / name for name in ("first", "second")]
    for number, home in enumerate(homes, 1):
        home.mkdir()
        assert rig.run(rig.request(number, sessions_dir=str(home))).ok
    assert list((tmp_path / "reused" / "codex").glob("state_*.sqlite"))
    assert [path for home in homes for path in home.rglob("*.sqlite")] == []


@pytest.mark.parametrize("now", ["gone", "another task's"])
def test_a_session_goes_on_without_the_databases_it_was_begun_with(
    server: ModelServer, tmp_path: Path, now: str
) -> None:
    rig = _rig(server, tmp_path, turn(Say("one")), turn(Say("two")))
    first = rig.run()
    if now == "gone":
        shutil.rmtree(tmp_path / "reused" / "codex")
        more = {}
    else:
        more = {"reused_dir": str(tmp_path / "other")}
        other = rig.request(2, sessions_dir=str(tmp_path / "elsewhere"), **more)
        assert rig.run(other).ok
    again = rig.run(rig.request(3, session=first.session, **more))
    assert again.ok
    assert first.session is not None and again.session is not None
    assert again.session.id == first.session.id
    assert server.asked(NAME)[-1].conversation == server.asked(NAME)[0].conversation


@pytest.mark.parametrize("containment", ["pid-namespace", "subreaper"])
def test_nothing_a_command_started_outlives_the_time_limit(
    server: ModelServer, tmp_path: Path, containment: Containment
) -> None:
    rig = _rig(server, tmp_path, turn(Bash("setsid sleep 300 & touch begun; sleep 300")))
    request = rig.request(timeout_s=2.0)
    result = asyncio.run(rig.perform(request, containment))
    assert (rig.workspace / "begun").exists()
    assert (result.cause, result.ok) == ("timeout", False)
    assert not _carrying(request.token)


def _carrying(token: str) -> list[str]:
    """Command lines of processes that carry the token of an attempt."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"ORCHESTRATE_ATTEMPT={token}\0".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_eight_at_once_are_kept_apart(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, turn(Bash("sleep 0.2"), tokens=FIRST), turn(Say("done")))

    async def all_of_them() -> list[AttemptResult]:
        requests = []
        for number in range(8):
            sessions = tmp_path / f"sessions-{number}"
            sessions.mkdir()
            requests.append(rig.request(number, sessions_dir=str(sessions)))
        return await asyncio.gather(*(rig.perform(request) for request in requests))

    results = asyncio.run(all_of_them())
    assert [result.message for result in results if not result.ok] == []
    assert len({result.session.id for result in results if result.session}) == 8
    assert _used(*results) == server.tokens(NAME)


def test_a_login_with_a_key_is_used_where_it_is(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, turn(Bash("cat $LOGIN; true")), turn(Say("done")))
    home = Path(rig.environ["CODEX_HOME"])
    login = json.dumps({"OPENAI_API_KEY": "sk-of-the-login"})
    (home / "auth.json").write_text(login)
    (home / "config.toml").write_text('developer_instructions = "FROM-THE-USER"\nnotify = ["x"]\n')
    rules = home / "rules" / "default.rules"
    rules.parent.mkdir()
    rules.write_text('prefix_rule(pattern=["cat"], decision="forbidden")\n')
    result = rig.run(env={"LOGIN": str(home / "auth.json")})
    assert result.ok
    assert {each.key for each in server.asked(NAME)} == {fingerprint("sk-of-the-login")}
    assert "FROM-THE-USER" not in server.texts(NAME)
    assert "Permission denied" in server.texts(NAME)
    assert list(home.glob("sessions/*/*/*/rollout-*.jsonl"))
    assert (home / "auth.json").read_text() == login
    assert result.usage is not None
    assert result.usage.model == PLAIN_MODEL


def test_a_program_waiting_for_its_model_can_be_observed(
    server: ModelServer, tmp_path: Path
) -> None:
    hang = Step((Say("never"),), faults=(Fault("hang", until="end"),))
    rig = _rig(server, tmp_path, turn(Bash("true"), tokens=FIRST), hang)
    request = rig.request(timeout_s=20.0)

    async def watch() -> AttemptResult:
        running = asyncio.create_task(rig.perform(request))
        await asyncio.to_thread(_until, lambda: len(server.asked(NAME)) == 2)
        seen = rig.backend.observed(request)
        server.release("end")
        result = await running
        assert seen.usage is not None
        assert seen.usage.tokens == FIRST.total
        assert seen.usage.turns == 1
        return result

    assert asyncio.run(watch()).ok
