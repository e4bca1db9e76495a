"""Looking at runs: logs, earlier states, lists, following, and odd names (A17, D4)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import orchestrate, start, wait_for

pytestmark = pytest.mark.usefixtures("home")

HEAD = "version: 1\nname: flow\nphases:\n  - name: work\n    tasks:\n"
GATE = "    gates: [{name: look, kind: human}]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def flow(root: Path, *commands: str, end: str = "") -> str:
    path = root / "flow.yaml"
    tasks = "".join(
        f"      - {json.dumps({'id': f't{number}', 'run': command})}\n"
        for number, command in enumerate(commands)
    )
    path.write_text(HEAD + tasks + end)
    return str(path)


def test_following_logs_ends_with_the_run_and_loses_no_last_line(repository: Path) -> None:
    command = "echo one; touch begun; until test -e go; do sleep 0.05; done; printf two"
    driver = start("run", flow(repository, command), cwd=repository)
    wait_for("the attempt", (repository / "begun").exists)
    follower = start("logs", "--follow", cwd=repository)
    assert follower.stdout is not None
    assert follower.stdout.readline() == "t0.1 | one\n"
    (repository / "go").touch()
    driver.communicate(timeout=60)
    out, err = follower.communicate(timeout=60)
    assert (out, err, follower.returncode) == ("t0.1 | two\n", "", 0)


def test_logs_of_one_task_mark_what_went_to_stderr(repository: Path) -> None:
    orchestrate("run", flow(repository, "echo no", "echo out; echo err >&2"), cwd=repository)
    done = orchestrate("logs", "last", "t1", cwd=repository)
    assert sorted(done.out.splitlines()) == ["t1.1 ! err", "t1.1 | out"]
    assert orchestrate("logs", "last", "t9", cwd=repository).code == 2


def test_log_cannot_take_over_the_terminal(repository: Path) -> None:
    orchestrate("run", flow(repository, r"printf '\033[2J\rbar\377\n'"), cwd=repository)
    assert orchestrate("logs", cwd=repository).out == "t0.1 | \\x1b[2J\\rbar�\n"


def test_state_at_an_earlier_event_is_as_it_was(repository: Path) -> None:
    orchestrate("run", flow(repository, "true"), cwd=repository)
    kinds = [line.split()[1] for line in orchestrate("events", cwd=repository).out.splitlines()]
    started = kinds.index("AttemptStarted") + 1
    then = orchestrate("show", "--at", str(started), "--json", cwd=repository)
    assert then.data["tasks"][0]["status"] == "running"
    assert then.data["version"] == started
    beyond = orchestrate("show", "--at", str(len(kinds) + 1), cwd=repository)
    assert beyond.code == 2
    assert f"has {len(kinds)} events" in beyond.err
    later = orchestrate("events", "--after", str(len(kinds) - 1), cwd=repository)
    assert [line.split()[1] for line in later.out.splitlines()] == [kinds[-1]]
    assert orchestrate("events", "--after", "999", cwd=repository).out == ""


def test_list_tells_what_can_be_resumed_and_survives_a_damaged_log(repository: Path) -> None:
    done = orchestrate("run", flow(repository, "true"), "--json", cwd=repository).data["run"]
    waits = orchestrate("run", flow(repository, "true", end=GATE), "--json", cwd=repository)
    failed = orchestrate("run", flow(repository, "exit 1"), "--json", cwd=repository)
    lines = orchestrate("list", cwd=repository).out.splitlines()
    assert [line.split()[0] for line in lines] == [failed.data["run"], waits.data["run"], done]
    assert [line.split()[3] for line in lines] == ["failed", "waiting", "completed"]
    resumable = orchestrate("list", "--resumable", cwd=repository).out
    assert done not in resumable
    assert {line.split()[0] for line in resumable.splitlines()} == {
        failed.data["run"],
        waits.data["run"],
    }
    with sqlite3.connect(repository / ".git" / "orchestrate" / "events.db") as db:
        db.execute("UPDATE events SET data = replace(data, 't0', 't9') WHERE stream = 1")
    db.close()
    damaged = orchestrate("list", cwd=repository)
    assert damaged.code == 0, damaged
    assert f"{done}  " in damaged.out.splitlines()[-1]
    assert "unreadable" in damaged.out.splitlines()[-1]
    # And it keeps nobody from working on.
    assert orchestrate("run", flow(repository, "true"), cwd=repository).code == 0


def test_attaching_to_a_finished_run_prints_its_end_and_changes_nothing(repository: Path) -> None:
    first = orchestrate("run", flow(repository, "exit 1"), "--json", cwd=repository)
    before = orchestrate("events", cwd=repository).out
    done = orchestrate("attach", cwd=repository)
    assert done.code == first.code == 1
    assert f"run {first.data['run']} failed" in done.out
    assert orchestrate("events", cwd=repository).out == before


def test_followers_of_a_scan_leave_the_delivery_to_its_driver(tmp_path: Path) -> None:
    """A later look must not put yesterday's baseline over today's."""
    from tests.crash.planted import plant

    root = plant(tmp_path / "planted")
    done = orchestrate("security", "--update-baseline", "baseline.json", cwd=root)
    assert done.code == 0, done
    assert "findings accepted" in done.err
    (root / "baseline.json").write_text("mine now")
    again = orchestrate("attach", cwd=root)
    assert again.code == 0, again
    assert again.out == done.out
    assert (root / "baseline.json").read_text() == "mine now"


def test_nothing_was_ever_run_here(repository: Path) -> None:
    assert orchestrate("list", cwd=repository).code == 0
    for command in ("status", "show", "logs", "events", "explain", "graph", "attach", "resume"):
        done = orchestrate(command, cwd=repository)
        assert done.code == 2, done
        assert "there is no run" in done.err
        assert "Traceback" not in done.err
    assert not (repository / ".git" / "orchestrate").exists()  # looking leaves nothing


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", "ünïcode-日本", "-leading", "$(touch x)", "--json"]
)
def test_repository_may_be_called_anything(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    path = flow(root, "pwd; echo x > $ORCHESTRATE_OUTPUTS/a")
    done = orchestrate("run", path, f"--repo={root}", cwd=tmp_path)
    assert done.code == 0, done
    shown = orchestrate("show", f"--repo={root}", cwd=tmp_path)
    assert shown.code == 0, shown
    assert orchestrate("logs", cwd=root).code == 0
    attempt = next((root / ".git" / "orchestrate" / "runs").glob("*/attempts/t0.1"))
    assert (attempt / "stdout.log").read_text() == f"{root}\n"
    assert not (tmp_path / "x").exists()


def test_task_that_did_not_run_yet_has_no_duration(repository: Path) -> None:
    orchestrate("run", flow(repository, "true", end=GATE), cwd=repository)
    told = orchestrate("show", "last", "t0", cwd=repository).out
    assert "attempts   1" in told
    waiting = HEAD + ('      - {id: a, run: "exit 1"}\n      - {id: b, run: "true", needs: [a]}\n')
    (repository / "flow.yaml").write_text(waiting)
    orchestrate("run", str(repository / "flow.yaml"), cwd=repository)
    assert "took       not started" in orchestrate("show", "last", "b", cwd=repository).out
