"""What the backend says the real Claude Code holds an agent to, and what it says it does not.

Each claim of `tools.enforcement` is tried once. A claim that a newer version no longer keeps fails
here, and so does one that it now does.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.core.agents.tools import Ability
from orchestrate.ports.performer import UpstreamArtifact
from orchestrate.testing.model_server import Bash, Call, Edit, ModelServer, Read, Say, Write, turn
from orchestrate.testing.model_server.scenario import Action
from tests.integration.claude_rig import Rig, script, tool_results

pytestmark = pytest.mark.agents

SECRET = "the-secret-of-the-file"


def permissions(*abilities: Ability, **fields: object) -> Permissions:
    return Permissions(abilities=frozenset(abilities), **fields)  # type: ignore[arg-type]


class Trial(NamedTuple):
    """An attempt with `given`; what each of `tried` came to is asked afterwards."""

    restriction: str
    given: Permissions
    tried: Action
    held: bool
    writes: bool = True


def denied(ability: Ability, pattern: str) -> tuple[Rule, ...]:
    return (Rule(ability, pattern),)


READ_ENV = denied("read", ".env")
WRITE_SRC = denied("write", "src/**")
PUSH = denied("execute", "git push")
FETCH = denied("fetch", "127.0.0.1")
PYTHON_READS = "python3 -c 'print(open(\".env\").read())'"
#: Leaves its mark only if it got an answer.
PYTHON_FETCHES = """python3 -c '
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(os.environ["ANTHROPIC_BASE_URL"])
except urllib.error.HTTPError:
    open("src/changed.txt", "w")
'"""
PYTHON_WRITES = 'python3 -c \'open("src/changed.txt", "w")\''

TRIALS = {
    "a file is not read": Trial(
        "read:.env", permissions("read", denied=READ_ENV), Read(".env"), True
    ),
    "a file below is not read": Trial(
        "read:.env", permissions("read", denied=READ_ENV), Read("below/.env"), True
    ),
    "a file is not searched": Trial(
        "read:.env",
        permissions("read", denied=READ_ENV),
        Call("Grep", {"pattern": "secret", "output_mode": "content"}),
        True,
    ),
    "a file is not read through a link": Trial(
        "read:.env", permissions("read", denied=READ_ENV), Read("link"), True
    ),
    "a command reads a file": Trial(
        "read:.env", permissions("read", "execute", denied=READ_ENV), Bash(PYTHON_READS), False
    ),
    "a command reads without a tool to read": Trial(
        "read", permissions("execute"), Bash(PYTHON_READS), False
    ),
    "a file is not written": Trial(
        "write:src/**",
        permissions("read", "write", denied=WRITE_SRC),
        Write("src/changed.txt", "x"),
        True,
    ),
    "a file at the top is not read": Trial(
        "read:/.env", permissions("read", denied=denied("read", "/.env")), Read(".env"), True
    ),
    "a file at one place is not written": Trial(
        "write:/src/changed.txt",
        permissions("read", "write", denied=denied("write", "/src/changed.txt")),
        Write("src/changed.txt", "x"),
        True,
    ),
    "a command writes a file": Trial(
        "write:src/**",
        permissions("read", "write", "execute", denied=WRITE_SRC),
        Bash(PYTHON_WRITES),
        False,
    ),
    "nothing is written without a tool to write": Trial(
        "write", permissions("read"), Call("Write", {"file_path": "{cwd}/src/changed.txt"}), True
    ),
    "nothing is written in a task that does not write": Trial(
        "write",
        permissions("read", "write"),
        Call("Write", {"file_path": "{cwd}/src/changed.txt"}),
        True,
        writes=False,
    ),
    "a command writes in a task that does not write": Trial(
        "write", permissions("read", "write", "execute"), Bash(PYTHON_WRITES), False, writes=False
    ),
    "no command is run without a tool for it": Trial(
        "execute",
        permissions("read", "write"),
        Call("Bash", {"command": "touch src/changed.txt"}),
        True,
    ),
    "no other command is run": Trial(
        "execute",
        permissions("read", "execute", commands=("git",)),
        Bash("touch src/changed.txt"),
        True,
    ),
    "no other command is run after one that is allowed": Trial(
        "execute",
        permissions("read", "execute", commands=("git",)),
        Bash("git --version && touch src/changed.txt"),
        True,
    ),
    "no other command is run inside one that is allowed": Trial(
        "execute",
        permissions("read", "execute", commands=("git",)),
        Bash("git --version $(touch src/changed.txt)"),
        True,
    ),
    "no other command is run where files may be written": Trial(
        "execute",
        permissions("read", "write", "execute", commands=("git",)),
        Bash("touch src/changed.txt"),
        True,
    ),
    "a command is run with an option before what is denied": Trial(
        "execute:git push",
        permissions("execute", denied=PUSH),
        Bash("git -C . push; touch src/changed.txt"),
        False,
    ),
    "a page is not fetched": Trial(
        "fetch:127.0.0.1",
        permissions("fetch", denied=FETCH),
        Call("WebFetch", {"url": "http://127.0.0.1/x", "prompt": "p"}),
        True,
    ),
    "a command fetches a page": Trial(
        "fetch:127.0.0.1",
        permissions("fetch", "execute", denied=FETCH),
        Bash(PYTHON_FETCHES),
        False,
    ),
    "nothing is fetched without a tool for it": Trial(
        "fetch", permissions("read"), Call("WebFetch", {"url": "http://x/", "prompt": "p"}), True
    ),
    "nothing is searched for without a tool for it": Trial(
        "search", permissions("read"), Call("WebSearch", {"query": "q"}), True
    ),
    "no agent is started without a tool for it": Trial(
        "delegate",
        permissions("read"),
        Call("Agent", {"description": "d", "prompt": "p", "subagent_type": "general-purpose"}),
        True,
    ),
    "an agent that is denied is not started": Trial(
        "delegate:Explore",
        permissions("read", "delegate", denied=denied("delegate", "Explore")),
        Call("Agent", {"description": "d", "prompt": "p", "subagent_type": "Explore"}),
        True,
    ),
}
#: What the program answers for a tool or a use that is not allowed, one of them each time.
REFUSALS = ("denied", "No such tool available", "is disabled", "No matches found", "needs approval")


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS.keys())
def test_claims_are_what_the_program_does(tmp_path: Path, trial: Trial) -> None:
    with ModelServer([script("trial", turn(trial.tried), Say("done"))]) as server:
        rig = Rig(tmp_path, server.url("claude", "trial"))
        _furnish(rig.workspace)
        result = rig.run(permissions=trial.given, writes=trial.writes)
        assert result.ok, result.message
        (seen,) = tool_results(server.asked()[1])
        reached = SECRET in seen or (rig.workspace / "src/changed.txt").exists()
        assert reached is not trial.held, seen
        if trial.held:
            assert any(each in seen for each in REFUSALS), seen
        claims = rig.backend.enforcement(trial.given, writes=trial.writes)
        claimed = claims.enforced if trial.held else claims.unenforced
        assert trial.restriction in {each.name for each in claimed}
        other = claims.unenforced if trial.held else claims.enforced
        assert trial.restriction not in {each.name for each in other}


@pytest.mark.parametrize(
    "command", ["git push origin", "true && git push", "env git push", "/usr/bin/git push"]
)
def test_denied_command_is_not_run_as_written(tmp_path: Path, command: str) -> None:
    with ModelServer([script("push", Bash(command), Say("done"))]) as server:
        result = Rig(tmp_path, server.url("claude", "push")).run(
            permissions=permissions("execute", denied=PUSH)
        )
        assert [each.tool for each in result.denials] == ["Bash"]
        assert result.denials[0].detail == command


def test_only_workspace_and_outputs_are_written_and_only_they_and_material_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    outside = tmp_path / "other/outside.txt"
    outside.write_text(SECRET, encoding="utf-8")
    steps = (
        Write("new.txt", "x"),
        Write(str(tmp_path / "attempt-1/outputs/report.txt"), "x"),
        Write(str(tmp_path / "other/new.txt"), "x"),
        Write("up/new.txt", "x"),
        Write(".git/config", "x"),
        Write(".claude/settings.json", "{}"),
        Read(str(outside)),
        Read("up/outside.txt"),
        Edit("new.txt", "x", "y"),
        Say("done"),
    )
    with ModelServer([script("places", *steps)]) as server:
        rig = Rig(tmp_path, server.url("claude", "places"))
        (rig.workspace / "up").symlink_to(tmp_path / "other")
        (rig.workspace / ".git").mkdir()
        result = rig.run(permissions=permissions("read", "write"))
        assert [each.tool for each in result.denials] == ["Write"] * 4 + ["Read"] * 2
        assert (rig.workspace / "new.txt").read_text("utf-8") == "y"
        assert (tmp_path / "attempt-1/outputs/report.txt").exists()
        assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["outside.txt"]
        assert SECRET not in server.texts()


@pytest.mark.parametrize("name", ["plain", "a [b] (c) {d} *", "link"])
def test_places_are_found_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    root = tmp_path / name
    outputs, artifact = root / "attempt-1/outputs", root / "artifact [1].txt"
    steps = (Write("a.txt", "x"), Write(str(outputs / "b.txt"), "x"), Read(str(artifact)))
    with ModelServer([script("names", *steps, Say("done"))]) as server:
        rig = Rig(root, server.url("claude", "names"))
        artifact.write_text(SECRET, encoding="utf-8")
        given = (UpstreamArtifact("earlier", "artifact", str(artifact), "0"),)
        result = rig.run(permissions=permissions("read", "write"), artifacts=given)
        assert result.denials == ()
        assert (rig.workspace / "a.txt").exists()
        assert (outputs / "b.txt").exists()
        assert SECRET in tool_results(server.asked()[-1])[-1]


def _furnish(workspace: Path) -> None:
    for name in (".env", "below/.env", "src/other.txt"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(SECRET if name.endswith(".env") else "", encoding="utf-8")
    (workspace / "link").symlink_to(".env")
