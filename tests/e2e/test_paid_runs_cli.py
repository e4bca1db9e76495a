"""What is settled before a run of paid agents begins, or goes on, and what nothing changes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from orchestrate import wiring
from orchestrate.errors import ConfigurationError, DefinitionError, RequestError
from orchestrate.ui.cli.bugfix import bugfix
from orchestrate.ui.cli.cost import cost
from orchestrate.ui.cli.output import Output
from orchestrate.ui.cli.resume import resume
from orchestrate.ui.cli.run import run
from tests.e2e.command import log
from tests.e2e.git_states import git
from tests.e2e.invoked import Invoked

FLOW = """
version: 1
name: look
inputs: {where: {type: string, required: true}}
phases:
  - name: only
    tasks:
      - {id: look, agent: code-reviewer, prompt: "Look at {{ inputs.where }}."}
"""
#: Nobody but the one who joins conflicting work is an agent.
JOINED = """
version: 1
name: join
resolver: {agent: builder, prompt: Join them.}
phases:
  - name: only
    tasks:
      - {id: a, run: echo a > x, writes: [x]}
      - {id: b, run: echo b > x, writes: [x]}
"""
#: A recorded session that cost 0.054 USD where 0.05 were allowed.
DEAR = Path(__file__).parents[1] / "data" / "agents" / "claude" / "max-budget.jsonl"
#: Says its version, and else what is recorded.
PROGRAM = f"""#!/bin/sh
[ "$1" = --version ] && echo "2.1.329 (Claude Code)" && exit 0
cat {DEAR}
exit 1
"""


class Shop:
    """A user with a stand-in for Claude Code and a key, and a repository of theirs."""

    def __init__(self, folder: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.program = folder / "bin" / "claude"
        self.program.parent.mkdir()
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        # Nothing but what a run needs: this machine may have the real programs.
        (self.program.parent / "git").symlink_to(str(shutil.which("git")))
        patch.setenv("PATH", f"{self.program.parent}:/usr/bin:/bin")
        patch.setenv("ANTHROPIC_API_KEY", "dummy")
        patch.delenv("OPENAI_API_KEY", raising=False)
        self.root = folder / "repository"
        self.root.mkdir()
        git(self.root, "init", "-q", "-b", "main")
        self.add({".orchestrate/workflows/look.yaml": FLOW, "test_a.py": "def test_a(): ...\n"})

    def add(self, files: Mapping[str, str]) -> None:
        """Commit files."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "more")

    def call(self, command: click.Command, *arguments: str) -> Invoked:
        """A command on the repository, without a terminal."""
        return Invoked(command, *arguments, "--repo", str(self.root))

    def look(self, *arguments: str) -> Invoked:
        """`run look`, with its input."""
        return self.call(run, "look", "-i", "where=a.py", *arguments)

    @property
    def site(self) -> wiring.Site:
        """The repository as the program sees it."""
        return wiring.open_site(self.root)

    @property
    def traces(self) -> tuple[Any, ...]:
        """All that could tell of a run: files of the user's home, of the repository, its refs."""
        files = [
            (str(path), path.stat().st_mtime_ns)
            for top in (self.home, self.root)
            for path in sorted(top.rglob("*"))
            if path.is_file() and path.name != "index"  # looking at the status refreshes it
        ]
        return (*files, git(self.root, "for-each-ref"))


@pytest.fixture
def shop(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, home, monkeypatch)


@pytest.mark.parametrize("command", ["run", "bugfix"])
def test_a_dry_run_leaves_no_trace(shop: Shop, command: str) -> None:
    before = shop.traces
    if command == "run":
        done = shop.look("--dry-run", "--trust-repo", "--yes")
    else:
        done = shop.call(bugfix, "it is wrong", "--dry-run", "--trust-repo", "--yes")
    assert done.code == 0, done.error
    assert "nothing was started and nothing was written" in done.out
    assert shop.traces == before


def test_nothing_is_trusted_or_agreed_to_for_a_run_that_cannot_begin(shop: Shop) -> None:
    before = shop.traces
    missing = shop.call(run, "look", "--trust-repo", "--yes")
    assert isinstance(missing.refusal, RequestError | DefinitionError)
    unpaid = shop.look("--trust-repo")
    assert isinstance(unpaid.refusal, ConfigurationError)
    assert "nobody can be asked" in unpaid.refusal.message
    assert shop.traces == before


def test_a_budget_that_the_repositorys_workflow_sets_is_not_the_users_consent(
    shop: Shop,
) -> None:
    limits = "name: look\nlimits: {budget: {cost_usd: 900}}"
    shop.add({".orchestrate/workflows/look.yaml": FLOW.replace("name: look", limits, 1)})
    before = shop.traces
    assert "nobody can be asked" in shop.look().refusal.message
    assert shop.traces == before


@pytest.mark.parametrize("how", ["flag", "setting"])
def test_a_budget_that_the_user_sets_is_their_consent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "setting":
        monkeypatch.setenv("ORCHESTRATE_BUDGET_USD", "0.05")
        assert shop.look().code == 8
    else:
        assert shop.look("--budget-usd", "0.05").code == 8


def test_who_wants_to_hear_nothing_is_shown_all_the_same_what_they_agree_to(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "interactive", True)
    asked: list[str] = []
    monkeypatch.setattr(click, "confirm", lambda question, **_: asked.append(question))
    done = shop.look("--quiet")
    assert "nothing was started" in done.refusal.message
    assert len(asked) == 1 and "at most 4.00 USD" in done.err
    assert not wiring.agreed_to_pay(shop.site)


@pytest.mark.parametrize("wanted", ["nan", "inf", "0", "-1", "1e400"])
def test_a_budget_is_an_amount_of_money(shop: Shop, wanted: str) -> None:
    for done in (
        shop.look("--budget-usd", wanted),
        shop.call(resume, "last", "--budget-usd", wanted),
    ):
        assert isinstance(done.error, click.UsageError), done.error


def test_whoever_joins_work_that_conflicts_is_paid_with_consent_as_well(shop: Shop) -> None:
    shop.add({".orchestrate/workflows/join.yaml": JOINED})
    plan = shop.call(run, "join", "--dry-run")
    assert plan.code == 0 and "builder (claude" in plan.out and "at most 4 with retries" in plan.out
    before = shop.traces
    done = shop.call(run, "join")
    assert "this run costs money" in done.refusal.message
    assert shop.traces == before


def test_a_pull_request_cannot_be_promised_by_a_command_that_leaves(shop: Shop) -> None:
    before = shop.traces
    done = shop.call(bugfix, "it is wrong", "--create-pr", "--detach", "--yes", "--trust-repo")
    assert "--create-pr" in done.refusal.message
    assert shop.traces == before


def test_a_task_for_a_program_that_is_not_there_stops_the_run_before_it_begins(
    shop: Shop,
) -> None:
    shop.add(
        {".orchestrate/workflows/look.yaml": FLOW.replace("prompt:", "backend: codex, prompt:")}
    )
    before = shop.traces
    done = shop.look("--yes")
    assert isinstance(done.refusal, ConfigurationError) and "codex" in done.refusal.message
    assert shop.traces == before


def _out_of_money(shop: Shop) -> Invoked:
    """A run that stands still because an attempt has cost more than it might."""
    done = shop.look("--budget-usd", "0.05")
    assert done.code == 8, (done.error, done.err)
    return done


def test_a_run_is_not_resumed_without_the_program_that_it_needs(shop: Shop) -> None:
    _out_of_money(shop)
    shop.program.unlink()
    before = log(shop.site.state_dir)
    done = shop.call(resume, "last", "--yes", "--budget-usd", "5")
    assert isinstance(done.refusal, ConfigurationError)
    assert "claude" in done.refusal.message and done.refusal.remedy
    assert before and log(shop.site.state_dir) == before


def test_a_run_is_not_resumed_with_prices_that_cannot_be_read(shop: Shop) -> None:
    _out_of_money(shop)
    prices = wiring.config_home() / "prices.yaml"
    prices.parent.mkdir(parents=True, exist_ok=True)
    prices.write_text("version: [")
    before = log(shop.site.state_dir)
    done = shop.call(resume, "last", "--yes", "--budget-usd", "5")
    assert isinstance(done.refusal, ConfigurationError | DefinitionError)
    assert "prices.yaml" in done.refusal.message
    assert before and log(shop.site.state_dir) == before


def test_who_runs_out_of_the_runs_budget_is_told_how_to_give_more(shop: Shop) -> None:
    assert "--budget-usd USD" in _out_of_money(shop).err
    again = shop.call(resume, "last", "--yes")
    assert again.code == 8


def test_who_runs_out_of_a_budget_of_the_workflow_is_told_to_give_that_one_more(
    shop: Shop,
) -> None:
    budget = "agent: code-reviewer, budget: {cost_usd: 0.05},"
    shop.add({".orchestrate/workflows/look.yaml": FLOW.replace("agent: code-reviewer,", budget)})
    done = shop.look("--yes")
    assert done.code == 8, (done.error, done.err)
    more = done.err.rpartition("the budget of task look has")[2]
    assert "--budget-of task:look --budget-usd USD" in more
    assert "budget of task look: 0.0500 USD; left: 0.00 USD" in shop.call(cost).out
    again = shop.call(resume, "--yes", "--budget-of", "task:look", "--budget-usd", "0.05")
    assert again.code == 8, (again.error, again.err)
    assert "the budget of task look of run" in again.err
    assert "is 0.05 USD already" in again.err
