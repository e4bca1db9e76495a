"""Whole runs in which a script says what agents do: no model, no key, and always said."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from orchestrate.errors import ExitCode, OrchestrateError
from orchestrate.ui.cli.run import run
from tests.e2e.command import Result, log, orchestrate, start, tree, wait_for
from tests.e2e.git_states import git
from tests.e2e.invoked import Invoked
from tests.integration.evidence_projects import BORROWED

pytestmark = pytest.mark.usefixtures("home")

#: No agent's program is there.
BARE_PATH = "/usr/bin:/bin"
WRONG = "def add(a, b):\n    return a - b\n"
MENDED = "def add(a, b):\n    return a + b\n"
MEND = "edit: [{path: calc.py, old: a - b, new: a + b}]"
TASK = (
    "{id: mend, agent: builder, prompt: Mend add., writes: [calc.py], must_change: true,"
    " retry: {max_attempts: 2, backoff: 0.1}%s}"
)


class Rehearsals:
    """A repository, and beside it a workflow and a script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "repository"
        self.root.mkdir()
        git(self.root, "init", "-q")
        (self.root / "calc.py").write_text(WRONG)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "first")
        self.flow = folder / "flow.yaml"
        self.script = folder / "script.yaml"

    def write(self, tasks: list[str], script: str, head: str = "") -> None:
        """A workflow with one phase, and a script with the attempts of each task."""
        listed = "".join(f"      - {task}\n" for task in tasks)
        self.flow.write_text(f"version: 1\nname: w\nphases:\n  - name: p\n    tasks:\n{listed}")
        self.script.write_text(f"version: 1\n{head}tasks:\n{script}")

    @property
    def options(self) -> tuple[str, ...]:
        return (str(self.flow), "--backend", "scripted", "--script", str(self.script))

    def run(self, *more: str) -> Result:
        return self.call("run", *self.options, *more)

    def call(self, *arguments: str, **env: str) -> Result:
        return orchestrate(*arguments, cwd=self.root, env=env)

    def events(self, *names: str) -> list[dict[str, Any]]:
        found = log(self.root / ".git/orchestrate")
        return [each for each in found if each["event"] in names]

    def refused(self, *arguments: str) -> OrchestrateError:
        """Why a run is not begun, in this process."""
        return Invoked(run, *arguments, "--repo", str(self.root)).refusal

    @property
    def causes(self) -> list[str]:
        return [each["cause"] for each in self.events("AttemptFailed")]

    @property
    def performers(self) -> list[tuple[str, str, str]]:
        """Agent, rung and task of each attempt."""
        found = self.events("AttemptStarted")
        return [(each["agent"], each["rung"], each["task"]) for each in found if each["backend"]]

    def result(self, path: str) -> str:
        """A file of the branch a run left."""
        branches = git(self.root, "for-each-ref", "--format=%(refname)", "refs/heads/orchestrate")
        return git(self.root, "show", f"{branches.split()[-1]}:{path}")


@pytest.fixture
def site(tmp_path: Path) -> Rehearsals:
    return Rehearsals(tmp_path)


# -- what is said ------------------------------------------------------------------------------


def test_everything_a_script_did_is_labelled(site: Rehearsals) -> None:
    look = "{id: look, agent: code-reviewer, prompt: Look., needs: [mend]}"
    site.write(
        [TASK % "", look],
        f"  mend:\n    - {MEND}\n      answer: {{summary: Mended it.}}\n"
        "      usage: {output_tokens: 9}\n  look:\n    - {}\n",
    )
    done = site.run()
    assert done.code == 0, done
    assert f"scripted (scripted: no model, by {site.script})" in done.err
    assert "mend started by builder (scripted)" in done.err
    assert "(9 tokens, 0.0000 USD, scripted)" in done.err
    assert "scripted: Mended it." in done.err
    assert "scripted  no model did mend, look" in done.out
    messages = git(site.root, "log", "--all", "--format=%B")
    assert "mend: scripted: Mended it." in messages
    assert "Done-by: scripted: no model" in messages
    assert "scripted: Mended it." in site.call("show").out
    assert "0.00 USD scripted" in site.call("cost").out
    text = site.call("pull-request", "--print").out
    assert text.startswith("(scripted) w")
    assert "Scripted: no model did `mend`, `look`" in text
    assert "nothing: no model was asked" in text
    assert site.result("calc.py") == MENDED
    assert (site.root / "calc.py").read_text() == WRONG


def test_doctor_lists_programs_and_so_no_script(site: Rehearsals) -> None:
    named = {line.split()[1] for line in site.call("doctor").out.splitlines() if line.split()[1:]}
    assert {"claude", "codex"} <= named
    assert "scripted" not in named


def test_dry_run_shows_the_script_and_touches_nothing(site: Rehearsals) -> None:
    site.write([TASK % ""], f"  mend:\n    - {MEND}\n")
    before = tree(site.root)
    done = site.run("--dry-run")
    assert done.code == 0, done
    assert "mend  builder (scripted)" in done.out
    assert "scripted: no model" in done.out
    assert "nothing was started" in done.out
    assert tree(site.root) == before


# -- who is asked ------------------------------------------------------------------------------


def test_script_alone_is_never_a_reason_to_use_it(
    site: Rehearsals, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write([TASK % ""], f"  mend:\n    - {MEND}\n")
    monkeypatch.setenv("PATH", BARE_PATH)
    named = site.refused(str(site.flow), "--script", str(site.script))
    assert (named.exit_code, named.message[:32]) == (
        ExitCode.USAGE,
        "nobody would perform the script ",
    )
    monkeypatch.setenv("ORCHESTRATE_SCRIPT", str(site.script))
    none = site.refused(str(site.flow))
    assert none.exit_code == ExitCode.CONFIGURATION
    assert "this needs a coding agent" in none.message
    assert "scripted" not in none.message
    monkeypatch.setenv("ORCHESTRATE_BACKEND", "scripted")
    chosen = site.refused(str(site.flow))
    assert chosen.exit_code == ExitCode.CONFIGURATION
    assert "setting backend" in chosen.message


def test_script_comes_from_the_user_and_not_from_a_project(site: Rehearsals, home: Path) -> None:
    site.write([TASK % ""], f"  mend:\n    - {MEND}\n")
    command = (str(site.flow), "--backend", "scripted")
    project = site.root / ".orchestrate/settings.yaml"
    project.parent.mkdir()
    project.write_text(f"script: {site.script}\n")
    refusal = site.refused(*command)
    assert (refusal.exit_code, refusal.remedy) == (ExitCode.USAGE, "add --script FILE")
    user = home / ".config/orchestrate/settings.yaml"
    user.parent.mkdir(parents=True)
    user.write_text(f"script: {os.path.relpath(site.script, user.parent)}\n")
    assert site.call("run", *command).code == 0


def test_task_that_names_the_script_is_scripted_without_an_option(site: Rehearsals) -> None:
    site.write([TASK % ", backend: scripted"], f"  mend:\n    - {MEND}\n")
    assert "there is no script" in site.refused(str(site.flow)).message
    env = {"PATH": BARE_PATH, "ORCHESTRATE_SCRIPT": str(site.script)}
    done = site.call("run", str(site.flow), **env)
    assert done.code == 0, done
    assert site.result("calc.py") == MENDED


def test_rehearsal_asks_no_model_that_a_task_names(site: Rehearsals) -> None:
    named = ", backend: claude, alternatives: [validator-test-runner@codex]"
    site.write([TASK % named], f"  mend:\n    - fail: refusal\n    - {MEND}\n")
    done = site.run()
    assert done.code == 0, done
    assert site.performers == [
        ("builder", "same", "mend"),
        ("validator-test-runner", "alternative", "mend"),
    ]
    # The script says nothing of usage.
    assert "used no paid agent" in site.call("cost").out


# -- mistakes ----------------------------------------------------------------------------------


def test_task_without_a_script_is_named_before_anything_begins(site: Rehearsals) -> None:
    site.write([TASK % ""], "  mnd:\n    - {}\n")
    refusal = site.refused(*site.options)
    assert refusal.exit_code == ExitCode.DEFINITION
    assert "says nothing of task mend" in refusal.message
    assert not (site.root / ".git/orchestrate").exists()


def test_mistake_in_a_script_is_told_with_its_line(site: Rehearsals) -> None:
    site.write([TASK % ""], "  mend:\n    - fial: crash\n")
    refusal = site.refused(*site.options)
    assert refusal.exit_code == ExitCode.DEFINITION
    assert refusal.message == f"{site.script}:4: unknown key 'fial'"
    assert refusal.remedy == "did you mean fail?"


def test_attempt_that_is_not_written_fails_and_can_be_added(site: Rehearsals) -> None:
    site.write([TASK % ""], "  mend:\n    - fail: crash\n")
    done = site.run()
    assert done.code == ExitCode.RUN_FAILED
    assert "script.yaml has 1 attempts for task mend, and this is number 2" in done.err
    site.script.write_text(site.script.read_text() + f"    - {MEND}\n")
    assert site.call("resume", "--yes").code == 0
    assert site.result("calc.py") == MENDED


# -- the ladder --------------------------------------------------------------------------------


@pytest.mark.slow
def test_same_agent_goes_on_in_its_workspace_after_each_failure(site: Rehearsals) -> None:
    task = (TASK % ", timeout: 2s").replace("max_attempts: 2", "max_attempts: 5")
    site.write(
        [task],
        "  mend:\n    - fail: crash\n    - fail: timeout\n    - {}\n"
        f"    - {MEND}\n      fail: bad_output\n"
        "    - edit: [{path: calc.py, old: a + b, new: b + a}]\n",
    )
    done = site.run()
    assert done.code == 0, done
    assert site.causes == ["crash", "timeout", "empty_diff", "bad_output"]
    assert {rung for _, rung, _ in site.performers} == {"same"}
    assert site.result("calc.py") == MENDED.replace("a + b", "b + a")


def test_rate_limit_is_waited_out_and_held_against_nobody(site: Rehearsals) -> None:
    limited = "    - fail: rate_limit\n      retry_after_s: 1\n"
    site.write([TASK % ""], f"  mend:\n{limited}{limited}    - {MEND}\n")
    done = site.run()
    assert done.code == 0, done
    assert site.causes == ["rate_limit", "rate_limit"]


def test_refusal_goes_to_the_alternative_and_then_to_the_architect(site: Rehearsals) -> None:
    helped = ", alternatives: [validator-test-runner], escalate: architect"
    site.write(
        [TASK % helped],
        "  mend:\n    - fail: refusal\n    - answer: {outcome: cannot, reason: I do not see it.}\n"
        f"    - answer: {{summary: Turn the sign.}}\n    - {MEND}\n",
    )
    done = site.run()
    assert done.code == 0, done
    assert site.causes == ["refusal", "refusal"]
    assert [agent for agent, _, _ in site.performers] == [
        *("builder", "validator-test-runner", "architect", "builder")
    ]
    assert "scripted: I do not see it." in done.err


def test_what_is_too_much_is_split_over_a_list(site: Rehearsals) -> None:
    parts = '[{"key": "a", "writes": "a.txt"}, {"key": "b", "writes": "b.txt"}]'
    site.write(
        [
            f"{{id: list, run: 'printf %s ''{parts}'' > \"$ORCHESTRATE_OUTPUTS/parts.json\"',"
            " outputs: [{name: parts, path: parts.json, media_type: application/json}]}",
            "{id: grow, agent: builder, needs: [list], prompt: Grow., writes: [a.txt, b.txt],"
            " split: tasks.list.outputs.parts}",
        ],
        "  grow:\n    - fail: bad_request\n  grow.a:\n    - write: {a.txt: a}\n"
        '  "grow.*":\n    - write: {b.txt: b}\n',
    )
    done = site.run()
    assert done.code == 0, done
    assert site.causes == ["bad_request"]
    assert (site.result("a.txt"), site.result("b.txt")) == ("a", "b")


def test_last_rung_is_a_person(site: Rehearsals) -> None:
    site.write([TASK % ", hand_over: {deadline: 8h}"], "  mend:\n    - fail: login\n")
    done = site.run()
    assert done.code == ExitCode.WAITING
    assert "task mend waits for a person" in done.err


def test_members_of_a_group_are_scripted_by_pattern(site: Rehearsals) -> None:
    items = '[{"key": "one", "writes": "one.txt"}, {"key": "two", "writes": "two.txt"}]'
    site.write(
        [
            f"{{id: list, run: 'printf %s ''{items}'' > \"$ORCHESTRATE_OUTPUTS/items.json\"',"
            " outputs: [{name: items, path: items.json, media_type: application/json}]}",
            "{id: add, agent: builder, needs: [list], prompt: Add., writes: true,"
            " each: {list: tasks.list.outputs.items}}",
        ],
        '  "add.*":\n    - run: echo "$ORCHESTRATE_TASK" > "$ORCHESTRATE_ITEM_WRITES"\n',
    )
    done = site.run()
    assert done.code == 0, done
    assert site.result("one.txt") == "add.one\n"
    assert site.result("two.txt") == "add.two\n"


# -- money, crashes ----------------------------------------------------------------------------


def test_budget_is_rehearsed_with_amounts_that_nobody_pays(site: Rehearsals) -> None:
    task = "{id: t%d, agent: builder, prompt: Look.%s}"
    dear = "    - usage: {input_tokens: 100, cost_usd: 0.6}\n"
    needs = ["", ", needs: [t1]", ", needs: [t2]"]
    tasks = [task % (number, need) for number, need in enumerate(needs, 1)]
    site.write(tasks, f'  "t*":\n{dear}', head="bill: true\n")
    done = site.run("--budget-usd", "1.3")
    assert done.code == ExitCode.BUDGET, done
    assert "counts against budgets, and is not spent" in done.err
    assert [task for _, _, task in site.performers] == ["t1", "t2"]
    cost = site.call("cost").out
    assert "1.20 USD made up by a script, and not spent" in cost
    assert "1.2000 USD scripted" in site.call("explain").out
    resumed = site.call("resume", "--yes", "--budget-usd", "5")
    assert resumed.code == 0, resumed
    data = site.call("cost", "--json").data
    assert data["total"]["scripted_usd"] == 1.8
    assert data["total"]["reported_usd"] == 0
    assert data["charged"]["cost_usd"] == 1.8


def test_killed_driver_is_resumed_in_the_middle_of_an_attempt(site: Rehearsals) -> None:
    site.write(
        [TASK % ""],
        f"  mend:\n    - run: echo made >> count.txt\n      wait_for: go\n      {MEND}\n",
    )
    driver = start("run", *site.options, cwd=site.root)
    try:
        logs = site.root / ".git/orchestrate/runs"
        wait_for("the attempt to wait", lambda: _waiting(logs))
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()
    (site.folder / "go").touch()
    resumed = site.call("resume", "--yes")
    assert resumed.code == 0, resumed
    assert site.result("calc.py") == MENDED
    assert site.result("count.txt") == "made\n"
    assert len(site.performers) == 2


def _waiting(runs: Path) -> bool:
    return any("waits for" in log.read_text() for log in runs.glob("*/attempts/mend.1/stdout.log"))


# -- bugfix ------------------------------------------------------------------------------------

TESTS = "from calc import add\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
BUG = """\
version: 1
tasks:
  impact:
    - outputs: {impact: "calc.py:2 subtracts.\\n"}
      answer: {summary: It subtracts., cause: calc.py:2, suspects: []}
  regression:
    - write:
        test_add.py: |
          from calc import add


          def test_add_of_two_numbers():
              assert add(2, 3) == 5
      outputs: {report: It is red.}
      answer: {summary: One test., tests: ["test_add.py::test_add_of_two_numbers"]}
  fix:
    - edit: [{path: calc.py, old: a - b, new: a * b}]
      outputs: {fix: Multiplied.}
    - edit: [{path: calc.py, old: a * b, new: a + b}]
      outputs: {fix: Added.}
      answer: {summary: It adds now.}
  review:
    - answer: {summary: No remarks., remarks: "[]", blocking: []}
    - answer: {summary: No remarks., remarks: [], blocking: []}
"""


@pytest.mark.slow
def test_bug_is_fixed_by_a_script_that_is_wrong_first(site: Rehearsals) -> None:
    (site.root / "test_calc.py").write_text(TESTS)
    git(site.root, "add", "-A")
    git(site.root, "commit", "-q", "-m", "tests")
    site.script.write_text(BUG)
    done = site.call(
        *("bugfix", "add subtracts", "--trust-repo", *site.options[1:]), ORCHESTRATE_SETUP=BORROWED
    )
    assert done.code == 0, done
    assert done.out.startswith("fixed: its test fails without the change and passes with it\n")
    assert "scripted  no model did impact, regression, fix, review" in done.out
    assert "red for the right reason" in done.out
    assert "cost      nothing: no model was asked" in done.out
    (returned,) = site.events("WorkReturned")
    assert (returned["task"], returned["cause"]) == ("fix", "checks_failed")
    assert site.causes == ["bad_output"]
    assert site.result("calc.py") == MENDED
    assert (site.root / "calc.py").read_text() == WRONG
