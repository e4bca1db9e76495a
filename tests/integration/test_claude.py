"""The real Claude Code through our backend: what it is sent, what it does, how it fails."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

from orchestrate.core.agents.permissions import Permissions
from orchestrate.core.agents.profile import Profile
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import Denial
from orchestrate.testing.model_server import (
    Bash,
    Edit,
    Fault,
    Json,
    Mcp,
    ModelServer,
    Read,
    Refuse,
    Say,
    Tokens,
    Write,
    turn,
)
from tests.agent_programs import DUMMY_KEY
from tests.integration.claude_rig import (
    ANSWER,
    MODEL,
    READER,
    Rig,
    last_results,
    script,
)
from tests.integration.process_trees import alive, marker

pytestmark = pytest.mark.agents


def test_hello_is_told_role_and_prompt_and_nothing_of_the_project(tmp_path: Path) -> None:
    with ModelServer([script("hello", Say("hello"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "hello"))
        for name in ("CLAUDE.md", "AGENTS.md", ".claude/CLAUDE.md", "home/.claude/CLAUDE.md"):
            path = (rig.folder if name.startswith("home") else rig.workspace) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("STANDING INSTRUCTIONS", encoding="utf-8")
        result = rig.run(prompt="/cost is no command here; see @CLAUDE.md")
        assert result.ok, result.message
        (asked,) = server.asked()
        assert "You are the builder." in asked.system
        assert any("/cost is no command here" in each.text for each in asked.messages)
        assert "STANDING INSTRUCTIONS" not in asked.texts()
        assert asked.model == MODEL
        assert result.version == "2.1.329"
        assert result.usage is not None
        assert (result.usage.tokens, result.usage.turns) == (server.tokens().total, 1)
        assert result.usage.model == MODEL


def test_nothing_of_the_users_settings_takes_part_and_nothing_is_left_in_the_home(
    tmp_path: Path,
) -> None:
    hook = {"hooks": [{"type": "command", "command": f"touch {tmp_path}/hooked"}], "matcher": "*"}
    settings = json.dumps({"hooks": {"PreToolUse": [hook]}, "env": {"INTRUDER": "1"}})
    with ModelServer([script("quiet", Bash("env"), Say("done"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "quiet"))
        for folder in (tmp_path / "home/.claude", rig.workspace / ".claude"):
            folder.mkdir()
            (folder / "settings.json").write_text(settings, encoding="utf-8")
        before = sorted((tmp_path / "home").rglob("*"))
        assert rig.run().ok
        assert not (tmp_path / "hooked").exists()
        assert "INTRUDER" not in last_results(server, "quiet")[0]
        assert sorted((tmp_path / "home").rglob("*")) == before


def test_commands_of_the_agent_do_not_see_the_key(tmp_path: Path) -> None:
    look = "env; tr '\\0' '\\n' < /proc/$PPID/environ; cat /proc/$PPID/cmdline | tr '\\0' ' '"
    with ModelServer([script("key", Bash(look), Say("done"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "key"))
        assert rig.run().ok
        (seen,) = last_results(server, "key")
        assert "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR=3" in seen
        assert DUMMY_KEY not in seen
        assert all(exchange.key for exchange in server.asked())


def test_key_that_has_to_stay_in_the_environment_is_blanked_and_noted(tmp_path: Path) -> None:
    with ModelServer([script("token", Bash("echo $ANTHROPIC_AUTH_TOKEN"), Say("done"))]) as server:
        url = server.url("claude", "token")
        rig = Rig(tmp_path, url, ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN="sk-visible-0001")
        assert rig.run().ok
        assert "sk-visible-0001" in last_results(server, "token")[0]
        assert "sk-visible-0001" not in (tmp_path / "attempt-1/stdout.log").read_text("utf-8")
        assert any("ANTHROPIC_AUTH_TOKEN" in note for note in rig.backend.status().notes)


def test_login_is_used_where_it_is(tmp_path: Path) -> None:
    token = {"accessToken": "sk-login-0001", "refreshToken": "r", "expiresAt": 4102444800000}
    login = {"claudeAiOauth": {**token, "scopes": ["user:inference"], "subscriptionType": "max"}}
    with ModelServer([script("login", Bash("env"), Say("done"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "login"), ANTHROPIC_API_KEY="")
        folder = tmp_path / "home/.claude"
        folder.mkdir()
        (folder / ".credentials.json").write_text(json.dumps(login), encoding="utf-8")
        status = rig.backend.status()
        assert (status.account, status.source) == (
            "subscription",
            str(folder / ".credentials.json"),
        )
        result = rig.run()
        assert result.ok, result.message
        assert "Bearer" not in server.texts()
        assert all(exchange.headers.get("authorization") for exchange in server.asked())
        assert "sk-login-0001" not in last_results(server, "login")[0]
        assert list(folder.glob("projects/*/*.jsonl"))
        assert not (tmp_path / "sessions").exists()


def test_wrong_then_right(tmp_path: Path) -> None:
    check = f"{sys.executable} -c 'import m; assert m.double(2) == 4'"
    steps = (
        Write("m.py", "def double(x):\n    return x\n"),
        Bash(check),
        Edit("m.py", "return x\n", "return 2 * x\n"),
        Bash(check),
        Say("fixed"),
    )
    with ModelServer([script("fix", *steps)]) as server:
        rig = Rig(tmp_path, server.url("claude", "fix"))
        result = rig.run()
        assert result.ok, result.message
        seen = last_results(server, "fix")
        assert "AssertionError" in seen[1]
        assert "AssertionError" not in seen[3]
        assert (rig.workspace / "m.py").read_text("utf-8").endswith("return 2 * x\n")
        assert result.usage is not None
        assert (result.usage.tokens, result.usage.turns) == (server.tokens().total, 5)
        assert result.usage.cost_usd == pytest.approx(5 * (100 * 3 + 10 * 15) / 1e6)
        assert result.denials == ()


@pytest.mark.parametrize(
    ("status", "cause", "requests"),
    [
        (400, "bad_request", 3),
        (401, "login", 3),
        (403, "login", 1),
        (404, "bad_request", 2),
        (429, "rate_limit", 3),
        (500, "provider", 3),
        (529, "provider", 3),
    ],
)
def test_errors_of_the_provider_are_told_apart(
    tmp_path: Path, status: int, cause: FailureCause, requests: int
) -> None:
    fault = Fault("status", times=None, status=status, retry_after_s=1 if status == 429 else None)
    with ModelServer([script("error", turn(Say("no"), faults=(fault,)))]) as server:
        rig = Rig(tmp_path, server.url("claude", "error"))
        result = rig.run()
        assert (result.ok, result.cause) == (False, cause), result.message
        assert len(server.log("error")) <= requests
        assert result.usage is not None
        assert (result.usage.tokens, result.usage.cost_usd) == (0, 0.0)
        if status == 429:
            assert result.retry_after_s is not None
            assert 1 <= result.retry_after_s < 5


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", "bad_request"),
        ("Your credit balance is too low to access the API.", "login"),
    ],
)
def test_errors_with_one_status_are_told_apart_by_what_is_said(
    tmp_path: Path, message: str, cause: FailureCause
) -> None:
    fault = Fault("status", times=None, status=400, message=message)
    with ModelServer([script("said", turn(Say("no"), faults=(fault,)))]) as server:
        result = Rig(tmp_path, server.url("claude", "said")).run()
        assert (result.ok, result.cause) == (False, cause), result.message


def test_refused_connection_is_the_providers_failure(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        rig = Rig(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}")
        result = rig.run()
    assert (result.ok, result.cause) == (False, "provider"), result.message


def test_stream_dropped_once_is_asked_again_and_dropped_always_fails(tmp_path: Path) -> None:
    once = turn(Say("x" * 400), faults=(Fault("drop"),))
    always = turn(Say("x" * 400), faults=(Fault("drop", times=None),))
    with ModelServer([script("once", once), script("always", always)]) as server:
        assert Rig(tmp_path / "1", server.url("claude", "once")).run().ok
        result = Rig(tmp_path / "2", server.url("claude", "always")).run()
        assert (result.ok, result.cause) == (False, "provider"), result.message


def test_refusal_of_the_model(tmp_path: Path) -> None:
    with ModelServer([script("no", Refuse(), repeat_last=True)]) as server:
        result = Rig(tmp_path, server.url("claude", "no")).run()
        assert (result.ok, result.cause, result.session) == (False, "refusal", None)
        assert result.usage is not None
        assert result.usage.tokens == server.tokens().total


def test_denied_tool_is_listed_and_fails_what_had_to_change_something(tmp_path: Path) -> None:
    steps = (Write("../outside.txt", "x"), Say("done"))
    with ModelServer([script("a", *steps), script("b", *steps)]) as server:
        rig = Rig(tmp_path / "1", server.url("claude", "a"))
        result = rig.run()
        assert result.ok
        assert result.denials == (Denial("Write", str(rig.folder / "outside.txt")),)
        result = Rig(tmp_path / "2", server.url("claude", "b")).run(must_change=True)
        assert (result.ok, result.cause) == (False, "denied")
        assert not list(tmp_path.rglob("outside.txt"))


def test_structured_answer_is_asked_for_again_until_it_is_right(tmp_path: Path) -> None:
    wrong, right = Json({"sumary": "x"}), Json({"summary": "it is done"})
    with ModelServer([script("json", wrong, right)]) as server:
        result = Rig(tmp_path, server.url("claude", "json")).run(answer_schema=ANSWER)
        assert result.ok, result.message
        assert result.answer == {"summary": "it is done"}
        assert result.summary == "it is done"
        assert len(server.asked()) == 2


def test_structured_answer_never_given(tmp_path: Path) -> None:
    scenarios = [
        script("text", Say("no"), repeat_last=True),
        script("wrong", Json({"sumary": "x"}), repeat_last=True),
    ]
    with ModelServer(scenarios) as server:
        for name in ("text", "wrong"):
            result = Rig(tmp_path / name, server.url("claude", name)).run(answer_schema=ANSWER)
            assert (result.ok, result.cause, result.answer) == (False, "bad_output", None)
            assert result.session is not None
            assert 2 <= len(server.asked(name)) <= 6


def test_tools_of_a_configured_server_are_used(tmp_path: Path) -> None:
    program = Path(__file__).with_name("tiny_mcp_server.py")
    tiny = {"command": sys.executable, "args": [str(program)]}
    profile = Profile(
        name="p", description="d", mcp_servers=("tiny",), extra={"mcp_servers": {"tiny": tiny}}
    )
    allowed = Permissions(mcp=("mcp__tiny",))
    with ModelServer([script("mcp", Mcp("tiny", "shout", {"text": "hey"}), Say("ok"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "mcp"))
        result = rig.run(profile=profile, permissions=allowed)
        assert result.ok, result.message
        assert last_results(server, "mcp")[0].startswith("HEY\n")


def test_server_of_tools_that_does_not_start_fails_the_attempt(tmp_path: Path) -> None:
    profile = Profile(
        name="p",
        description="d",
        mcp_servers=("broken",),
        extra={"mcp_servers": [{"broken": {"command": "/bin/false"}}]},
    )
    with ModelServer([script("broken", Say("I can do without"))]) as server:
        result = Rig(tmp_path, server.url("claude", "broken")).run(profile=profile)
        assert (result.ok, result.cause) == (False, "unavailable")
        assert "broken" in result.message


def test_turns_and_money_end_an_attempt(tmp_path: Path) -> None:
    dear = turn(Bash("true"), tokens=Tokens(1000, 0, 0, 1000))
    scenarios = [script(name, dear, repeat_last=True) for name in ("turns", "money")]
    with ModelServer(scenarios) as server:
        rig = Rig(tmp_path / "1", server.url("claude", "turns"))
        result = rig.run(cap=Budget(turns=2))
        assert (result.ok, result.cause) == (False, "budget")
        assert len(server.asked("turns")) == 2
        rig = Rig(tmp_path / "2", server.url("claude", "money"))
        result = rig.run(cap=Budget(cost_usd=0.05))
        assert (result.ok, result.cause) == (False, "budget")
        # 0.018 each: the third reaches the limit, and is counted.
        assert len(server.asked("money")) == 3
        assert result.usage is not None
        assert result.usage.cost_usd == pytest.approx(0.054)
        assert result.usage.tokens == server.tokens("money").total == 6000


def test_price_of_an_unknown_model_is_unknown(tmp_path: Path) -> None:
    with ModelServer([script("odd", Say("hi"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "odd"))
        result = rig.run(assignee=Assignee("builder", "claude", "nobody-knows-1", "anthropic"))
        assert result.ok, result.message
        assert result.usage is not None
        assert (result.usage.cost_usd, result.usage.cost_source) == (None, "unknown")
        assert result.usage.model == "nobody-knows-1"


def test_hanging_provider_ends_with_the_time_out_and_nothing_survives(tmp_path: Path) -> None:
    mark = marker()
    steps = (
        Bash(f"setsid sleep {mark} > /dev/null 2>&1 < /dev/null &"),
        turn(Say("never"), faults=(Fault("hang", times=None),)),
    )
    with ModelServer([script("hang", *steps)]) as server:
        rig = Rig(tmp_path, server.url("claude", "hang"))
        rig.run(timeout_s=4.0)
        assert rig.outcome.stopped == "timeout"
        assert [exchange.fault for exchange in server.asked()] == ["", "hang"]
        assert alive(mark) == []
        seen = rig.backend.observed(rig.request())
        assert seen.usage is not None
        assert (seen.usage.tokens, seen.usage.complete) == (server.tokens().total, False)
        assert seen.session is not None


@pytest.mark.slow
def test_eight_at_once_stay_apart(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(8)]
    scenarios = [script(name, Write("a.txt", name), Read("a.txt"), Say("ok")) for name in names]
    with ModelServer(scenarios) as server:
        rigs = [Rig(tmp_path / name, server.url("claude", name)) for name in names]

        async def together() -> list[bool]:
            found = await asyncio.gather(*(rig.perform(rig.request()) for rig in rigs))
            return [each.ok for each in found]

        assert asyncio.run(together()) == [True] * 8
        for rig, name in zip(rigs, names, strict=True):
            assert (rig.workspace / "a.txt").read_text("utf-8") == name
            assert len(server.asked(name)) == 3


def test_task_without_leave_to_write_has_no_tool_for_it(tmp_path: Path) -> None:
    with ModelServer([script("read", Say("ok"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "read"))
        assert rig.run(writes=False).ok
        assert rig.run(rig.request(2, permissions=READER)).ok
        first, second = (set(each.tools) for each in server.asked())
        assert first == {"Bash", "Glob", "Grep", "Read"}
        assert second == {"Glob", "Grep", "Read"}


def test_supervisor_is_told_the_secrets(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "http://127.0.0.1:9")
    spec = rig.backend.spec(rig.request())
    assert DUMMY_KEY in spec.secrets
    assert not any(DUMMY_KEY in text for text in (*spec.argv, *spec.files.values(), spec.stdin))
