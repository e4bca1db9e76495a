"""Agents that do not keep to their workspace, and what the user is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.testing.model_server import Bash
from tests.e2e.agents import MEND, MENDED, MENDING, Bench, answer, script
from tests.e2e.git_states import git

pytestmark = [pytest.mark.agents, pytest.mark.slow]


#: The file as it should be, whatever is in it.
MENDING_ALL = Bash(f"printf '{MENDED.encode('unicode_escape').decode()}' > calc.py")


def test_what_an_agent_writes_into_the_users_files_is_named_and_no_clean_success(
    tmp_path: Path,
) -> None:
    root = tmp_path / "repository"
    astray = Bash(f"echo mine > {root}/evil.txt; echo more >> {root}/notes.txt")
    with Bench(tmp_path, claude=script(astray, MENDING, answer())) as bench:
        done = bench.run(MEND, "claude")
        assert done.data["status"] == "completed"
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert done.code == 10, done
        assert done.data["audit"] == "failed"
        assert done.data["audit_changes"] == [
            "file evil.txt appeared",
            "file notes.txt changed",
        ]
        assert "file evil.txt appeared; file notes.txt changed; if that was not you" in done.err


def test_what_an_agent_does_to_the_users_git_keeps_its_branch_from_being_pushed(
    tmp_path: Path,
) -> None:
    root = tmp_path / "repository"
    elsewhere = tmp_path / "elsewhere"
    hook = f"python3 -c \"open('{root}/.git/hooks/pre-push', 'w').close()\""
    astray = (Bash(f"git -C {root} remote set-url origin {elsewhere}"), Bash(hook))
    with Bench(tmp_path, claude=script(*astray, MENDING, answer())) as bench:
        (root / ".git" / "hooks").mkdir(exist_ok=True)
        git(root, "remote", "add", "origin", "https://github.com/ada/calc.git")
        git(tmp_path, "init", "-q", "--bare", str(elsewhere))
        done = bench.run(MEND, "claude")
        assert done.code == 10, done
        assert done.data["audit_changes"] == ["git config changed", "git hooks changed"]
        later = bench.call("pull-request")
        assert later.code == 10, later
        assert "this changed: git config changed, git hooks changed" in later.err
        assert git(elsewhere, "for-each-ref") == ""


def test_the_sandbox_of_codex_keeps_an_agent_out_of_the_users_files(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    astray = Bash(f"echo mine > {root}/evil.txt; git -C {root} config user.name evil; true")
    with Bench(tmp_path, codex=script(astray, MENDING, answer())) as bench:
        before = bench.things()
        done = bench.run(MEND, "codex")
        assert done.code == 0, done
        assert done.data["audit"] == "passed"
        after = bench.things()
        assert (after.files, after.git) == (before.files, before.git)


def test_work_that_holds_a_key_of_the_users_is_not_delivered(tmp_path: Path) -> None:
    # What is piped to the program its commands cannot read; this one they can.
    leak = Bash("echo $ANTHROPIC_AUTH_TOKEN > calc.py")
    steps = (leak, answer("Done it."), MENDING_ALL, answer("Took it out."))
    with Bench(tmp_path, claude=script(*steps)) as bench:
        token = bench.environ.pop("ANTHROPIC_API_KEY") + "-by-token"
        bench.environ["ANTHROPIC_AUTH_TOKEN"] = token
        done = bench.run(MEND, "claude")
        assert done.code == 0, done
        failed = bench.events("AttemptFailed")
        assert [each["cause"] for each in failed] == ["bad_output"]
        assert "calc.py holds a key of the user's" in failed[0]["message"]
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert token not in git(bench.root, "log", "-p", bench.branch())
        logs = bench.root / ".git" / "orchestrate"
        assert not [each for each in logs.rglob("*.log") if token in each.read_text("utf-8")]
