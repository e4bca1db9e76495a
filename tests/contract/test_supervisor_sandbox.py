"""What a process that is not to reach the network, or to fill the disk, can and cannot do."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from orchestrate.adapters.system.host import containment_gap
from orchestrate.adapters.system.output_logs import Tail
from orchestrate.adapters.system.supervisor import Containment, ProcessSupervisor
from orchestrate.ports.process import ProcessOutcome, ProcessSpec
from tests.integration.process_trees import alive, marker

NAMESPACES = pytest.mark.may_skip("containers and policies may refuse namespaces")
LEVELS = ["pid-namespace", "subreaper", "process-group"]
#: Reaches for 192.0.2.1 (TEST-NET-1) and 2001:db8::1 (documentation): nobody is ever there.
REACHES = {
    "tcp4": "s(AF_INET, SOCK_STREAM).connect(('192.0.2.1', 80))",
    "tcp6": "s(AF_INET6, SOCK_STREAM).connect(('2001:db8::1', 80))",
    "udp4": "s(AF_INET, SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 80))",
    "udp6": "s(AF_INET6, SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 80))",
    "multicast": "s(AF_INET, SOCK_DGRAM).sendto(b'x', ('224.0.0.251', 5353))",
    "name": "getaddrinfo('name.invalid', 80)",
}


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Containment:
    if gap := containment_gap():
        pytest.skip(f"no namespaces here: {gap}")
    return cast(Containment, request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "attempt"
    path.mkdir()
    return path


def python(program: str, **more: Any) -> ProcessSpec:
    argv = (sys.executable, "-I", "-S", "-c", program)
    fields: dict[str, Any] = {"cwd": "/", "token": "t", "grace_s": 0.3, "network": False}
    return ProcessSpec(argv=argv, **{**fields, **more})


def shell(script: str, **more: Any) -> ProcessSpec:
    fields: dict[str, Any] = {"cwd": "/", "token": "t", "grace_s": 0.3}
    env = {"PATH": "/usr/bin:/bin"}
    return ProcessSpec(argv=("/bin/sh", "-c", script), env=env, **{**fields, **more})


def perform(spec: ProcessSpec, folder: Path, level: Containment | None = None) -> ProcessOutcome:
    return asyncio.run(ProcessSupervisor(level).run(spec, folder))


@NAMESPACES
@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
def test_what_reaches_out_is_refused_and_counted(folder: Path, reach: str) -> None:
    if gap := containment_gap():
        pytest.skip(f"no namespaces here: {gap}")
    program = f"from socket import *\ns = socket\ntry:\n    {reach}\nexcept OSError:\n    pass\n"
    outcome = perform(python(program), folder)
    assert outcome.clean, (folder / "stderr.log").read_text()
    assert outcome.network == "loopback only"
    assert outcome.refused_connections is not None
    assert outcome.refused_connections >= 1


@NAMESPACES
def test_a_server_outside_cannot_be_reached_and_one_inside_can(
    level: Containment, folder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        program = f"""
import socket
inside = socket.create_server(("127.0.0.1", 0))
socket.create_connection(inside.getsockname()).close()
try:
    socket.create_connection(("127.0.0.1", {outside.getsockname()[1]}))
except ConnectionRefusedError:
    print("refused")
"""
        outcome = perform(python(program), folder, level)
        outside.settimeout(0.05)
        with pytest.raises(TimeoutError):
            outside.accept()
    assert outcome.clean, (folder / "stderr.log").read_text()
    assert (folder / "stdout.log").read_text() == "refused\n"
    assert (outcome.network, outcome.refused_connections) == ("loopback only", 0)


@NAMESPACES
def test_there_is_a_loopback_and_no_other_interface(level: Containment, folder: Path) -> None:
    program = "import json, socket; print(json.dumps(socket.if_nameindex()))"
    assert perform(python(program), folder, level).clean
    names = [name for _, name in json.loads((folder / "stdout.log").read_text())]
    with_driver = {"sit0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0"}
    assert "lo" in names
    assert set(names) - {"lo"} <= with_driver | {"ip6gre0"}  # made by modules, and down


@NAMESPACES
def test_attempts_of_what_was_stopped_are_counted_as_well(level: Containment, folder: Path) -> None:
    program = """
import signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    socket.create_connection(("192.0.2.1", 80))
except OSError:
    pass
time.sleep(600)
"""
    outcome = perform(python(program, timeout_s=1.0), folder, level)
    assert (outcome.stopped, outcome.refused_connections) == ("timeout", 1)


@NAMESPACES
def test_what_is_left_behind_has_no_network_either(level: Containment, folder: Path) -> None:
    mark = marker()
    outcome = perform(shell(f"setsid sleep {mark} & exit 0", network=False), folder, level)
    assert (outcome.exit_code, outcome.survivors) == (0, 1)
    assert outcome.network == "loopback only"
    assert alive(mark) == []


def test_with_the_network_nothing_is_said_about_it(folder: Path) -> None:
    outcome = perform(shell("exit 0"), folder)
    assert (outcome.network, outcome.refused_connections) == ("", None)


@pytest.mark.parametrize("limit", [1000, 10_000])
def test_truncated_output_keeps_its_beginning_and_its_end(folder: Path, limit: int) -> None:
    script = "echo first; head -c 300000 /dev/zero; echo last; echo problem >&2; exit 3"
    spec = shell(script, max_output_bytes=limit, on_output_limit="truncate")
    outcome = perform(spec, folder)
    assert (outcome.exit_code, outcome.stopped) == (3, "")
    stdout = (folder / "stdout.log").read_bytes()
    assert stdout.startswith(b"first\n")
    assert stdout.endswith(b"last\n")
    assert (folder / "stderr.log").read_text() == "problem\n"
    assert outcome.output_bytes <= limit
    written = len("first\n") + 300_000 + len("last\n") + len("problem\n")
    assert outcome.output_bytes + outcome.dropped_bytes == written
    assert b"\n[%d bytes are left out here]\n" % outcome.dropped_bytes in stdout


@pytest.mark.parametrize("size", [999, 1000, 1001, 2000])
def test_output_around_the_limit_loses_nothing_it_need_not(folder: Path, size: int) -> None:
    script = f"head -c {size} /dev/zero | tr '\\0' x"
    outcome = perform(shell(script, max_output_bytes=1000, on_output_limit="truncate"), folder)
    assert outcome.clean
    assert outcome.output_bytes + outcome.dropped_bytes == size
    # Half of the limit is held back for the ends of the two streams; one of them stays empty.
    assert outcome.output_bytes == min(size, 750)


def test_a_tail_is_what_came_last() -> None:
    tail = Tail(10)
    for part in (b"abc", b"defghij", b"", b"klmnopqrstu", b"v"):
        tail.add(part)
    assert tail.take() == b"mnopqrstuv"
    assert tail.dropped == len("abcdefghijkl")


def test_no_file_grows_beyond_the_limit(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "big"
    script = f"trap '' XFSZ; head -c 5000 /dev/zero > '{target}'; echo $?"
    outcome = perform(shell(script, max_file_bytes=4096), folder)
    assert outcome.clean
    assert target.stat().st_size == 4096
    assert (folder / "stdout.log").read_text() == "1\n"


def test_the_limit_on_files_is_not_one_on_the_logs(folder: Path) -> None:
    outcome = perform(shell("head -c 10000 /dev/zero", max_file_bytes=1024), folder)
    assert outcome.clean
    assert (folder / "stdout.log").stat().st_size == 10_000
