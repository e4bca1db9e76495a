"""Runs from the command line: gates, crashes, signals, commands from elsewhere (A9, B1, B2)."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import kinds, log, orchestrate, processes_with, start, wait_for

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def state_dir(repository: Path) -> Path:
    return repository / ".git" / "orchestrate"


def workflow(repository: Path, text: str) -> str:
    path = repository / "flow.yaml"
    path.write_text(text)
    return str(path)


CHAIN = """
version: 1
name: chain
phases:
  - name: work
    parallel: false
    tasks:
      - {id: first, run: "echo once >> first.count; echo 1"}
      - id: second
        run: |
          echo started >> second.count
          touch ready
          until test -e go; do sleep 0.05; done
      - {id: third, run: "echo once >> third.count"}
"""

GATED = """
version: 1
name: gated
phases:
  - name: work
    tasks:
      - id: only
        run: echo hello > $ORCHESTRATE_OUTPUTS/a.txt
        outputs: [{name: a, path: a.txt}]
    gates:
      - {name: look, kind: human, message: please look}
  - name: after
    tasks:
      - {id: last, run: "echo bye"}
"""


def test_run_completes_and_tells_outputs(repository: Path) -> None:
    flow = workflow(
        repository,
        GATED.replace("kind: human, message: please look", "kind: command, command: 'true'"),
    )
    done = orchestrate("run", flow, "--json", cwd=repository)
    assert done.code == 0, done
    tasks = {item["task"]: item for item in done.data["tasks"]}
    assert tasks["only"]["status"] == "succeeded"
    assert Path(tasks["only"]["outputs"]["a"]).read_text() == "hello\n"
    assert tasks["last"]["summary"] == "bye"


def test_run_waits_at_a_gate_until_a_named_person_approves(repository: Path) -> None:
    flow = workflow(repository, GATED)
    done = orchestrate("run", flow, cwd=repository)
    assert done.code == 7, done
    assert "please look" in done.err
    told = orchestrate("approve", "last", "--json", cwd=repository, env={"ORCHESTRATE_USER": "ada"})
    assert told.code == 0, told
    [gate] = told.data["gates"]
    assert (gate["gate"], gate["kind"], gate["status"]) == ("work/look", "human", "passed")
    assert (gate["by"], gate["reason"]) == ("ada", "")
    assert gate["opened_at"] is not None
    assert orchestrate("resume", "--yes", cwd=repository).code == 0
    assert kinds(log(state_dir(repository))).count("AttemptStarted only") == 1


def test_rejected_gate_fails_the_run_with_name_and_reason(repository: Path) -> None:
    orchestrate("run", workflow(repository, GATED), cwd=repository)
    done = orchestrate(
        "reject", "last", "--reason", "too risky", cwd=repository, env={"ORCHESTRATE_USER": "ada"}
    )
    assert done.code == 0, done
    shown = orchestrate("show", "--json", cwd=repository).data
    assert shown["status"] == "failed"
    assert shown["gates"][0]["by"] == "ada"
    assert shown["gates"][0]["reason"] == "too risky"


def test_killed_driver_loses_and_repeats_nothing_that_was_finished(repository: Path) -> None:
    driver = start("run", workflow(repository, CHAIN), cwd=repository)
    wait_for("the second task", (repository / "ready").exists)
    run = log(state_dir(repository))[0]["run"]
    driver.kill()
    driver.communicate()
    wait_for("nothing to be left", lambda: not processes_with("ORCHESTRATE_ATTEMPT", run))
    listed = orchestrate("list", cwd=repository)
    assert "cut off" in listed.out, listed
    shown = orchestrate("resume", "--preview", "--json", cwd=repository).data
    fates = {line["task"]: line["fate"] for line in shown["lines"]}
    assert fates == {"first": "kept", "second": "again", "third": "blocked"}
    (repository / "go").touch()
    done = orchestrate("resume", "--yes", cwd=repository)
    assert done.code == 0, done
    assert (repository / "first.count").read_text() == "once\n"
    assert (repository / "second.count").read_text() == "started\nstarted\n"
    assert (repository / "third.count").read_text() == "once\n"


def test_resume_asks_and_without_a_terminal_needs_yes(repository: Path) -> None:
    orchestrate("run", workflow(repository, GATED), cwd=repository)
    done = orchestrate("resume", cwd=repository)
    assert done.code == 5
    assert "--yes" in done.err


def test_interrupt_stops_gracefully_and_can_be_resumed(repository: Path) -> None:
    driver = start("run", workflow(repository, CHAIN), cwd=repository)
    wait_for("the second task", (repository / "ready").exists)
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=30)
    assert driver.returncode == 130, err
    events = log(state_dir(repository))
    assert kinds(events)[-2:] == ["RunPaused", "AttemptInterrupted second"]
    assert not processes_with("ORCHESTRATE_ATTEMPT", events[0]["run"])
    (repository / "go").touch()
    assert orchestrate("resume", "--yes", cwd=repository).code == 0


def test_second_interrupt_forces_and_leaves_nothing(repository: Path) -> None:
    stubborn = CHAIN.replace("touch ready", "trap '' TERM INT; touch ready")
    driver = start("run", workflow(repository, stubborn), cwd=repository)
    wait_for("the second task", (repository / "ready").exists)
    run = log(state_dir(repository))[0]["run"]
    driver.send_signal(signal.SIGINT)
    wait_for("the pause", lambda: "RunPaused" in kinds(log(state_dir(repository))))
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=30)
    assert driver.returncode == 130
    wait_for("nothing to be left", lambda: not processes_with("ORCHESTRATE_ATTEMPT", run))
    (repository / "go").touch()
    assert orchestrate("resume", "--yes", cwd=repository).code == 0


def test_detached_run_is_followed_paused_and_resumed_from_elsewhere(repository: Path) -> None:
    begun = orchestrate("run", workflow(repository, CHAIN), "--detach", "--json", cwd=repository)
    assert begun.code == 0, begun
    run = begun.data["run"]
    wait_for("the second task", (repository / "ready").exists)
    assert "driven by process" in orchestrate("status", cwd=repository).out
    follower = start("attach", run, cwd=repository)
    second = start("resume", run, "--yes", cwd=repository)
    assert orchestrate("pause", run, "--reason", "lunch", cwd=repository).code == 0
    (repository / "go").touch()
    out, err = follower.communicate(timeout=60)
    assert "run paused" in err, (out, err)
    assert follower.returncode == 7
    assert "following it" in second.communicate(timeout=60)[1]
    wait_for(
        "the driver to let go",
        lambda: "nobody drives it" in orchestrate("status", cwd=repository).out,
    )
    assert orchestrate("resume", run, "--yes", cwd=repository).code == 0
    assert (repository / "second.count").read_text() == "started\n"


def test_cancel_stops_a_running_attempt(repository: Path) -> None:
    driver = start("run", workflow(repository, CHAIN), cwd=repository)
    wait_for("the second task", (repository / "ready").exists)
    run = log(state_dir(repository))[0]["run"]
    assert orchestrate("cancel", "last", cwd=repository).code == 0
    driver.communicate(timeout=30)
    assert driver.returncode == 1
    assert not processes_with("ORCHESTRATE_ATTEMPT", run)
    assert kinds(log(state_dir(repository)))[-1] == "AttemptCancelled second"
    assert orchestrate("resume", "--yes", cwd=repository).code == 5


def test_cancel_after_a_crash_clears_what_was_left(repository: Path) -> None:
    driver = start("run", workflow(repository, CHAIN), cwd=repository)
    wait_for("the second task", (repository / "ready").exists)
    driver.kill()
    driver.communicate()
    done = orchestrate("cancel", "last", cwd=repository)
    assert done.code == 0, done
    assert kinds(log(state_dir(repository)))[-1] == "AttemptCancelled second"


def test_failed_task_is_retried_as_its_policy_says_then_resumed(repository: Path) -> None:
    flow = workflow(
        repository,
        """
version: 1
name: flaky
phases:
  - name: work
    tasks:
      - id: once
        run: "echo x >> tries; test $(wc -l < tries) -ge 4"
        retry: {max_attempts: 2, backoff: 0.1s, on: [exit]}
""",
    )
    failed = orchestrate("run", flow, cwd=repository)
    assert failed.code == 1, failed
    assert "resume" in failed.err
    again = orchestrate("resume", "--yes", cwd=repository)
    assert again.code == 0, again
    assert (repository / "tries").read_text() == "x\n" * 4


def test_run_ids_may_be_shortened_and_ambiguity_is_named(repository: Path) -> None:
    flow = workflow(repository, GATED)
    first = orchestrate("run", flow, "--json", cwd=repository).data["run"]
    shown = orchestrate("show", first[:3], "--json", cwd=repository)
    assert shown.data["run"] == first
    wrong = orchestrate("show", "zzzzzzz", cwd=repository)
    assert wrong.code == 2
    assert first in wrong.err


def test_environment_of_the_user_does_not_reach_a_task(repository: Path) -> None:
    flow = workflow(
        repository,
        """
version: 1
name: env
phases:
  - name: work
    tasks:
      - {id: show, run: "env > $ORCHESTRATE_OUTPUTS/env", outputs: [{name: env, path: env}]}
""",
    )
    done = orchestrate("run", flow, "--json", cwd=repository, env={"SECRET_TOKEN": "s3cret"})
    seen = Path(done.data["tasks"][0]["outputs"]["env"]).read_text()
    assert "s3cret" not in seen
    assert f"HOME={os.environ['HOME']}" in seen
