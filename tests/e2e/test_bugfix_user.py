"""`bugfix` as a user calls it: its options, its questions, and what it refuses before it begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agents import MENDED, PROGRAMS, Bench
from tests.e2e.bugfixes import PROJECT, RED, RED_TEST, bugfix_roles
from tests.e2e.command import Result, tree
from tests.integration.evidence_projects import BORROWED

pytestmark = [pytest.mark.agents, pytest.mark.slow]

REPORT = "add subtracts"
PHASES = ["baseline", "investigation", "resolution", "verification"]
TASKS = ["base", "impact", "regression", "fix", "change", "review"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A user with both programs, and a project with a bug in it."""
    roles = bugfix_roles(RED, ({"calc.py": MENDED},), (RED_TEST,))
    with Bench(tmp_path, claude=roles, codex=roles) as found:
        found.environ["ORCHESTRATE_SETUP"] = BORROWED
        found.commit("a project with tests", PROJECT)
        yield found


def everything(bench: Bench) -> tuple[set[str], dict[str, bytes]]:
    """All folders and files of the user: repository, its .git, home, state, configuration."""
    folders = {str(path) for path in bench.folder.rglob("*") if path.is_dir()}
    return folders, tree(bench.folder)


def plan(bench: Bench, *options: str) -> Any:
    """What --dry-run says would be done."""
    done = bench.call("bugfix", REPORT, "--dry-run", "--json", *options)
    assert done.code == 0, done
    return done.data


def gates(workflow: Any, phase: str) -> list[str]:
    """The names of a phase's gates."""
    (found,) = [each for each in workflow["phases"] if each["name"] == phase]
    return [gate["name"] for gate in found.get("gates", ())]


def test_dry_run_says_who_does_what_at_what_cost_and_touches_nothing(bench: Bench) -> None:
    before = everything(bench)
    found = plan(bench, "--budget-usd", "3")
    assert [phase["name"] for phase in found["workflow"]["phases"]] == PHASES
    assert (found["attempts"], found["budget_usd"]) == (4, 3.0)
    performers = {each["task"]: each for each in reversed(found["performers"])}
    assert set(performers) == {"impact", "regression", "fix", "review"}
    assert "write" not in performers["review"]["abilities"]
    assert "write" in performers["fix"]["abilities"]
    text = bench.call("bugfix", REPORT, "--dry-run", "--backend", "codex")
    assert text.code == 0, text
    assert "(codex)" in text.out
    assert "nothing was started and nothing was written" in text.out
    assert everything(bench) == before
    assert bench.server.log() == ()


RESHAPED: dict[tuple[str, ...], tuple[list[str], list[str]]] = {
    ("--phases", "baseline,investigation"): (PHASES[:2], TASKS[:3]),
    ("--phases=inv,res",): (PHASES[1:3], ["impact", "regression", "fix"]),
    ("--parallel",): (PHASES, TASKS),
    ("--parallel=impact+regression",): (PHASES, TASKS),
    ("--sequential",): (PHASES, TASKS),
    ("--parallel-limit", "2"): (PHASES, TASKS),
}


@pytest.mark.parametrize("options", RESHAPED, ids=" ".join)
def test_options_reshape_the_plan(bench: Bench, options: tuple[str, ...]) -> None:
    workflow = plan(bench, *options)["workflow"]
    phases, tasks = RESHAPED[options]
    assert [phase["name"] for phase in workflow["phases"]] == phases
    assert [task["id"] for task in workflow["tasks"]] == tasks
    assert (workflow["limits"].get("max_parallel") == 1) is (options == ("--sequential",))


def test_only_the_agents_that_are_named_take_part(bench: Bench) -> None:
    found = plan(bench, "--agents", "architect,builder")
    assert {each["agent"].partition("-")[0] for each in found["performers"]} == {
        "architect",
        "builder",
    }


def test_gates_are_added_where_they_are_asked_for(bench: Bench) -> None:
    plain = plan(bench)["workflow"]
    strict = plan(bench, "--if-tests-pass", "--require-security-approval")["workflow"]
    for phase in ("resolution", "verification"):
        assert {*gates(strict, phase)} - {*gates(plain, phase)} >= {"tests-pass"}
    assert "security-approval" in gates(strict, "verification")


def test_parallel_leaves_the_request_alone(bench: Bench) -> None:
    done = bench.call("bugfix", "--parallel", REPORT, "--dry-run", "--json")
    assert done.code == 0, done


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--parallel", "--sequential"), "exclude each other"),
        (("--parallel=investigation+verification",), "cannot run beside"),
        (("--phases", "cooking"), "cooking"),
        (("--agents", "nobody"), "nobody"),
        (("--budget-usd", "0"), "budget-usd"),
        (("--budget-turns", "0"), "budget-turns"),
        (("--budget-time", "0s"), "with no time nothing can be done"),
        (("--budget-time", "soon"), "'soon' is not a duration; write it as in 90s, 5m or 1h30m"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be_are_refused(
    bench: Bench, options: tuple[str, ...], said: str
) -> None:
    before = everything(bench)
    done = bench.call("bugfix", REPORT, "--trust-repo", "--yes", *options)
    assert done.code == 2, done
    assert said in done.err
    assert everything(bench) == before


@pytest.mark.parametrize("options", [(), ("--trust-repo", "--yes")], ids=["new", "willing"])
def test_with_no_agent_installed_it_says_in_three_lines_what_to_install(
    bench: Bench, options: tuple[str, ...]
) -> None:
    folders = bench.environ["PATH"].split(os.pathsep)
    bench.environ["PATH"] = os.pathsep.join(
        folder for folder in folders if not any(Path(folder, name).exists() for name in PROGRAMS)
    )
    before = everything(bench)
    done = bench.call("bugfix", REPORT, *options)
    assert done.code == 4, done
    lines = done.err.splitlines()[1:]
    assert len(lines) == 3, done
    assert "claude: install:" in lines[0]
    assert "codex: install:" in lines[1]
    assert "orchestrate doctor" in lines[2]
    assert everything(bench) == before


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ((), "--trust-repo"),
        (("--yes",), "--trust-repo"),
        (("--budget-usd", "1"), "--trust-repo"),
        (("--trust-repo",), "--budget-usd"),
    ],
    ids=["nothing", "money only", "budget only", "trust only"],
)
def test_without_a_terminal_trust_and_money_have_to_be_given(
    bench: Bench, options: tuple[str, ...], remedy: str
) -> None:
    before = everything(bench)
    done = bench.call("bugfix", REPORT, *options)
    assert done.code == 4, done
    assert remedy in done.err.splitlines()[-1]
    assert everything(bench) == before
    assert bench.server.log() == ()


def test_nothing_is_published_before_a_person_approves(bench: Bench) -> None:
    done = bench.call(
        *("bugfix", REPORT, "--trust-repo", "--budget-usd", "1", "--json", "--sequential"),
        *("--phases", "baseline,investigation,resolution"),
        *("--if-tests-pass", "--require-security-approval"),
    )
    assert done.code == 7, done
    run, gate = done.data["run"], "resolution/security-approval"
    assert f"orchestrate approve {run} {gate}" in done.err
    states = {each["gate"]: each["status"] for each in done.data["gates"]}
    assert states["resolution/tests-pass"] == "passed"
    assert states[gate] == "open"
    assert done.data["branch"] == ""
    assert _most_at_once(bench) == 1
    asked = len(bench.asked("claude"))

    assert bench.call("approve", run, gate, "--reason", "read").code == 0
    again: Result = bench.call("resume", run, "--yes", "--json")
    assert again.code == 0, again
    (decided,) = [each for each in again.data["gates"] if each["gate"] == gate]
    assert (decided["status"], decided["by"]) == ("passed", "ada")
    assert bench.file(again.data["branch"], "calc.py") == MENDED
    assert len(bench.asked("claude")) == asked


def _most_at_once(bench: Bench) -> int:
    """The most attempts that were at work at one moment."""
    most = live = 0
    for event in bench.events():
        live += event["event"] == "AttemptStarted"
        live -= event["event"] in ("AttemptSucceeded", "AttemptFailed")
        most = max(most, live)
    return most
