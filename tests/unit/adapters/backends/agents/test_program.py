"""Looking for an agent's program and asking its version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrate.adapters.backends.agents import program as module
from orchestrate.adapters.backends.agents.program import Program
from orchestrate.adapters.backends.agents.program import Tested as Versions
from orchestrate.errors import AgentError
from tests.integration.process_trees import wait_until

TESTED = Versions(("2.1.329", "2.1.400", "3.0.1"))


def stub(folder: Path, script: str, name: str = "agent") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def program(folder: Path, **environ: str) -> Program:
    path = os.pathsep.join((str(folder), "/usr/bin", "/bin"))
    return Program("agent", {"PATH": path, **environ}, TESTED, "npm install agent")


def test_version_is_asked_once_until_the_program_changes(tmp_path: Path) -> None:
    count = f"echo x >> {tmp_path}/asked; echo agent-cli"
    path = stub(tmp_path / "bin", f"{count} 2.1.329")
    found = program(tmp_path / "bin")
    assert (found.version(), found.version()) == ("2.1.329", "2.1.329")
    assert (tmp_path / "asked").read_text("utf-8") == "x\n"
    stub(tmp_path / "bin", f"{count} 2.10.0-rc.1")
    os.utime(path, ns=(1, 1))
    assert found.version() == "2.10.0-rc.1"


def test_program_that_is_probed_gets_no_secret_and_not_the_users_home(tmp_path: Path) -> None:
    stub(tmp_path / "bin", f"env > {tmp_path}/seen; pwd >> {tmp_path}/seen; echo 1.2.3")
    found = program(tmp_path / "bin", HOME="/home/someone", SOME_API_KEY="sk-1")
    assert found.version() == "1.2.3"
    seen = (tmp_path / "seen").read_text("utf-8")
    assert "sk-1" not in seen
    assert "HOME=/home/someone" not in seen


@pytest.mark.parametrize("script", ["exit 1", "echo 1.2.3; exit 3", "echo no number", "kill -9 $$"])
def test_program_that_does_not_say_its_version(tmp_path: Path, script: str) -> None:
    stub(tmp_path / "bin", script)
    assert program(tmp_path / "bin").version() == ""


def test_program_that_hangs_is_stopped_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROBE_TIMEOUT_S", 0.3)
    stub(tmp_path / "bin", f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    assert program(tmp_path / "bin").version() == ""
    child = int((tmp_path / "child").read_text("utf-8"))
    wait_until(lambda: has_ended(child))


def has_ended(process: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text("utf-8")
    except OSError:
        return True


def test_program_that_is_not_there(tmp_path: Path) -> None:
    found = program(tmp_path)
    assert (found.path(), found.version()) == ("", "")
    with pytest.raises(AgentError) as caught:
        found.required()
    assert caught.value.remedy == "install: npm install agent"


def test_program_of_the_folder_one_is_in_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(tmp_path, "echo 1.2.3")
    monkeypatch.chdir(tmp_path)
    assert Program("agent", {"PATH": ".:"}, TESTED, "").path() == ""
    assert Program("agent", {"PATH": ""}, TESTED, "").path() == ""


def test_tested_range_is_by_major_and_minor_number() -> None:
    covered = {each: TESTED.covers(each) for each in ("2.1.1", "2.1.999", "3.0.0", "2.2.0", "")}
    assert covered == {
        "2.1.1": True,
        "2.1.999": True,
        "3.0.0": True,
        "2.2.0": False,
        "": False,
    }
    assert TESTED.text == "2.1.x, 3.0.x (tested: 2.1.329, 2.1.400, 3.0.1)"
