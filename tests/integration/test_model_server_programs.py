"""The real agent programs do what the scripted model says, and the log has what they sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrate.testing.model_server import (
    Bash,
    Edit,
    Fault,
    Json,
    Mcp,
    ModelServer,
    Read,
    Refuse,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    Write,
    fingerprint,
    turn,
)
from tests.agent_programs import DUMMY_KEY
from tests.e2e.command import wait_for
from tests.integration.agent_runs import Programs

pytestmark = pytest.mark.agents

BOTH = pytest.mark.parametrize("name", ["claude", "codex"])
#: How the result of a command is told from anything else in a transcript.
RESULTS = {"claude": b'"tool_result"', "codex": b'"function_call_output"'}
TOKENS = Tokens(1000, 200, 50, 30)
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string"}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def programs(server: ModelServer) -> Iterator[Programs]:
    with Programs(server) as programs:
        yield programs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def add(server: ModelServer, *steps: Any, **more: Any) -> None:
    server.add(Scenario("s", (Role("r", steps, **more),)))


def steps(server: ModelServer) -> list[int | None]:
    return [each.step for each in server.asked("s")]


def failing(status: int, times: int | None = None) -> Step:
    fault = Fault("status", times=times, status=status, retry_after_s=0)
    return turn(Say("ok"), tokens=TOKENS, faults=(fault,))


EVERYTHING = (
    turn(Say("first"), Write("a/b.txt", "one\ntwo\n"), tokens=TOKENS),
    turn(Bash("cp a/b.txt '{cwd}/copy.txt'"), Bash("echo extra > extra.txt"), tokens=TOKENS),
    turn(Edit("a/b.txt", "wo", "wenty"), tokens=TOKENS),
    turn(Read("a/b.txt"), tokens=TOKENS),
    turn(Say("done in {cwd}"), tokens=TOKENS),
)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("claude", {}),
        ("codex", {}),
        # Codex offers other tools to models it knows: a freeform patch, a script.
        ("codex", {"model": "gpt-5.5"}),
        ("codex", {"model": "gpt-6-sol"}),
    ],
)
def test_files_are_written_edited_and_read_and_commands_run(
    name: str, options: dict[str, str], server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, *EVERYTHING)
    ended = programs.run(name, folder, prompt="Please do it", **options)
    assert (ended.code, ended.text) == (0, f"done in {folder}")
    assert (folder / "a" / "b.txt").read_text() == "one\ntwenty\n"
    assert (folder / "copy.txt").read_text() == "one\ntwo\n"
    assert (folder / "extra.txt").exists()
    assert steps(server) == [0, 1, 2, 3, 4]
    last = server.asked("s")[-1]
    assert "twenty" in last.texts()
    assert "Please do it" in last.texts()
    assert {each.key for each in server.asked("s")} == {fingerprint(DUMMY_KEY)}
    assert DUMMY_KEY not in str(server.log())


def test_claude_reports_the_scripted_tokens(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, *EVERYTHING)
    usage = programs.run("claude", folder).last["usage"]
    assert server.tokens("s") == Tokens(
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
        usage["output_tokens"],
    )
    assert server.tokens("s").total == 5 * TOKENS.total


def test_codex_reports_the_scripted_tokens(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, *EVERYTHING)
    usage = programs.run("codex", folder).last["usage"]
    cached, written = usage["cached_input_tokens"], usage["cache_write_input_tokens"]
    assert server.tokens("s") == Tokens(
        usage["input_tokens"] - cached - written, cached, written, usage["output_tokens"]
    )
    assert server.tokens("s").total == 5 * TOKENS.total


def test_claude_obeys_its_schema_in_the_second_try(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, Json({"verdict": 1}), Json({"verdict": "ok"}))
    ended = programs.run("claude", folder, "--json-schema", json.dumps(SCHEMA))
    assert ended.last["structured_output"] == {"verdict": "ok"}
    assert "StructuredOutput" in server.asked("s")[0].tools
    assert steps(server) == [0, 1]


def test_claude_that_never_obeys_ends_without_structured_output(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, Say("no"), repeat_last=True)
    ended = programs.run("claude", folder, "--json-schema", json.dumps(SCHEMA))
    assert (ended.code, ended.last["subtype"]) == (0, "success")
    assert ended.last.get("structured_output") is None


@pytest.mark.parametrize("answer", [Json({"verdict": "ok"}), Say("no")])
def test_codex_passes_the_answer_on_whether_it_obeys_or_not(
    answer: Json | Say, server: ModelServer, programs: Programs, folder: Path, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    add(server, answer)
    ended = programs.run("codex", folder, "--output-schema", str(schema))
    assert ended.code == 0
    assert ended.text == ('{"verdict":"ok"}' if isinstance(answer, Json) else "no")
    (request,) = server.asked("s")
    assert request.body["text"]["format"]["schema"] == SCHEMA


@BOTH
def test_rate_limit_is_waited_out(
    name: str, server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, failing(429, times=1))
    ended = programs.run(name, folder)
    assert (ended.code, ended.text) == (0, "ok")
    assert [each.status for each in server.asked("s")] == [429, 200]
    assert server.tokens("s") == TOKENS


@BOTH
@pytest.mark.parametrize("status", [400, 401])
def test_error_that_stays_ends_the_program(
    name: str, status: int, server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, failing(status))
    ended = programs.run(name, folder)
    assert ended.code != 0
    assert f"scripted error {status}" in json.dumps(ended.last)
    assert {each.status for each in server.asked("s")} == {status}
    assert server.tokens("s").total == 0


@BOTH
@pytest.mark.parametrize("kind", ["drop", "malformed"])
def test_broken_stream_is_asked_for_again_and_nothing_is_done_twice(
    name: str, kind: Any, server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, turn(Bash("echo x >> once.txt"), faults=(Fault(kind),)), Say("ok"))
    ended = programs.run(name, folder)
    assert (ended.code, ended.text) == (0, "ok")
    assert steps(server) == [0, 0, 1]
    assert [each.state for each in server.asked("s")] == ["cut", "answered", "answered"]
    assert (folder / "once.txt").read_text() == "x\n"


@BOTH
@pytest.mark.parametrize("kind", ["hang", "stall"])
def test_held_answer_comes_when_it_is_released(
    name: str, kind: Any, server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, turn(Say("late"), faults=(Fault(kind, until="go"),)))
    running = programs.start(name, folder)
    server.wait_for(1)
    assert server.asked("s")[0].state == "open"
    server.release("go")
    assert running.wait().text == "late"


@BOTH
def test_killed_session_goes_on_where_it_was(
    name: str, server: ModelServer, programs: Programs, folder: Path
) -> None:
    held = turn(Say("cut off"), faults=(Fault("hang"),))
    add(server, Bash("echo x >> once.txt"), held, Say("ok"), repeat_last=True)
    running = programs.start(name, folder)
    server.wait_for(2)
    # What a program has not written down when it is killed it forgets; claude writes after it asks.
    wait_for("the result in a transcript", lambda: programs.have_written(RESULTS[name], folder))
    session = running.kill().session
    server.wait_for(lambda found: found[-1].state == "cut")
    ended = programs.run(name, folder, prompt="Go on", resume=session)
    assert ended.code == 0
    assert steps(server) == [0, 1, 1]
    assert "Go on" in server.asked("s")[-1].texts()
    assert (folder / "once.txt").read_text() == "x\n"


@BOTH
def test_session_that_ended_is_resumed_behind_its_last_step(
    name: str, server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, Say("first"), Say("second"), Say("third"))
    first = programs.run(name, folder)
    assert first.text == "first"
    for text in ("second", "third"):
        assert programs.run(name, folder, resume=first.session).text == text
    assert len({each.conversation for each in server.asked("s")}) == 1


@BOTH
def test_role_is_chosen_by_what_the_model_is_told(
    name: str, server: ModelServer, programs: Programs, folder: Path
) -> None:
    roles = (Role("reviewer", (Say("reviewed"),), marker="YOU REVIEW"), Role("r", (Say("built"),)))
    server.add(Scenario("s", roles))
    option = {
        "claude": ("--append-system-prompt", "YOU REVIEW"),
        "codex": ("-c", 'developer_instructions="YOU REVIEW"'),
    }
    assert programs.run(name, folder).text == "built"
    assert programs.run(name, folder, *option[name]).text == "reviewed"


@BOTH
def test_tool_of_an_mcp_server_is_called(
    name: str, server: ModelServer, programs: Programs, folder: Path, tmp_path: Path
) -> None:
    add(server, Mcp("tiny", "shout", {"text": "louder"}), Say("ok"))
    script = str(Path(__file__).with_name("tiny_mcp_server.py"))
    tiny = {"command": sys.executable, "args": [script]}
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"tiny": {**tiny, "alwaysLoad": True}}}))
    approved = 'default_tools_approval_mode="approve"'
    option = {
        "claude": ("--mcp-config", str(config)),
        "codex": (
            "-c",
            f'mcp_servers.tiny={{command="{sys.executable}",args=["{script}"],{approved}}}',
        ),
    }
    assert programs.run(name, folder, *option[name]).text == "ok"
    assert "LOUDER" in server.asked("s")[-1].texts()


def test_refusal_ends_claude_with_an_error(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, Refuse())
    ended = programs.run("claude", folder)
    assert (ended.code, ended.last["is_error"], ended.last["stop_reason"]) == (1, True, "refusal")


def test_refusal_leaves_codex_without_a_message(
    server: ModelServer, programs: Programs, folder: Path
) -> None:
    add(server, Refuse())
    ended = programs.run("codex", folder)
    assert (ended.code, ended.last["type"], ended.text) == (0, "turn.completed", "None")


@pytest.mark.slow
@BOTH
def test_eight_at_once_stay_apart(
    name: str, server: ModelServer, programs: Programs, tmp_path: Path
) -> None:
    running = []
    for number in range(8):
        folder = tmp_path / str(number) / "work"
        folder.mkdir(parents=True)
        text = f"text of {number}\n"
        done = Say(f"done {number}")
        server.add(Scenario(f"s{number}", (Role("r", (Write("a.txt", text), done)),)))
        running.append(programs.start(name, folder, scenario=f"s{number}"))
    assert [each.wait().text for each in running] == [f"done {number}" for number in range(8)]
    for number in range(8):
        written = (tmp_path / str(number) / "work" / "a.txt").read_text()
        assert written == f"text of {number}\n"
        assert [each.step for each in server.asked(f"s{number}")] == [0, 1]
