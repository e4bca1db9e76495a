"""What the user forbids every agent: held by the program that is run, or the run refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.testing.model_server import Bash, Call, Read
from tests.e2e.agents import LOOK, PROGRAMS, Bench, answer, profile, script

pytestmark = [pytest.mark.agents, pytest.mark.slow]

SECRET = "hush-44e0"
READER = profile("helper", "tools: Read, Grep")


def denying(*rules: str) -> str:
    """Settings of Claude Code that deny."""
    return json.dumps({"permissions": {"deny": list(rules)}})


def with_secret(bench: Bench, text: str, rules: str) -> None:
    """Commit an agent, a file and the project's settings."""
    files = {".orchestrate/agents/helper.md": text, "vault.txt": f"{SECRET}\n"}
    bench.commit("secret", {**files, ".claude/settings.json": rules})


@pytest.mark.parametrize("backend", PROGRAMS)
def test_rule_of_the_project_is_held(tmp_path: Path, backend: str) -> None:
    look = Read("vault.txt") if backend == "claude" else Bash("cat vault.txt")
    with Bench(tmp_path, **{backend: script(look, answer())}) as bench:
        with_secret(bench, READER, denying("Read(vault.txt)"))
        done = bench.run(LOOK, backend)
        assert done.code == 0, done
        assert bench.steps(backend) == [0, 1]
        assert SECRET not in bench.server.texts(backend)
        (ended,) = bench.events("AttemptSucceeded")
        assert ended["denials"]


def test_same_file_is_read_where_no_rule_denies_it(tmp_path: Path) -> None:
    with Bench(tmp_path, claude=script(Read("vault.txt"), answer())) as bench:
        with_secret(bench, READER, denying("Read(other.txt)"))
        assert bench.run(LOOK, "claude").code == 0
        assert SECRET in bench.server.texts("claude")


@pytest.mark.parametrize("backend", PROGRAMS)
def test_rule_of_the_user_that_cannot_be_held_stops_the_run_unless_it_is_named(
    tmp_path: Path, backend: str
) -> None:
    with Bench(tmp_path, **{backend: script(Bash("git push origin main"), answer())}) as bench:
        own = bench.home / ".claude" / "settings.json"
        own.parent.mkdir()
        own.write_text(denying("Bash(git push:*)"))
        refused = bench.run(LOOK, backend)
        assert refused.code == 4, refused
        assert "execute:git push" in refused.err
        assert bench.server.log() == ()
        assert not (bench.root / ".git" / "orchestrate").exists()
        other = bench.run(LOOK, backend, "--allow-unenforced", "execute:git pull")
        assert other.code == 4, other
        done = bench.run(LOOK, backend, "--allow-unenforced", "execute:git push")
        assert done.code == 0, done
        # As it is written it is held all the same.
        (ended,) = bench.events("AttemptSucceeded")
        (denied,) = ended["denials"]
        assert "git push origin main" in denied["detail"]


def test_tool_that_a_profile_does_not_give_is_not_offered(tmp_path: Path) -> None:
    use = Call("Bash", {"command": "touch made-it"})
    with Bench(tmp_path, claude=script(use, answer())) as bench:
        with_secret(bench, READER, denying())
        assert bench.run(LOOK, "claude").code == 0
        asked = bench.asked("claude")
        assert {"Read", "Grep"} <= set(asked[0].tools)
        assert not {"Bash", "Edit", "Write", "WebFetch", "Task"} & set(asked[0].tools)
        assert list(bench.folder.rglob("made-it")) == []
