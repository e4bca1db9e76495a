"""What every containment promises about running one command to its end."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from orchestrate.adapters.system.host import containment_gap
from orchestrate.adapters.system.process_table import every_process
from orchestrate.adapters.system.supervisor import (
    Containment,
    ProcessSupervisor,
    supervisor_command,
)
from orchestrate.ports.process import ProcessOutcome, ProcessSpec, Supervisor
from tests.integration.process_trees import alive, marker, wait_until

LEVELS = [
    pytest.param(
        "pid-namespace",
        marks=pytest.mark.may_skip("containers and policies may refuse namespaces"),
    ),
    "subreaper",
    "process-group",
]
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Containment:
    if request.param == "pid-namespace" and (gap := containment_gap()):
        pytest.skip(f"no PID namespace here: {gap}")
    return cast(Containment, request.param)


@pytest.fixture
def supervisor(level: Containment) -> ProcessSupervisor:
    return ProcessSupervisor(level)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "attempt"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """After every test of this file: no child, no zombie, no open descriptor more than before."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    mine = [process for process in every_process() if process.parent == os.getpid()]
    assert mine == []
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def shell(script: str, **more: Any) -> ProcessSpec:
    fields: dict[str, Any] = {"cwd": "/", "env": PATH, "token": "r1:task:1", "grace_s": 0.3}
    return ProcessSpec(argv=("/bin/sh", "-c", script), **{**fields, **more})


def python(program: str, *arguments: str, **more: Any) -> ProcessSpec:
    argv = (sys.executable, "-I", "-S", "-c", program, *arguments)
    return ProcessSpec(argv=argv, **{"cwd": "/", "env": PATH, "token": "r1:task:1", **more})


def perform(supervisor: Supervisor, spec: ProcessSpec, folder: Path) -> ProcessOutcome:
    return asyncio.run(supervisor.run(spec, folder))


def test_the_fallback_is_chosen_only_when_namespaces_are_refused(folder: Path) -> None:
    outcome = perform(ProcessSupervisor(), shell("exit 0"), folder)
    assert outcome.containment == ("subreaper" if containment_gap() else "pid-namespace")


def test_exit_code_output_and_record_agree(
    supervisor: ProcessSupervisor, level: Containment, folder: Path
) -> None:
    before = time.time()
    outcome = perform(supervisor, shell("echo out; echo err >&2; exit 3"), folder)
    assert (outcome.exit_code, outcome.signal, outcome.stopped, outcome.error) == (3, None, "", "")
    assert outcome.containment == level
    assert outcome.output_bytes == len("out\nerr\n")
    assert before <= outcome.started_at <= time.time()
    assert (folder / "stdout.log").read_text() == "out\n"
    assert (folder / "stderr.log").read_text() == "err\n"
    assert supervisor.recorded(folder, "r1:task:1") == outcome
    assert not outcome.clean


def test_a_clean_end_is_clean_and_leaves_only_its_three_files(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    assert perform(supervisor, shell("cat"), folder).clean
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["outcome.json", "stderr.log", "stdout.log"]


def test_a_signal_is_reported_as_one(supervisor: ProcessSupervisor, folder: Path) -> None:
    outcome = perform(supervisor, shell("kill -USR1 $$"), folder)
    assert (outcome.exit_code, outcome.signal, outcome.stopped) == (None, 10, "")


def test_the_environment_is_what_was_given_and_the_token(
    supervisor: ProcessSupervisor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    given = {"A": "1", "NOT_UTF8": os.fsdecode(b"\xff\xfe"), "NEWLINE": "a\nb"}
    spec = ProcessSpec(argv=("/usr/bin/env", "-0"), cwd="/", env=given, token="tok")
    perform(supervisor, spec, folder)
    seen = (folder / "stdout.log").read_bytes().split(b"\0")
    assert set(seen) == {
        b"A=1",
        b"NOT_UTF8=\xff\xfe",
        b"NEWLINE=a\nb",
        b"ORCHESTRATE_ATTEMPT=tok",
        b"",
    }


def test_standard_input_is_given_whole_then_ends(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    text = "ü line\n" * 3_000_000
    perform(supervisor, shell("wc -c", stdin=text), folder)
    assert int((folder / "stdout.log").read_text()) == len(text.encode())


def test_standard_input_that_nobody_reads_does_not_block(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    assert perform(supervisor, shell("exit 0", stdin="x" * 5_000_000), folder).clean


def test_no_descriptor_signal_or_terminal_setting_is_inherited(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    program = """
import json, os, signal
fds = []
for fd in range(1024):
    try:
        os.fstat(fd)
    except OSError:
        continue
    fds.append(fd)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"fds": fds, "ignored": int(status["SigIgn"], 16),
                  "blocked": int(status["SigBlk"], 16), "leader": os.getsid(0) == os.getpid(),
                  "umask": os.umask(0)}))
"""
    # Python itself ignores SIGPIPE and SIGXFSZ at start-up. 32 and 33 belong to the C library,
    # which lets nobody change them; make leaves them ignored in everything it starts.
    not_ours = (1 << 12) | (1 << 24) | (1 << 31) | (1 << 32)
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    umask = os.umask(0o027)
    try:
        perform(supervisor, python(program), folder)
    finally:
        os.umask(umask)
        os.close(reader)
        os.close(writer)
    seen = json.loads((folder / "stdout.log").read_text())
    assert seen["fds"] == [0, 1, 2]
    assert seen["ignored"] & ~not_ours == 0
    assert seen["blocked"] == 0
    assert seen["leader"]
    assert seen["umask"] == 0o027


def test_files_are_for_the_owner_only(supervisor: ProcessSupervisor, folder: Path) -> None:
    umask = os.umask(0)
    try:
        perform(supervisor, shell("echo x", stdin="y"), folder)
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.parametrize(
    ("argv", "cwd", "words"),
    [
        (("/no/such/program",), "/", "'/no/such/program' cannot be started: No such file"),
        (("no-such-program",), "/", "'no-such-program' cannot be started: No such file"),
        (("/etc/passwd",), "/", "'/etc/passwd' cannot be started: Permission denied"),
        (("/bin/true",), "/no/such/folder", "folder '/no/such/folder' cannot be entered"),
        (("/bin/true", "a\0b"), "/", "embedded null byte"),
        ((), "/", "'' cannot be started: "),
    ],
)
def test_what_cannot_be_started_is_an_error_with_a_reason(
    supervisor: ProcessSupervisor, folder: Path, argv: tuple[str, ...], cwd: str, words: str
) -> None:
    outcome = perform(supervisor, ProcessSpec(argv=argv, cwd=cwd, env=PATH, token="t"), folder)
    assert words in outcome.error
    assert (outcome.exit_code, outcome.signal, outcome.stopped) == (None, None, "")
    assert supervisor.recorded(folder, "t") == outcome


def test_a_folder_that_is_missing_is_an_error_and_not_an_exception(
    supervisor: ProcessSupervisor, tmp_path: Path
) -> None:
    outcome = perform(supervisor, shell("true"), tmp_path / "absent")
    assert "cannot be started" in outcome.error


def test_the_wall_clock_stops_a_command_that_obeys(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    script = "trap 'exit 5' TERM; while :; do sleep 0.01; done"
    outcome = perform(supervisor, shell(script, timeout_s=0.3, grace_s=20), folder)
    assert (outcome.stopped, outcome.exit_code) == ("timeout", 5)
    assert 0.3 <= outcome.duration_s < 10


def test_the_wall_clock_kills_a_command_that_does_not(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    script = "trap '' TERM; while :; do sleep 1; done"
    outcome = perform(supervisor, shell(script, timeout_s=0.2, grace_s=0.2), folder)
    assert (outcome.stopped, outcome.exit_code, outcome.signal) == ("timeout", None, 9)
    assert 0.4 <= outcome.duration_s < 10


def test_a_stopped_process_is_woken_to_end(supervisor: ProcessSupervisor, folder: Path) -> None:
    outcome = perform(supervisor, shell("kill -STOP $$", timeout_s=0.2, grace_s=20), folder)
    assert (outcome.stopped, outcome.signal) == ("timeout", 15)
    assert outcome.duration_s < 10


def test_output_up_to_the_limit_is_no_offence(supervisor: ProcessSupervisor, folder: Path) -> None:
    script = "head -c 600 /dev/zero; head -c 400 /dev/zero >&2"
    outcome = perform(supervisor, shell(script, max_output_bytes=1000), folder)
    assert outcome.clean
    assert outcome.output_bytes == 1000


def test_one_byte_more_is_stopped_and_the_logs_end_at_the_limit(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    script = "head -c 600 /dev/zero; head -c 401 /dev/zero >&2; sleep 600"
    outcome = perform(supervisor, shell(script, max_output_bytes=1000), folder)
    assert outcome.stopped == "output_limit"
    assert outcome.output_bytes == 1000
    sizes = [(folder / name).stat().st_size for name in ("stdout.log", "stderr.log")]
    assert sum(sizes) == 1000


def test_a_gigabyte_does_not_reach_the_disk(supervisor: ProcessSupervisor, folder: Path) -> None:
    script = "trap '' TERM; head -c 1073741824 /dev/zero"
    outcome = perform(supervisor, shell(script, max_output_bytes=1 << 20), folder)
    assert outcome.stopped == "output_limit"
    assert (folder / "stdout.log").stat().st_size == 1 << 20


def test_output_that_cannot_be_kept_stops_the_command(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    """As on a full disk: files may not grow beyond 4096 bytes here, and the outcome fits."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, unlimited[1]))
    try:
        outcome = perform(supervisor, shell("trap '' XFSZ; yes"), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert outcome.error == "the output cannot be kept: File too large"
    assert outcome.output_bytes == 4096
    assert supervisor.recorded(folder, "r1:task:1") == outcome


def test_descendants_left_behind_are_killed_and_counted(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    mark = marker()
    script = f"sleep {mark} & setsid sleep {mark} & (sleep {mark} &) ; exit 0"
    outcome = perform(supervisor, shell(script), folder)
    assert (outcome.exit_code, outcome.stopped, outcome.survivors) == (0, "", 3)
    assert alive(mark) == []


def test_a_descendant_that_holds_the_output_open_does_not_delay_the_end(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    outcome = perform(supervisor, shell("sleep 600 & echo done"), folder)
    assert outcome.duration_s < 10
    assert (folder / "stdout.log").read_text() == "done\n"


def test_cancelling_stops_the_tree_before_it_returns(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    mark = marker()

    async def scenario() -> None:
        script = f"sleep {mark} & setsid sleep {mark} & exec sleep {mark}"
        task = asyncio.create_task(supervisor.run(shell(script), folder))
        await asyncio.to_thread(wait_until, lambda: len(alive(mark)) == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert alive(mark) == []
    outcome = supervisor.recorded(folder, "r1:task:1")
    assert outcome is not None
    assert (outcome.stopped, outcome.signal) == ("cancelled", 15)


def test_cancelling_twice_still_waits_for_the_end(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    mark = marker()

    async def scenario() -> None:
        script = f"trap '' TERM; sleep {mark}; sleep {mark}"
        task = asyncio.create_task(supervisor.run(shell(script, grace_s=0.5), folder))
        await asyncio.to_thread(wait_until, lambda: len(alive(mark)) == 1)
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert alive(mark) == []

    asyncio.run(scenario())


def test_a_cancellation_at_any_early_moment_leaves_nothing(
    supervisor: ProcessSupervisor, tmp_path: Path
) -> None:
    """Strikes before, while and after the supervisor starts; whatever it hits must hold."""
    mark = marker()
    stopped = []

    async def strike(folder: Path, delay_s: float) -> None:
        task = asyncio.create_task(supervisor.run(shell(f"exec sleep {mark}"), folder))
        await asyncio.sleep(delay_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert alive(mark) == []
        outcome = supervisor.recorded(folder, "r1:task:1")
        stopped.append(outcome and outcome.stopped)

    for number in range(16):
        folder = tmp_path / str(number)
        folder.mkdir()
        asyncio.run(strike(folder, number * 0.004))
    assert set(stopped) <= {None, "cancelled"}
    assert "cancelled" in stopped


def test_twelve_run_at_the_same_time(supervisor: ProcessSupervisor, tmp_path: Path) -> None:
    """Each waits until it sees all others, so twelve one after another would time out."""
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    script = f'touch {meeting}/$$-$0; until [ "$(ls {meeting} | wc -l)" = 12 ]; do sleep 0.02; done'

    async def together() -> list[ProcessOutcome]:
        runs = []
        for number in range(12):
            folder = tmp_path / str(number)
            folder.mkdir()
            argv = ("/bin/sh", "-c", script, str(number))
            spec = ProcessSpec(argv=argv, cwd="/", env=PATH, token=f"t{number}", timeout_s=60)
            runs.append(supervisor.run(spec, folder))
        return await asyncio.gather(*runs)

    assert [outcome.clean for outcome in asyncio.run(together())] == [True] * 12


@pytest.mark.parametrize(
    "content",
    [None, b"", b'{"token": "t", "exit_', b"[]", b'{"exit_code": 0}', b"\xff", b'{"token":"u"}'],
)
def test_only_a_whole_outcome_of_the_same_attempt_counts(
    folder: Path, content: bytes | None
) -> None:
    if content is not None:
        (folder / "outcome.json").write_bytes(content)
    assert ProcessSupervisor().recorded(folder, "t") is None


def test_an_earlier_outcome_in_the_folder_is_not_taken_for_the_new_one(
    supervisor: ProcessSupervisor, folder: Path
) -> None:
    assert perform(supervisor, shell("exit 1"), folder).exit_code == 1
    assert perform(supervisor, shell("exit 2"), folder).exit_code == 2


def test_sweeping_without_anything_to_sweep_finds_nothing(supervisor: ProcessSupervisor) -> None:
    assert supervisor.sweep(frozenset()) == 0
    assert supervisor.sweep(frozenset({"", "no-such-attempt"})) == 0


def test_sweeping_kills_what_carries_the_token_and_nothing_else() -> None:
    mark, other = marker(), marker()
    mine = subprocess.Popen(["sleep", mark], env={"ORCHESTRATE_ATTEMPT": "sw-1", **PATH})
    bystander = subprocess.Popen(["sleep", other], env={"ORCHESTRATE_ATTEMPT": "sw-10", **PATH})
    try:
        assert ProcessSupervisor().sweep(frozenset({"sw-1"})) == 1
        assert alive(mark) == []
        assert len(alive(other)) == 1
    finally:
        bystander.kill()
        mine.wait()
        bystander.wait()


def test_the_supervisor_process_loads_nothing_but_itself_and_the_standard_library() -> None:
    command = list(supervisor_command())
    spot = command.index("-c") + 1
    command[spot] = command[spot].replace("main()", "import sys; print(*sys.modules)")
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    own = {name for name in loaded if name.partition(".")[0] == "orchestrate"}
    assert {name.rpartition(".")[2] for name in own} == {
        "orchestrate",
        "adapters",
        "system",
        "containment",
        "durable_file",
        "output_logs",
        "process_table",
        "redaction",
        "supervision",
        "supervisor_main",
    }
    rest = {name.partition(".")[0] for name in loaded} - {"orchestrate", "__main__"}
    assert rest <= sys.stdlib_module_names
    assert not rest & {"typing", "subprocess", "asyncio", "pathlib"}  # start-up time
