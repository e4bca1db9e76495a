"""`cost` on a stored run."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from orchestrate import wiring
from orchestrate.core.codec import SCHEMA, encode
from orchestrate.core.planning.budget import Budget
from orchestrate.core.sharing.usage import Usage
from orchestrate.ports.store import NewEvent
from orchestrate.ui.cli.cost import cost
from tests.unit.core.running.drive import CODEX, Run, agent_task, used, workflow

USAGE = Usage(
    input_tokens=1_000,
    output_tokens=100,
    turns=2,
    cost_usd=0.003,
    cost_source="prices",
    model="gpt-6-sol",
)


@click.group()
def program() -> None:
    """Stands for the whole command line, whose first word is left out of a command's name."""


program.add_command(cost)


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    """A repository with one run that cost something."""
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    plan = workflow(
        agent_task("plan"), agent_task("build", staff=(CODEX,)), budget=Budget(cost_usd=1.0)
    )
    run = Run(plan).start()
    run.succeed("plan", usage=used(0.25, tokens=500), duration_s=4.0)
    run.succeed("build", usage=USAGE, duration_s=8.0)
    store = wiring.open_store(wiring.open_site(root), create=True)
    events = [NewEvent(type(each).__name__, each.at, SCHEMA, encode(each)) for each in run.events]
    asyncio.run(store.append("r", 0, events))
    store.close()
    return root


def _asked(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["cost", *arguments], catch_exceptions=False)


def _data(*arguments: str) -> Any:
    result = _asked("--json", *arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["schema"], document["command"]) == ("orchestrate/1", "cost")
    return document["data"]


def test_latest_run_is_shown_with_every_figure(repository: Path) -> None:
    data = _data("--repo", str(repository))
    assert data["run"] == "r"
    assert (data["total"]["reported_usd"], data["total"]["computed_usd"]) == (0.25, 0.003)
    assert [row["task"] for row in data["attempts"]] == ["plan", "build"]
    assert data["attempts"][1]["model"] == "gpt-6-sol"
    assert data["budget"] == {"cost_usd": 1.0}
    assert data["left"]["cost_usd"] == pytest.approx(0.747)
    assert len(data["notes"]) == 1
    assert data["notes"][0].startswith("computed from prices of ")


def test_text_says_the_same(repository: Path) -> None:
    text = _asked("r", "--repo", str(repository)).stdout
    assert "plan" in text
    assert "by backend" in text
    assert "cost: 0.2500 USD reported by agents, 0.003000 USD computed from prices" in text
    assert "left: 0.7470 USD" in text


def test_own_prices_are_read_and_a_mistake_in_them_is_named(repository: Path, home: Path) -> None:
    path = wiring.config_home() / "prices.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "version: 1\nprices:\n  - provider: openai\n    as_of: 2026-11-20\n"
        "    source: my contract\n    models:\n      gpt-6-sol: {input: 1, output: 2}\n"
    )
    try:
        assert "my contract" in _data("--repo", str(repository))["notes"][0]
        path.write_text("version: 1\nprices: 3\n")
        result = CliRunner().invoke(program, ["cost", "--repo", str(repository)])
        assert f"{path}:2" in str(result.exception)
    finally:
        path.unlink()
