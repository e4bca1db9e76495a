"""What is said of a backend on a machine."""

from __future__ import annotations

from pathlib import Path

from orchestrate.adapters.backends.agents.account import Account, describe
from orchestrate.adapters.backends.agents.program import Program
from orchestrate.adapters.backends.agents.program import Tested as Versions
from orchestrate.ports.performer import BackendStatus

TESTED = Versions(("1.2.3",))


def status(folder: Path, script: str, account: Account) -> BackendStatus:
    if script:
        (folder / "agent").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / "agent").chmod(0o755)
    program = Program("agent", {"PATH": str(folder)}, TESTED, "npm install agent")
    return describe("agent", program, account, login="log in first", notes=("a note",))


def test_what_is_found_and_logged_in_is_usable(tmp_path: Path) -> None:
    assert status(tmp_path, "echo 1.2.9", Account("api", "AGENT_KEY")) == BackendStatus(
        name="agent",
        found=str(tmp_path / "agent"),
        version="1.2.9",
        tested="1.2.x (tested: 1.2.3)",
        in_range=True,
        account="api",
        source="AGENT_KEY",
        usable=True,
        notes=("a note",),
    )


def test_version_out_of_range_is_noted_and_usable(tmp_path: Path) -> None:
    found = status(tmp_path, "echo 1.3.0", Account("unknown", "a file"))
    assert (found.in_range, found.usable) == (False, True)
    assert found.notes[-1] == "version 1.3.0 was not tested; 1.2.x (tested: 1.2.3)"


def test_remedy_is_the_first_thing_that_is_missing(tmp_path: Path) -> None:
    missing = status(tmp_path, "", Account())
    assert (missing.usable, missing.remedy) == (False, "install: npm install agent")
    logged_out = status(tmp_path, "echo 1.2.3", Account())
    assert (logged_out.usable, logged_out.remedy) == (False, "log in first")
    broken = status(tmp_path, "exit 1", Account("api", "AGENT_KEY"))
    assert (broken.usable, broken.in_range) == (False, False)
    assert "npm install agent" in broken.remedy
