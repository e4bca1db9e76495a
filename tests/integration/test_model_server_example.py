"""The example for users works as it is, and the page shows exactly that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.testing.model_server.scenario_file import read_scenarios
from tests.agent_programs import program

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "test_scripted_agent.py"
PAGE = ROOT / "docs" / "how-to" / "test-with-a-scripted-model.md"


@pytest.mark.agents
def test_example_passes_where_a_user_puts_it(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    path = f"{program('claude').parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE.name],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def yaml_blocks() -> list[str]:
    pages = [PAGE, ROOT / "docs" / "reference" / "model-server.md"]
    return [
        block
        for page in pages
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)
    ]


@pytest.mark.parametrize("block", yaml_blocks())
def test_scenario_files_of_the_pages_can_be_read(block: str, tmp_path: Path) -> None:
    file = tmp_path / "scripted.yaml"
    file.write_text(block)
    (scenario,) = read_scenarios(file)
    assert [role.name for role in scenario.roles] == ["builder"]


def test_page_shows_the_example() -> None:
    assert f"```python\n{EXAMPLE.read_text()}```\n" in PAGE.read_text()
