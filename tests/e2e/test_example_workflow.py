"""The example workflow does what its comments say, on a machine with nothing but Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.errors import ExitCode

HELLO = Path(__file__).resolve().parents[2] / "examples" / "hello.yaml"


def orchestrate(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrate", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.usefixtures("home")
def test_example_greets_waits_for_a_person_and_says_goodbye(tmp_path: Path) -> None:
    valid = orchestrate(tmp_path, "validate", str(HELLO))
    assert valid.returncode == ExitCode.OK, valid.stderr

    ran = orchestrate(tmp_path, "run", str(HELLO), "--input", "name=Ada")
    assert ran.returncode == ExitCode.WAITING, ran.stderr
    assert "Hello, Ada." in ran.stdout + ran.stderr

    approved = orchestrate(tmp_path, "approve", "last")
    assert approved.returncode == ExitCode.OK, approved.stderr

    resumed = orchestrate(tmp_path, "resume", "last", "--yes")
    assert resumed.returncode == ExitCode.OK, resumed.stderr
    assert "Goodbye, Ada." in resumed.stdout + resumed.stderr

    drawn = orchestrate(tmp_path, "graph", "last")
    assert "✓ goodbye" in drawn.stdout


@pytest.mark.usefixtures("home")
def test_wrong_input_is_refused_before_anything_runs(tmp_path: Path) -> None:
    ran = orchestrate(tmp_path, "run", str(HELLO), "--input", "nam=Ada", "--input", "polite=maybe")
    assert ran.returncode == ExitCode.USAGE
    assert "did you mean name?" in ran.stderr
    assert "input polite is true or false" in ran.stderr
