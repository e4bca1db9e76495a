"""Every exit code, produced for real, with the JSON document that goes with it.

Two cannot be reached from outside: `budget` (8), because nothing has a budget yet, and `internal`
(70), which would be a defect. tests/unit/ui/test_commands.py holds their place in the table.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrate.errors import ExitCode
from tests.crash.planted import plant
from tests.e2e.command import log, orchestrate, start, wait_for
from tests.e2e.envelope import document, told_error

pytestmark = pytest.mark.usefixtures("home")

OK = """
version: 1
name: ok
phases:
  - name: work
    tasks: [{id: only, run: "echo done"}]
"""
FAILING = OK.replace("echo done", "exit 3")
WAITING = OK + "    gates: [{name: look, kind: human}]\n"
UNKNOWN = OK + "    gates: [{name: check, kind: command, command: 'kill -9 $$'}]\n"
WRONG = OK.replace("tasks:", "taskz:")
LONG = OK.replace("echo done", "touch begun; sleep 600")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def written(root: Path, text: str) -> str:
    path = root / "flow.yaml"
    path.write_text(text)
    return str(path)


def database(root: Path) -> Path:
    return root / ".git" / "orchestrate" / "events.db"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (OK, ExitCode.OK),
        (FAILING, ExitCode.RUN_FAILED),
        (WAITING, ExitCode.WAITING),
        (UNKNOWN, ExitCode.UNCONFIRMED),
    ],
    ids=["ok", "failed", "waiting", "unconfirmed"],
)
def test_run_ends_with_the_code_of_where_it_stands(
    text: str, code: ExitCode, repository: Path
) -> None:
    done = orchestrate("run", written(repository, text), "--json", cwd=repository)
    assert done.code == code, done
    assert document(done)["data"]["workflow"] == "ok"


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("list", "--no-such-option"),
        ("run",),
        ("run", "no-such-workflow"),
        ("run", "no-such-file.yaml"),
        ("security", "text", "--file", "-"),
        ("security", "--fail-on", "worst"),
        ("status", "--repo", "/no/such/folder"),
        ("show",),
        ("agent", "show", "nobody"),
        ("agent",),
    ],
    ids=" ".join,
)
def test_wrong_command_line(arguments: tuple[str, ...], repository: Path) -> None:
    done = orchestrate(*arguments, "--json", cwd=repository)
    assert done.code == ExitCode.USAGE, done
    told_error(done)


def test_wrong_workflow(repository: Path) -> None:
    flow = written(repository, WRONG)
    ran = orchestrate("run", flow, "--json", cwd=repository)
    assert ran.code == ExitCode.DEFINITION, ran
    assert "flow.yaml:6:" in told_error(ran)["message"]
    checked = orchestrate("validate", flow, "--json", cwd=repository)
    assert checked.code == ExitCode.DEFINITION, checked
    assert 6 in [problem["line"] for problem in document(checked)["data"]["problems"]]
    assert not database(repository).exists()  # nothing was begun


def test_wrong_setting(repository: Path) -> None:
    settings = repository / ".orchestrate" / "settings.yaml"
    settings.parent.mkdir()
    settings.write_text("\nmax_parallel: many\n")
    done = orchestrate("run", written(repository, OK), "--json", cwd=repository)
    assert done.code == ExitCode.CONFIGURATION, done
    assert f"{settings}:2: setting max_parallel" in told_error(done)["message"]


def test_run_that_is_not_in_a_state_for_the_command(repository: Path) -> None:
    orchestrate("run", written(repository, OK), cwd=repository)
    before = log(database(repository).parent)
    for command in ("resume", "pause", "cancel"):
        done = orchestrate(command, "last", "--json", cwd=repository)
        assert done.code == ExitCode.CONFLICT, done
        told_error(done)
    assert log(database(repository).parent) == before


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with a finished run, to damage copies of its database."""
    root = tmp_path_factory.mktemp("sealed")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert orchestrate("run", written(root, OK), cwd=root).code == 0
    yield root


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()


def _altered(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE events SET data = replace(data, 'only', 'most') WHERE version = 4")
    db.close()


def _cut(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM events WHERE version = (SELECT max(version) FROM events)")
    db.close()


def _overwritten(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()


@pytest.mark.parametrize("damage", [_newer, _altered, _cut, _overwritten, _foreign])
def test_damaged_store(damage: object, sealed: Path, tmp_path: Path) -> None:
    assert callable(damage)
    root = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(sealed), str(root)], check=True)
    for name in ("events.db-wal", "events.db-shm"):
        (database(root).parent / name).unlink(missing_ok=True)
    damage(database(root))
    before = database(root).read_bytes()
    done = orchestrate("show", "--json", cwd=root)
    assert done.code == ExitCode.STORE, done
    assert told_error(done)["remedy"]
    assert database(root).read_bytes() == before


def test_findings_and_what_could_not_be_confirmed(tmp_path: Path) -> None:
    root = plant(tmp_path / "planted")
    found = orchestrate("security", "--fail-on", "high", "--json", cwd=root)
    assert found.code == ExitCode.FINDINGS, found
    data = document(found)["data"]
    assert data["verdict"]["verdict"] == "failed"
    assert data["findings"]["high"] > 0
    unknown = orchestrate("security", "--fail-on", "critical", "--json", cwd=root)
    assert unknown.code == ExitCode.UNCONFIRMED, unknown
    assert document(unknown)["data"]["verdict"]["verdict"] == "unknown"
    allowed = orchestrate(
        "security", "--fail-on", "critical", "--allow-unknown", "--json", cwd=root
    )
    assert allowed.code == ExitCode.OK, allowed
    assert document(allowed)["data"]["unknown"]  # allowed, and still named


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(which: signal.Signals, repository: Path) -> None:
    driver = start("run", written(repository, LONG), "--json", cwd=repository)
    wait_for("the attempt", (repository / "begun").exists)
    driver.send_signal(which)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == ExitCode.INTERRUPTED, err
    assert '"status": "paused"' in out
    assert "orchestrate resume" in err
