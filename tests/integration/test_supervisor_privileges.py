"""Containment for ordinary users, and where the kernel refuses it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.adapters.system.host import containment_gap
from orchestrate.adapters.system.supervisor import supervisor_command
from orchestrate.ports.process import ProcessOutcome, ProcessSpec
from tests.integration.process_trees import (
    STUBBORN_SIZE,
    STUBBORN_TREE,
    alive,
    marker,
    wait_until,
)

NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
DRIVER = str(Path(__file__).with_name("supervised_driver.py"))


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder of an ordinary user, whom pytest's own temporary folders keep out."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    os.chown(folder, 65534, 65534)
    yield folder
    shutil.rmtree(folder)


def nobodys_command() -> list[str]:
    """The supervisor's command line with an interpreter that an ordinary user may execute."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; as an ordinary user all tests show this")
    for interpreter in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [interpreter, *supervisor_command()[1:], "--probe"]
        try:
            done = subprocess.run(command, **NOBODY, capture_output=True, text=True)
        except OSError:
            continue
        if done.returncode == 0 and not done.stdout.strip():
            return command[:-1]
    pytest.skip("no interpreter, or no PID namespace, for an ordinary user")


@pytest.mark.may_skip("needs root, an interpreter others can execute, and user namespaces")
def test_an_ordinary_user_gets_a_namespace_that_dies_with_its_supervisor(
    nobodys_folder: Path,
) -> None:
    mark = marker()
    request = {
        **msgspec.structs.asdict(
            ProcessSpec(
                argv=("/bin/sh", "-c", f"id -u; {STUBBORN_TREE}", "sh", mark),
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                token="nobody",
            )
        ),
        "folder": str(nobodys_folder),
        "driver": os.getpid(),
        "containment": "pid-namespace",
    }
    supervisor = subprocess.Popen(
        nobodys_command(), stdin=subprocess.PIPE, start_new_session=True, env={}, **NOBODY
    )
    assert supervisor.stdin is not None
    with supervisor.stdin as life_line:
        life_line.write(json.dumps(request).encode() + b"\n")
        life_line.flush()
        wait_until(lambda: len(alive(mark)) == STUBBORN_SIZE)
        assert (nobodys_folder / "stdout.log").read_text() == "65534\n"
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
        wait_until(lambda: alive(mark) == [])


def refused_by_kernel(limit: str, level: str, folder: Path, network: bool = True) -> ProcessOutcome:
    """Run one attempt where the kernel grants none of the namespaces that `limit` counts."""
    spec = ProcessSpec(argv=("/bin/echo", "hello"), cwd="/", env={}, token="t", network=network)
    folder.mkdir()
    command = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c"]
    command += [f'echo 0 >/proc/sys/user/{limit} && exec "$@"', "sh", sys.executable, DRIVER]
    command += [level, str(folder), msgspec.json.encode(spec).decode()]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=ProcessOutcome)


@pytest.mark.may_skip("containers and policies may refuse namespaces")
@pytest.mark.parametrize("limit", ["max_pid_namespaces", "max_mnt_namespaces"])
def test_where_a_namespace_is_refused_the_subreaper_takes_over(limit: str, tmp_path: Path) -> None:
    if gap := containment_gap():
        pytest.skip(f"no namespaces to refuse: {gap}")
    outcome = refused_by_kernel(limit, "any", tmp_path / "attempt")
    assert (outcome.containment, outcome.exit_code) == ("subreaper", 0)
    assert (tmp_path / "attempt" / "stdout.log").read_text() == "hello\n"
    assert not (tmp_path / "attempt" / "supervisor.log").exists()


@pytest.mark.may_skip("containers and policies may refuse namespaces")
@pytest.mark.parametrize("limit", ["max_pid_namespaces", "max_mnt_namespaces"])
def test_a_namespace_that_was_insisted_on_and_refused_is_an_error(
    limit: str, tmp_path: Path
) -> None:
    if gap := containment_gap():
        pytest.skip(f"no namespaces to refuse: {gap}")
    outcome = refused_by_kernel(limit, "pid-namespace", tmp_path / "attempt")
    assert outcome.error.startswith("the containment asked for is not available: unshare:")
    assert outcome.exit_code is None
    assert (tmp_path / "attempt" / "stdout.log").read_text() == ""


@pytest.mark.may_skip("containers and policies may refuse namespaces")
@pytest.mark.parametrize("level", ["any", "subreaper"])
def test_where_a_network_namespace_is_refused_the_outcome_says_so(
    level: str, tmp_path: Path
) -> None:
    if gap := containment_gap():
        pytest.skip(f"no namespaces to refuse: {gap}")
    outcome = refused_by_kernel("max_net_namespaces", level, tmp_path / "attempt", network=False)
    assert outcome.exit_code == 0
    assert outcome.network.startswith("not restricted: unshare: ")
    assert outcome.refused_connections is None


@pytest.mark.may_skip("needs root, an interpreter others can execute, and user namespaces")
def test_an_ordinary_user_can_be_without_a_network(nobodys_folder: Path) -> None:
    spec = ProcessSpec(
        argv=("/bin/sh", "-c", "id -u"),
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        token="nobody",
        network=False,
    )
    request = {
        **msgspec.structs.asdict(spec),
        "folder": str(nobodys_folder),
        "driver": os.getpid(),
        "containment": "pid-namespace",
    }
    line = json.dumps(request).encode() + b"\n"
    supervisor = subprocess.Popen(
        nobodys_command(), stdin=subprocess.PIPE, start_new_session=True, env={}, **NOBODY
    )
    assert supervisor.stdin is not None
    with supervisor.stdin as life_line:
        life_line.write(line)
        life_line.flush()
        assert supervisor.wait(60) == 0
    outcome = msgspec.json.decode((nobodys_folder / "outcome.json").read_bytes())
    assert (outcome["network"], outcome["refused_connections"]) == ("loopback only", 0)
    assert (nobodys_folder / "stdout.log").read_text().startswith("65534\n")
