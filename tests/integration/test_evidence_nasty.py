"""Test suites that misbehave: each gets the right verdict and leaves nothing behind."""

from __future__ import annotations

import asyncio
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrate.adapters.system.host import containment_gap
from orchestrate.core.sharing.evidence import Evidence
from tests.integration.evidence_projects import (
    GOOD_TEST,
    MODULE,
    TOKEN,
    check,
    gather,
    project,
    runner,
    write,
)
from tests.integration.process_trees import alive, carriers, marker, wait_until

NAMESPACES = pytest.mark.may_skip("containers and policies may refuse namespaces")


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process of a check and nothing in the system's temporary folder is there afterwards."""
    temporary = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    temporary.rmdir()
    assert carriers("ORCHESTRATE_ATTEMPT", TOKEN) == []


@pytest.fixture
def namespaces() -> None:
    if gap := containment_gap():
        pytest.skip(f"no namespaces here: {gap}")


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of a server outside of every check's network, which nothing may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server.getsockname()[1]
        with pytest.raises(TimeoutError):
            server.accept()


def with_editable_install(tmp_path: Path, entry: str) -> tuple[Evidence, Path, Path]:
    """Evidence on a broken checkout, in an environment that leads to the user's sound tree.

    `entry` is what the environment's `.pth` file says of the user's tree.
    """
    users = write(tmp_path / "user", {"src/thing/__init__.py": MODULE}) / "src"
    broken = {"src/thing/__init__.py": "def answer():\n    return 0\n"}
    checkout = write(tmp_path / "checkout", {**broken, "tests/test_it.py": GOOD_TEST})
    site = f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    borrowed = next(path for path in sys.path if path.endswith("site-packages"))
    link = tmp_path / "__editable__.thing.pth"
    link.write_text(f"{entry.format(users=users)}\n{borrowed}\n")
    setup = f"'{sys.executable}' -m venv --without-pip .venv && cp '{link}' {site}"
    evidence = asyncio.run(runner(tmp_path, setup=setup).gather(check(tmp_path, checkout)))
    return evidence, users / "thing", checkout


def test_an_editable_install_of_another_tree_does_not_hide_the_checkout(tmp_path: Path) -> None:
    evidence, _, checkout = with_editable_install(tmp_path, "{users}")
    assert evidence.verdict == "failed", evidence
    assert evidence.origin == str(checkout / "src/thing")


def test_where_another_tree_is_imported_all_the_same_the_verdict_is_unknown(tmp_path: Path) -> None:
    """As with the entries of older installers, which put themselves first."""
    entry = "import sys; sys.path.insert(0, '{users}')"
    evidence, other, checkout = with_editable_install(tmp_path, entry)
    assert evidence.verdict == "unknown", evidence
    assert evidence.counts is not None
    assert evidence.counts.passed == 1
    assert str(other) in evidence.cause
    assert str(checkout) in evidence.cause
    assert evidence.origin == str(other)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "verdict"), [(42, "passed"), (0, "failed")])
def test_in_an_environment_of_ours_the_checkout_is_what_is_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int, verdict: str
) -> None:
    """Whatever PYTHONPATH and the user's site lead to."""
    users = write(tmp_path / "user", {"thing/__init__.py": MODULE})
    checkout = write(
        tmp_path / "checkout",
        {
            "src/thing/__init__.py": f"def answer():\n    return {answer}\n",
            "tests/__init__.py": "",
            "tests/test_it.py": """
                import unittest, thing
                class TestIt(unittest.TestCase):
                    def test_answer(self):
                        self.assertEqual(thing.answer(), 42)
                """,
        },
    )
    monkeypatch.setenv("PYTHONPATH", str(users))
    local = runner(tmp_path, setup="")
    command = local.detect(checkout).first("test")
    assert command is not None
    assert command.runner == "unittest"
    evidence = asyncio.run(local.gather(check(tmp_path, checkout, command)))
    assert evidence.verdict == verdict, evidence
    assert evidence.origin == str(checkout / "src/thing")


PHONE = """
    import socket
    def phone():
        socket.create_connection(("127.0.0.1", {port}), timeout=5)
    def far():
        socket.create_connection(("192.0.2.1", 80), timeout=5)
    """


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
def test_a_test_that_needs_the_network_is_unknown_by_name(tmp_path: Path, listener: int) -> None:
    checkout = project(
        tmp_path, "from phone import far\ndef test_far():\n    far()\n", **{"phone.py": PHONE}
    )
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "unknown", evidence
    assert "test_thing.py::test_far" in evidence.cause
    assert any("allow the network" in note for note in evidence.notes)
    assert evidence.environment.network == "loopback only"


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
def test_a_test_that_hides_why_it_failed_is_still_seen_to_reach_out(tmp_path: Path) -> None:
    test = """
        from phone import far
        def test_far():
            try:
                far()
            except OSError:
                reached = False
            assert reached, "no answer"
        def test_near():
            assert thing.answer() == 42
        """
    checkout = project(tmp_path, test, **{"phone.py": PHONE})
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "unknown", evidence
    assert "test_thing.py::test_far" in evidence.cause
    assert "test_near" not in evidence.cause


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
def test_a_failure_of_the_code_is_not_excused_by_another_tests_network(tmp_path: Path) -> None:
    test = """
        from phone import far
        def test_far():
            far()
        def test_near():
            assert thing.answer() == 43
        """
    checkout = project(tmp_path, test, **{"phone.py": PHONE})
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "failed", evidence
    assert "test_thing.py::test_near" in evidence.cause


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
def test_a_test_that_does_not_mind_having_no_network_passes(tmp_path: Path, listener: int) -> None:
    test = """
        from phone import phone, far
        def test_quiet():
            for call in (phone, far):
                try:
                    call()
                except OSError:
                    continue
                raise AssertionError("it was reached")
        """
    source = PHONE.format(port=listener)
    evidence = gather(tmp_path, project(tmp_path, test, **{"phone.py": source}))
    assert evidence.verdict == "passed", evidence
    assert any("refused: 1 by test_thing.py::test_quiet" in note for note in evidence.notes)


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
def test_the_loopback_works_where_the_network_does_not(tmp_path: Path) -> None:
    test = """
        import socket
        def test_loopback():
            with socket.create_server(("localhost", 0)) as server:
                with socket.create_connection(server.getsockname()):
                    server.accept()[0].close()
        """
    assert gather(tmp_path, project(tmp_path, test)).verdict == "passed"


def test_a_check_that_may_use_the_network_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        test = f"""
            import socket
            def test_reach():
                socket.create_connection(("127.0.0.1", {port}), timeout=5).close()
            """
        evidence = gather(tmp_path, project(tmp_path, test), network=True)
    assert evidence.verdict == "passed", evidence
    assert evidence.environment.network == "allowed"


def test_a_daemon_that_a_test_leaves_is_stopped_and_counted(tmp_path: Path) -> None:
    mark = marker()
    test = f"""
        import os, subprocess
        def test_daemon():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.closerange(0, 256)
                    os.execvp("sleep", ["sleep", "{mark}"])
                os._exit(0)
            os.wait()
        """
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "passed", evidence
    assert evidence.survivors == 1
    assert alive(mark) == []


@pytest.mark.slow
def test_a_suite_that_never_ends_is_unknown_and_gone(tmp_path: Path) -> None:
    mark = marker()
    test = f"""
        import signal, subprocess
        def test_for_ever():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                subprocess.run(["sleep", "{mark}"], start_new_session=True)
        """
    started = time.monotonic()
    evidence = gather(tmp_path, project(tmp_path, test), timeout_s=2.0)
    assert time.monotonic() - started < 20
    assert evidence.verdict == "unknown"
    assert "time limit" in evidence.cause
    assert alive(mark) == []


def test_a_gigabyte_of_output_is_no_reason_to_lose_the_verdict(tmp_path: Path) -> None:
    test = """
        import os, subprocess
        def test_loud():
            subprocess.run(["head", "-c", str(1 << 30), "/dev/zero"], stdout=2, check=True)
        """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checkout = project(tmp_path, test, **{"pytest.ini": "[pytest]\naddopts = -s\n"})
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "passed", evidence
    assert evidence.output_bytes > 1 << 30
    kept = sum(path.stat().st_size for path in Path(evidence.log).glob("*.log"))
    assert kept <= (16 << 20) + 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert "1 passed" in (Path(evidence.log) / "stdout.log").read_text()


def test_what_a_test_puts_into_its_temporary_folder_and_home_is_gone(
    tmp_path: Path, home: Path
) -> None:
    test = """
        import os, pathlib, tempfile
        def test_fill():
            for place in (pathlib.Path.home(), pathlib.Path(tempfile.gettempdir())):
                (place / "filled").write_bytes(bytes(1 << 26))
                (place / "closed").mkdir()
                (place / "closed/file").write_text("x")
                (place / "closed").chmod(0)
            (pathlib.Path("~").expanduser() / ".bashrc").write_text("evil")
            print("PLACES", pathlib.Path.home(), tempfile.gettempdir())
        """
    before = sorted(home.rglob("*"))
    checkout = project(tmp_path, test, **{"pytest.ini": "[pytest]\naddopts = -s\n"})
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "passed", evidence
    assert sorted(home.rglob("*")) == before
    said = (Path(evidence.log) / "stdout.log").read_text()
    places = said.partition("PLACES ")[2].split()[:2]
    assert [Path(place).name for place in places] == ["home", "tmp"]
    assert not any(Path(place).exists() for place in places)


def test_a_file_without_end_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrate.adapters.evidence.execution.MAX_FILE_BYTES", 1 << 20)
    test = """
        def test_fill(tmp_path):
            with open(tmp_path / "endless", "wb") as file:
                while True:
                    file.write(bytes(1 << 16))
        """
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "failed"
    assert evidence.failing == ("test_thing.py::test_fill",)


def test_a_suite_that_kills_its_process_group_is_unknown(tmp_path: Path) -> None:
    test = "import os\ndef test_kill():\n    os.killpg(0, 9)\n"
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "unknown"
    assert "killed by signal 9" in evidence.cause


@NAMESPACES
@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("target", ["os.getppid()", "-1"])
def test_a_test_that_kills_what_started_it_reaches_nothing_of_ours(
    tmp_path: Path, target: str
) -> None:
    test = f"""
        import os, subprocess
        def test_kill():
            other = subprocess.Popen(["sleep", "600"])
            os.kill({target}, 9)
            other.kill()
            other.wait()
        """
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "passed", evidence
    assert evidence.survivors == 0


def test_a_test_that_fails_once_is_named_flaky_and_does_not_fail_the_check(tmp_path: Path) -> None:
    test = """
        import pathlib
        def test_luck():
            seen = pathlib.Path("seen")
            if not seen.exists():
                seen.write_text("")
                raise AssertionError("bad luck")
        def test_answer():
            assert thing.answer() == 42
        """
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "passed", evidence
    assert evidence.flaky == ("test_thing.py::test_luck",)
    assert evidence.failing == ()
    assert evidence.counts is not None
    assert (evidence.counts.passed, evidence.counts.failed) == (2, 0)
    assert any("flaky" in note for note in evidence.notes)


def test_a_test_that_fails_because_of_another_one_is_not_called_flaky(tmp_path: Path) -> None:
    test = """
        def test_first():
            thing.answer = lambda: 0
        def test_second():
            assert thing.answer() == 42
        """
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "failed", evidence
    assert evidence.failing == ("test_thing.py::test_second",)
    assert evidence.flaky == ()
    assert any("passes alone" in note for note in evidence.notes)


def test_only_what_failed_is_run_again(tmp_path: Path) -> None:
    test = """
        def test_good():
            open("runs", "a").write("good\\n")
        def test_bad():
            open("runs", "a").write("bad\\n")
            assert False
        """
    checkout = project(tmp_path, test)
    assert gather(tmp_path, checkout).verdict == "failed"
    assert (checkout / "runs").read_text().split() == ["good", "bad", "bad"]


def test_secrets_of_ours_are_not_visible_to_a_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "very-secret-value")
    test = """
        import os
        def test_environment():
            assert "very-secret-value" not in os.environ.values(), dict(os.environ)
        """
    assert gather(tmp_path, project(tmp_path, test)).verdict == "passed"


def test_a_suite_that_never_touches_the_project_proves_nothing(tmp_path: Path) -> None:
    checkout = write(
        tmp_path / "checkout",
        {"thing.py": MODULE, "tests/test_none.py": "def test_none():\n    pass\n"},
    )
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "unknown", evidence
    assert "no process of it was seen to import thing" in evidence.cause


def test_a_project_used_in_processes_of_the_tests_alone_is_proven_by_them(tmp_path: Path) -> None:
    checkout = write(
        tmp_path / "checkout",
        {
            "src/thing/__init__.py": MODULE,
            "tests/test_process.py": """
                import subprocess, sys
                def test_process():
                    program = "import thing; assert thing.answer() == 42"
                    subprocess.run([sys.executable, "-c", program], check=True, cwd="/")
                """,
        },
    )
    evidence = gather(tmp_path, checkout)
    assert evidence.verdict == "passed", evidence
    assert evidence.origin == str(checkout / "src/thing")


def test_evidence_is_not_gathered_twice(tmp_path: Path) -> None:
    test = "def test_run():\n    open('runs', 'a').write('x')\n"
    checkout = project(tmp_path, test)
    first = gather(tmp_path, checkout)
    assert gather(tmp_path, checkout) == first
    assert (checkout / "runs").read_text() == "x"
    gather(tmp_path, checkout, tree="u" * 40)
    assert (checkout / "runs").read_text() == "xx"


def test_a_run_whose_asker_died_is_judged_and_not_repeated(tmp_path: Path) -> None:
    test = "def test_run():\n    open('runs', 'a').write('x')\n"
    checkout = project(tmp_path, test)
    first = gather(tmp_path, checkout)
    (tmp_path / "record/evidence.json").unlink()
    again = gather(tmp_path, checkout)
    assert (again.verdict, again.counts, again.started_at) == (
        first.verdict,
        first.counts,
        first.started_at,
    )
    assert (checkout / "runs").read_text() == "x"


def test_cancelling_stops_everything_before_it_returns(tmp_path: Path) -> None:
    mark = marker()
    test = f"import os\ndef test_wait():\n    os.execvp('sleep', ['sleep', '{mark}'])\n"
    checkout = project(tmp_path, test)

    async def scenario() -> None:
        task = asyncio.create_task(runner(tmp_path).gather(check(tmp_path, checkout)))
        await asyncio.to_thread(wait_until, lambda: len(alive(mark)) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert alive(mark) == []
    assert not (tmp_path / "record/evidence.json").exists()


def test_a_check_that_fills_the_disk_is_stopped_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk counts as full here when less is left than there is now."""
    mark = marker()
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr("orchestrate.adapters.evidence.disk_guard.RESERVE_BYTES", free + (1 << 40))
    test = f"import os\ndef test_fill():\n    os.execvp('sleep', ['sleep', '{mark}'])\n"
    evidence = gather(tmp_path, project(tmp_path, test))
    assert evidence.verdict == "unknown", evidence
    assert "were left on the disk of" in evidence.cause
    assert alive(mark) == []
