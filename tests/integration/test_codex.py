"""The codex backend with the real program: one attempt at a time, ending well or not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.adapters.backends.codex.backend import CodexBackend
from orchestrate.core.agents.profile import Profile
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import Usage
from orchestrate.ports.performer import ContextFile
from orchestrate.testing.model_server import (
    Bash,
    Fault,
    Json,
    Mcp,
    ModelServer,
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
from tests.integration.codex_rig import ANSWER, PLAIN_MODEL, SCRIPTING_MODEL, WRITER, Rig, answers

pytestmark = pytest.mark.agents
NAME = "it"
Play = Callable[..., Rig]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as started:
        yield started


@pytest.fixture
def play(server: ModelServer, tmp_path: Path) -> Play:
    """A rig whose model follows these steps."""

    def begin(*steps: object, faults: tuple[Fault, ...] = (), **extra: str) -> Rig:
        server.add(Scenario(NAME, (Role("agent", steps, faults=faults),)))  # type: ignore[arg-type]
        return Rig(tmp_path, server.url("codex", NAME), **extra)

    return begin


def test_an_answer_ends_well_and_is_accounted_by_kind(server: ModelServer, play: Play) -> None:
    rig = play(turn(Say("Hello."), tokens=Tokens(60, 30, 10, 20)))
    result = rig.run()
    assert result.ok
    assert result.summary == "Hello."
    assert result.usage == Usage(60, 30, 10, 20, turns=1, model=PLAIN_MODEL)
    assert result.usage.cost_usd is None
    assert result.session is not None
    assert result.session.tokens == server.tokens(NAME).total
    assert result.version == "0.169.0"
    assert [each.key for each in server.asked(NAME)] == [fingerprint(DUMMY_KEY)]


@pytest.mark.parametrize("model", [PLAIN_MODEL, SCRIPTING_MODEL])
def test_files_are_written_in_the_workspace_and_the_outputs(play: Play, model: str) -> None:
    rig = play(Write("a.txt", "hello\n"), Bash("echo out > $OUT/b.txt"), Say("done"))
    outputs = rig.request().outputs_dir
    request = rig.request(env={"OUT": outputs}, assignee=Assignee("builder", "codex", model))
    assert rig.run(request).ok
    assert (rig.workspace / "a.txt").read_text() == "hello\n"
    assert Path(outputs, "b.txt").read_text() == "out\n"


def test_a_wrong_try_is_seen_by_the_model_and_put_right(server: ModelServer, play: Play) -> None:
    check = Bash("grep -q right a.txt")
    rig = play(Write("a.txt", "wrong\n"), check, Write("a.txt", "right\n"), check, Say("done"))
    assert rig.run().ok
    told = answers(server, NAME)
    assert "code 1" in told[1]
    assert "code 0" in told[3]
    assert (rig.workspace / "a.txt").read_text() == "right\n"


@pytest.mark.parametrize("model", [PLAIN_MODEL, SCRIPTING_MODEL])
def test_a_denial_in_an_attempt_that_ends_well_is_reported(play: Play, model: str) -> None:
    rig = play(
        Bash("echo x > /usr/forbidden"), Write("/var/tmp/orchestrate-forbidden", "x"), Say("done")
    )
    result = rig.run(assignee=Assignee("builder", "codex", model))
    assert result.ok
    assert [denial.tool for denial in result.denials] == ["apply_patch", "command"]
    assert "Read-only file system" in result.denials[1].detail
    assert not Path("/var/tmp/orchestrate-forbidden").exists()


def test_instructions_and_standards_reach_the_model_once(server: ModelServer, play: Play) -> None:
    rig = play(Say("done"))
    (rig.workspace / "AGENTS.md").write_text("FROM-THE-WORKSPACE")
    settings = rig.workspace / ".codex" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('developer_instructions = "FROM-THE-PROJECT"\n')
    skill = rig.workspace / ".agents" / "skills" / "own" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: own\ndescription: FROM-A-SKILL\n---\nhello\n")
    result = rig.run(
        profile=Profile("builder", "builds", body="FROM-THE-PROFILE"),
        standards=(ContextFile("AGENTS.md", "FROM-THE-REQUEST"),),
    )
    assert result.ok
    sent = server.texts(NAME)
    assert sent.count("FROM-THE-PROFILE") == 1
    assert sent.count("FROM-THE-REQUEST") == 1
    assert not [each for each in ("WORKSPACE", "PROJECT", "A-SKILL") if f"FROM-{each}" in sent]
    assert "Do the task." in sent


def test_tools_that_reach_out_or_wait_are_not_offered(server: ModelServer, play: Play) -> None:
    assert play(Say("done")).run().ok
    offered = {name.rpartition(".")[2] for name in server.asked(NAME)[0].tools}
    assert offered == {"exec_command", "write_stdin", "view_image"}


def test_nor_are_they_to_a_model_that_scripts_its_tools(server: ModelServer, play: Play) -> None:
    result = play(Say("done")).run(assignee=Assignee("builder", "codex", SCRIPTING_MODEL))
    assert result.ok
    sent = json.dumps(server.asked(NAME)[0].body)
    assert "exec_command" in sent
    assert not [name for name in ("spawn_agent", "web_search", "create_goal") if name in sent]


def test_a_structured_answer_is_given_back_without_what_is_absent(
    server: ModelServer, play: Play
) -> None:
    rig = play(Json({"summary": "Fixed it.", "note": None}))
    result = rig.run(answer_schema=ANSWER)
    assert result.answer == {"summary": "Fixed it."}
    assert result.summary == "Fixed it."
    wanted = server.asked(NAME)[0].body["text"]["format"]
    assert wanted["strict"] is True
    assert wanted["schema"]["required"] == ["summary", "note"]


@pytest.mark.parametrize("text", ["I fixed it.", '["a", "b"]'])
def test_an_answer_in_another_form_is_bad_output(play: Play, text: str) -> None:
    result = play(Say(text)).run(answer_schema=ANSWER)
    assert (result.ok, result.cause, result.answer) == (False, "bad_output", None)
    assert result.usage is not None
    assert result.usage.complete


def test_a_refusal_of_the_model_is_one(play: Play) -> None:
    result = play(Refuse()).run(answer_schema=ANSWER)
    assert (result.ok, result.cause) == (False, "refusal")


@pytest.mark.parametrize(
    ("status", "cause"),
    [(400, "bad_request"), (401, "login"), (403, "login"), (429, "rate_limit"), (500, "provider")],
)
def test_an_error_of_the_provider_is_told_apart(
    server: ModelServer, play: Play, status: int, cause: str
) -> None:
    rig = play(Say("never"), faults=(Fault("status", times=None, status=status),))
    result = rig.run()
    assert (result.ok, result.cause) == (False, cause)
    assert rig.outcome.exit_code == 1
    assert len(server.asked(NAME)) == (3 if status == 500 else 1)
    assert result.usage == Usage(model=PLAIN_MODEL, complete=False)


def test_who_is_too_fast_is_told_at_once(play: Play) -> None:
    rig = play(Say("never"), faults=(Fault("status", status=429, retry_after_s=3600),))
    assert rig.run().cause == "rate_limit"
    assert rig.outcome.duration_s < 10


def test_a_dropped_answer_fails_and_can_be_gone_on_with(server: ModelServer, play: Play) -> None:
    rig = play(Bash("touch a.txt"), Step((Say("done"),), faults=(Fault("drop"),)))
    first = rig.run()
    assert (first.cause, first.ok) == ("provider", False)
    assert "disconnected" in first.message
    assert rig.run(rig.request(2, session=first.session)).ok
    assert [each.step for each in server.asked(NAME)] == [0, 1, 1]


def test_an_answer_that_stalls_is_given_up(server: ModelServer, play: Play) -> None:
    rig = play(Say("never"), faults=(Fault("stall", times=None, until="end"),))
    rig.backend = CodexBackend(rig.environ, stream_idle_s=1.0)
    result = rig.run()
    assert (result.cause, result.ok) == ("provider", False)
    assert "idle timeout" in result.message
    assert len(server.asked(NAME)) == 1


def test_a_refused_connection_fails_at_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "http://127.0.0.1:1/v1")
    result = rig.run()
    assert (result.cause, result.ok) == ("provider", False)
    assert rig.outcome.duration_s < 10


def test_waiting_for_an_answer_to_begin_ends_with_the_time_limit(play: Play) -> None:
    rig = play(Say("never"), faults=(Fault("hang", times=None, until="end"),))
    result = rig.run(timeout_s=1.5)
    assert (result.cause, result.ok) == ("timeout", False)
    assert result.session is not None


def test_a_server_for_tools_that_does_not_start_fails_the_attempt(play: Play) -> None:
    result = play(Say("never")).run(**_with_server("/nonexistent/server"))
    assert (result.cause, result.ok) == ("unavailable", False)
    assert "own" in result.message


def test_a_server_for_tools_is_used_without_asking(server: ModelServer, play: Play) -> None:
    script = Path(__file__).with_name("tiny_mcp_server.py")
    rig = play(Mcp("own", "shout", {"text": "hey"}), Say("done"))
    assert rig.run(**_with_server(sys.executable, str(script))).ok
    assert "HEY" in answers(server, NAME)[0]


def test_keys_do_not_reach_what_commands_see(server: ModelServer, play: Play) -> None:
    secret = DUMMY_KEY
    look = f"env; cat /proc/*/environ | tr '\\0' '\\n'; grep -rs {secret} $HOME $TMPDIR; true"
    rig = play(Bash(look.replace(secret, "sk-scripted-")), Say("done"))
    assert rig.run(env={"SEEN": "yes"}).ok
    seen = answers(server, NAME)[0]
    assert "SEEN=yes" in seen
    assert "ORCHESTRATE_ATTEMPT=codex-test-" in seen
    assert secret not in seen
    assert secret not in json.dumps(server.asked(NAME)[-1].body)


def _with_server(command: str, *args: str) -> dict[str, Any]:
    """What a request has to have for an agent with one server of tools, called `own`."""
    configured = [{"own": {"type": "stdio", "command": command, "args": list(args)}}]
    return {
        "profile": Profile(
            "builder", "builds", mcp_servers=("own",), extra={"mcp_servers": configured}
        ),
        "permissions": msgspec.structs.replace(WRITER, mcp=("mcp__own",)),
    }
