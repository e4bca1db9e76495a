"""Arriving and leaving: init, doctor, completion, uninstall, and machines that forbid things."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import orchestrate, tree
from tests.e2e.ordinary_user import OrdinaryUser, ordinary_folder

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


@pytest.fixture
def user() -> Iterator[OrdinaryUser]:
    with ordinary_folder() as folder:
        folder.chmod(0o755)
        yield OrdinaryUser(folder / "home")


def test_init_writes_once_and_keeps_what_is_there(repository: Path) -> None:
    first = orchestrate("init", cwd=repository)
    assert first.code == 0, first
    settings = repository / ".orchestrate" / "settings.yaml"
    settings.write_text("max_parallel: 2\n")
    again = orchestrate("init", cwd=repository)
    assert again.code == 0, again
    assert [line.split()[0] for line in again.out.splitlines()] == ["kept", "kept"]
    assert settings.read_text() == "max_parallel: 2\n"
    assert orchestrate("validate", "hello", cwd=repository).code == 0


def test_what_init_wrote_runs(repository: Path) -> None:
    orchestrate("init", cwd=repository)
    done = orchestrate("run", "hello", cwd=repository)
    assert done.code == 7, done
    assert "Look at the report" in done.err


def test_init_that_cannot_write_says_so_and_claims_nothing(repository: Path) -> None:
    (repository / ".orchestrate").write_text("in the way")
    done = orchestrate("init", cwd=repository)
    assert done.code == 4, done
    assert done.out == ""
    assert "cannot be written" in done.err


def test_doctor_in_and_outside_git_changes_nothing(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for folder, said in ((repository, "git repository"), (tmp_path / "plain", "without git")):
        before = tree(folder)
        done = orchestrate("doctor", cwd=folder)
        assert done.code == 0, done
        assert said in done.out
        assert "advisories" in done.out
        assert tree(folder) == before


def test_uninstall_lists_asks_and_takes_everything_but_the_users_changes(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    before = tree(repository)
    orchestrate("init", cwd=repository)
    orchestrate("run", "hello", cwd=repository)
    orchestrate("run", str(repository / ".orchestrate/workflows/hello.yaml"), cwd=plain)
    settings = repository / ".orchestrate" / "settings.yaml"
    settings.write_text("max_parallel: 2\n")
    asked = orchestrate("uninstall", cwd=tmp_path)
    assert asked.code == 2, asked
    assert str(repository / ".git" / "orchestrate") in asked.err
    assert f"{settings}  (changed by you: kept)" in asked.err
    assert (repository / ".git" / "orchestrate" / "events.db").exists()
    done = orchestrate("uninstall", "--yes", cwd=tmp_path)
    assert done.code == 0, done
    assert settings.read_text() == "max_parallel: 2\n"
    settings.unlink()
    (repository / ".orchestrate").rmdir()  # nothing else was left in it
    assert tree(repository) == before
    assert not list(home.rglob("*orchestrate*"))
    assert orchestrate("uninstall", "--yes", cwd=tmp_path).out == "nothing is left to remove\n"
    # And everything works anew.
    orchestrate("init", cwd=repository)
    assert orchestrate("run", "hello", cwd=repository).code == 7


def test_completion_completes_in_bash(repository: Path) -> None:
    bash = shutil.which("bash")
    assert bash, "bash is needed to show that its completion works"
    script = """
        eval "$(orchestrate completion bash)"
        complete -p orchestrate
        try() {
          COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
          _orchestrate_completion "$1"
          echo "${COMPREPLY[@]}"
        }
        try orchestrate statu
        try orchestrate graph --format m
        try orchestrate agent s
        try orchestrate security --fail-on hi
    """
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        cwd=repository,
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[0].endswith("-F _orchestrate_completion orchestrate"), done
    assert lines[1:] == ["status", "mermaid", "show", "high"], done


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_scripts_of_other_shells_name_the_command(shell: str, tmp_path: Path) -> None:
    done = orchestrate("completion", shell, cwd=tmp_path)
    assert done.code == 0
    assert "_ORCHESTRATE_COMPLETE" in done.out


@pytest.mark.may_skip("needs an interpreter and packages that an ordinary user can read")
def test_where_git_cannot_be_written_state_is_kept_with_the_user(user: OrdinaryUser) -> None:
    root = user.home / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "flow.yaml").write_text(
        "version: 1\nname: f\nphases: [{name: a, tasks: [{id: b, run: pwd}]}]\n"
    )
    user.own(root)
    (root / ".git").chmod(0o555)
    root.chmod(0o555)  # read-only as a whole
    done = user.orchestrate("run", "flow.yaml", cwd=root)
    assert done.code == 0, done
    assert not (root / ".git" / "orchestrate").exists()
    state = user.home / ".local" / "state" / "orchestrate"
    assert [path.name for path in state.rglob("events.db")] == ["events.db"]
    assert user.orchestrate("list", cwd=root).out.count("completed") == 1
    assert str(state) in user.orchestrate("doctor", cwd=root).out
    assert user.orchestrate("init", cwd=root).code == 4


@pytest.mark.may_skip("needs an interpreter and packages that an ordinary user can read")
def test_where_nothing_can_be_written_that_is_said(user: OrdinaryUser) -> None:
    root = user.home / "project"
    root.mkdir()
    flow = root / "flow.yaml"
    flow.write_text("version: 1\nname: f\nphases: [{name: a, tasks: [{id: b, run: pwd}]}]\n")
    user.own(root)
    user.home.chmod(0o555)
    for command in (("run", "flow.yaml"), ("doctor",)):
        done = user.orchestrate(*command, cwd=root)
        assert done.code == 4, done
        assert "Traceback" not in done.err
        assert "permission" in (done.out + done.err).lower(), done


@pytest.mark.may_skip("needs an interpreter and packages that an ordinary user can read")
def test_what_cannot_be_removed_is_named(user: OrdinaryUser) -> None:
    root = user.home / "project"
    root.mkdir()
    user.own(root)
    assert user.orchestrate("init", cwd=root).code == 0
    (root / ".orchestrate" / "workflows").chmod(0o555)
    done = user.orchestrate("uninstall", "--yes", cwd=root)
    assert done.code == 4, done
    assert "hello.yaml: Permission denied" in done.err
    assert "Traceback" not in done.err
