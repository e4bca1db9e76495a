"""Real bugs of published packages go through `bugfix`, with the real agent programs, wrong first.

The model is scripted; patch and test come from comparing two published versions when this runs.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from orchestrate import library
from orchestrate.testing.model_server import Tokens
from tests.agent_programs import program
from tests.e2e.agents import FILES, MODELS, PROGRAMS, Bench
from tests.e2e.bugfixes import bugfix_roles
from tests.e2e.command import Result
from tests.e2e.git_states import git
from tests.package_tests import SourceTree
from tests.packages import fetch_sdist, index_settings
from tests.real_bugs import RealBug, derive, pairs

pytestmark = [
    pytest.mark.agents,
    pytest.mark.packages,
    pytest.mark.index,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
#: Longest run in seconds: environments are built in it, on a machine that may have other work.
RUN_TIMEOUT_S = 600

STANDARDS = {"AGENTS.md": "Keep lines short: rule-a1.\n", "CLAUDE.md": "Add no module: rule-c2.\n"}
RULES = ("rule-a1", "rule-c2")
#: What each answer reports; no two sums of them are alike.
TOKENS = {
    "impact": Tokens(1_001, 200, 0, 31),
    "regression": Tokens(2_003, 400, 0, 57),
    "fix": Tokens(4_007, 800, 0, 113),
    "review": Tokens(8_011, 1_600, 0, 229),
}
#: Which steps of each role's script are asked for, all in all.
STEPS = {"impact": [0], "regression": [0, 1], "fix": [0, 1, 2, 3, 4, 5], "review": [0]}


class Fixed(NamedTuple):
    """A run that ended, on the repository of the package's older version."""

    backend: str
    bug: RealBug
    bench: Bench
    done: Result
    untouched: bool

    @property
    def run(self) -> str:
        """The name of the run."""
        return str(self.done.data["run"])

    @property
    def branch(self) -> str:
        """The branch of the run."""
        return str(self.done.data["branch"])

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Events of the run."""
        return self.bench.events(*names, run=self.run)


@pytest.fixture(scope="module", params=pairs(), ids=lambda pair: pair.name)
def buggy(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    user_environment: dict[str, str],
) -> Iterator[tuple[Bench, RealBug]]:
    """The older version of each package in turn, as the repository of somebody at work on it."""
    for name in PROGRAMS:
        program(name)  # or the test is skipped before anything is derived
    bug = derive(request.param)
    test = {bug.test_path: bug.test_text}
    roles = bugfix_roles(test, (bug.spoiled, bug.fixed), tests=bug.tests, tokens=TOKENS)
    folder = tmp_path_factory.mktemp(bug.pair.name)
    with Bench(folder, claude=roles, codex=roles) as bench:
        bench.environ |= index_settings(user_environment)
        for name in FILES:
            (bench.root / name).unlink()
        older = fetch_sdist(bug.pair.name, bug.pair.older)
        shutil.copytree(older, bench.root, dirs_exist_ok=True)
        git(bench.root, "add", "-A", "--force")
        bench.commit("as published", STANDARDS)
        _begin_other_work(bench)
        yield bench, bug


def _begin_other_work(bench: Bench) -> None:
    """A branch, a tag, a stash, and changes that are staged, not staged and not known to git."""
    git(bench.root, "branch", "mine")
    git(bench.root, "tag", "yesterday")
    git(bench.root, "config", "core.commentChar", ";")
    bench.stash("AGENTS.md", "stashed\n")
    (bench.root / "staged.txt").write_text("staged\n")
    git(bench.root, "add", "staged.txt")
    (bench.root / "CLAUDE.md").write_text(STANDARDS["CLAUDE.md"] + "Not committed.\n")
    (bench.root / "untracked.txt").write_text("mine\n")


@pytest.fixture(scope="module", params=PROGRAMS)
def fixed(request: pytest.FixtureRequest, buggy: tuple[Bench, RealBug]) -> Fixed:
    """The bug, fixed through each program in turn; the tests below stand together and share it."""
    bench, bug = buggy
    before = bench.things()
    driver = bench.begin(
        *("bugfix", bug.pair.report, "--trust-repo", "--yes", "--budget-usd", "5"),
        *("--backend", request.param, "--model", MODELS[request.param], "--json"),
    )
    out, err = driver.communicate(timeout=RUN_TIMEOUT_S)
    done = Result(subprocess.CompletedProcess([], driver.returncode, out, err))
    return Fixed(request.param, bug, bench, done, bench.things() == before)


def test_a_real_bug_is_fixed_on_a_branch_and_nothing_else_is_touched(fixed: Fixed) -> None:
    assert fixed.done.code == 0, fixed.done
    assert fixed.done.data["status"] == "completed"
    assert fixed.done.data["audit"] == "passed"
    assert fixed.untouched
    bug, bench = fixed.bug, fixed.bench
    assert set(bench.changed("main", fixed.branch)) == {bug.test_path, *bug.fixed}
    assert bench.file(fixed.branch, bug.test_path) == bug.test_text
    for path, text in bug.fixed.items():
        assert bench.file(fixed.branch, path) == text


def test_its_test_is_red_before_and_green_after(fixed: Fixed, tmp_path: Path) -> None:
    bug = fixed.bug
    red = _checked_out(fixed, "main", tmp_path).run(
        {bug.test_path: bug.test_text}, (bug.test_path,)
    )
    assert set(red.failing) == set(bug.tests)
    green = _checked_out(fixed, fixed.branch, tmp_path).run({}, (bug.test_path,))
    assert not green.failing
    assert set(bug.tests) <= green.passing
    (merged,) = [each for each in fixed.events("WorkMerged") if each["task"] == "fix"]
    (note,) = [check for check in merged["checks"] if check["name"] == "resolution/fixed"]
    assert set(note["tests"]) == set(bug.tests)


def _checked_out(fixed: Fixed, revision: str, folder: Path) -> SourceTree:
    root = folder / revision.rpartition("/")[2]
    git(fixed.bench.root, "clone", "-q", "--branch", revision, ".", str(root))
    return SourceTree(root)


def test_the_wrong_patch_is_sent_back_into_the_session_that_made_it(fixed: Fixed) -> None:
    (returned,) = fixed.events("WorkReturned")
    assert (returned["task"], returned["cause"]) == ("fix", "checks_failed")
    again = fixed.bench.asked(fixed.backend, "fix")[3]
    said = again.texts()
    assert any(name.rpartition("::")[2].partition("[")[0] in said for name in fixed.bug.tests)
    assert "still failing" in said
    # The history is there: the first prompt was not paid a second time to be read from scratch.
    assert said.count("# Task: fix (phase") == 1


def test_each_agent_is_told_its_role_and_the_standards_once_and_is_paid_once(fixed: Fixed) -> None:
    asked = fixed.bench.asked(fixed.backend)
    assert {name: fixed.bench.steps(fixed.backend, name) for name in STEPS} == STEPS
    assert {each.status for each in asked} == {200}
    for each in asked:
        assert [each.texts().count(rule) for rule in RULES] == [1, 1], each.role
    begun = fixed.events("AttemptStarted")
    performers = {each["task"]: each["agent"] for each in begun if "agent" in each}
    for each in asked:
        assert _first_line_of_role(fixed, performers[each.role]) in each.texts()


def _first_line_of_role(fixed: Fixed, agent: str) -> str:
    """Of the file of an agent: one that comes with orchestrate, or was made for this run."""
    made = fixed.bench.root / ".git/orchestrate/agents/archive" / fixed.run / f"{agent}.md"
    path = made if made.is_file() else Path(library.__path__[0]) / "agents" / f"{agent}.md"
    body = path.read_text("utf-8").split("---\n", 2)[2]
    return next(line for line in body.splitlines() if line and not line.startswith("#"))


def test_the_cost_is_what_the_model_told_to_the_token(fixed: Fixed) -> None:
    total = fixed.bench.call("cost", fixed.run, "--json").data["total"]
    told = fixed.bench.told(fixed.backend)
    kinds = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    assert {kind: total[kind] for kind in kinds} == {kind: getattr(told, kind) for kind in kinds}
    assert total["attempts"] == 5
    assert (total["unknown"], total["incomplete"]) == (0, 0)
