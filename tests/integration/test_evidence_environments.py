"""Environments are built once, are whole or absent, and their failure is a cause and no verdict."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.environment import MARKER, BuildError, Built, environment
from orchestrate.adapters.evidence.node_environment import link_packages
from orchestrate.adapters.evidence.python_environment import environment_key
from orchestrate.adapters.evidence.scratch import clear, remove_tree, temporary_home
from orchestrate.core.sharing.evidence import CheckCommand
from tests.integration.evidence_projects import check, gather, project, runner, write

UNITTEST = """
    import unittest, thing
    class TestIt(unittest.TestCase):
        def test_answer(self):
            self.assertEqual(thing.answer(), 42)
    """


class Builder:
    """A build that takes a moment, counts itself, and fails on request."""

    def __init__(self, *, fails: bool = False) -> None:
        self.built = 0
        self.fails = fails

    async def __call__(self, folder: Path) -> Built:
        assert os.listdir(folder) == []  # noqa: PTH208
        self.built += 1
        (folder / "part").write_text("x")
        await asyncio.sleep(0.05)
        if self.fails:
            raise BuildError("no way")
        return Built(key="k", folder=str(folder))


def test_those_who_ask_together_get_one_environment(tmp_path: Path) -> None:
    builder = Builder()

    async def ask() -> list[Built]:
        asked = [environment(tmp_path / "envs/e", builder) for _ in range(5)]
        return await asyncio.gather(*asked)

    assert len(set(map(id, asyncio.run(ask())))) == 5
    assert builder.built == 1
    asyncio.run(environment(tmp_path / "envs/e", builder))
    assert builder.built == 1


@pytest.mark.parametrize("marker", [None, b"", b'{"key": 3}', b'{"key": "k'])
def test_what_is_not_whole_is_built_anew(tmp_path: Path, marker: bytes | None) -> None:
    folder = tmp_path / "e"
    folder.mkdir()
    (folder / "rest-of-a-crash").write_text("x")
    if marker is not None:
        (folder / MARKER).write_bytes(marker)
    builder = Builder()
    asyncio.run(environment(folder, builder))
    assert builder.built == 1
    assert sorted(path.name for path in folder.iterdir()) == [MARKER, "part"]


def test_of_a_failed_build_nothing_is_kept_and_the_next_one_tries_again(tmp_path: Path) -> None:
    builder = Builder(fails=True)
    for number in (1, 2):
        with pytest.raises(BuildError, match="no way"):
            asyncio.run(environment(tmp_path / "e", builder))
        assert builder.built == number
        assert not (tmp_path / "e").exists()


def test_another_process_that_builds_is_waited_for_and_can_be_given_up_on(tmp_path: Path) -> None:
    """The lock is somebody else's here; cancelling the wait does not touch it."""
    lock = os.open(tmp_path / "e.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    builder = Builder()

    async def scenario() -> None:
        impatient = asyncio.create_task(environment(tmp_path / "e", builder))
        patient = asyncio.create_task(environment(tmp_path / "e", builder))
        await asyncio.sleep(0.1)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert builder.built == 0
        os.close(lock)
        await patient

    asyncio.run(scenario())
    assert builder.built == 1


def test_a_python_environment_is_used_again_until_a_deciding_file_changes(tmp_path: Path) -> None:
    checkout = write(tmp_path / "checkout", {"thing.py": "", "requirements.txt": "a\n"})
    before = environment_key(checkout, ("pytest",))
    (checkout / "thing.py").write_text("x = 1\n")
    assert environment_key(checkout, ("pytest",)) == before
    assert environment_key(checkout, ()) != before
    (checkout / "requirements.txt").write_text("b\n")
    changed = environment_key(checkout, ("pytest",))
    (checkout / "fast.c").write_text("")
    assert len({before, changed, environment_key(checkout, ("pytest",))}) == 3


@pytest.mark.slow
def test_a_second_check_finds_the_environment_and_builds_nothing(tmp_path: Path) -> None:
    checkout = write(
        tmp_path / "checkout",
        {"thing.py": "def answer():\n    return 42\n", "tests/test_it.py": UNITTEST},
    )
    local = runner(tmp_path, setup="")
    command = local.detect(checkout).first("test")
    assert command is not None
    first = asyncio.run(local.gather(check(tmp_path, checkout, command)))
    assert first.verdict == "passed", first
    assert first.environment.interpreter.endswith(sys.version.split()[0])
    assert (tmp_path / "record/environment/venv").is_dir()
    again = asyncio.run(local.gather(check(tmp_path, checkout, command, tree="u" * 40)))
    assert again.environment.key == first.environment.key
    assert not (tmp_path / "record/environment").exists()
    assert not (checkout / ".venv").exists()
    assert not (tmp_path / "record/scratch").exists()


@pytest.mark.slow
def test_requirements_that_cannot_be_installed_are_the_cause(tmp_path: Path) -> None:
    checkout = project(tmp_path, "def test_x(): pass", **{"test-requirements.txt": "./absent\n"})
    local = runner(tmp_path, setup="", environ={"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"})
    evidence = asyncio.run(local.gather(check(tmp_path, checkout)))
    assert evidence.verdict == "unknown"
    assert evidence.cause.startswith("the environment could not be built: install ended with")
    assert "absent" in evidence.cause
    assert evidence.counts is None
    environments = [path.name for path in (tmp_path / "environments").glob("python-*")]
    assert all(name.endswith(".lock") for name in environments)


def test_a_setup_command_that_fails_is_the_cause(tmp_path: Path) -> None:
    checkout = project(tmp_path, "def test_x(): pass")
    local = runner(tmp_path, setup="echo 'it broke' >&2; exit 3")
    evidence = asyncio.run(local.gather(check(tmp_path, checkout)))
    assert evidence.verdict == "unknown"
    assert "setup ended with exit code 3: it broke" in evidence.cause


def test_a_missing_tool_is_the_cause_with_what_to_do(tmp_path: Path) -> None:
    local = runner(tmp_path, setup="", environ={"PATH": "/nonexistent"})
    for tool in ("node", "go", "cargo"):
        command = CheckCommand(kind="test", runner=tool, argv=(tool, "test"))
        asked = check(tmp_path, tmp_path, command, token=tool)
        evidence = asyncio.run(local.gather(asked))
        assert evidence.verdict == "unknown"
        assert evidence.cause.startswith(f"{tool} is not installed; install it")


@pytest.mark.parametrize("reserve", ["closed", "open"])
def test_a_temporary_home_goes_whatever_is_done_to_it(tmp_path: Path, reserve: str) -> None:
    with temporary_home(tmp_path) as folder:
        (folder / "home/deep/er").mkdir(parents=True)
        (folder / "home/link").symlink_to(tmp_path)
        if reserve == "closed":
            (folder / "home/deep/er").chmod(0)
            (folder / "home/deep").chmod(0o500)
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_home_that_a_crash_left_goes_with_the_next_check(tmp_path: Path) -> None:
    context = temporary_home(tmp_path)
    folder = context.__enter__()
    clear(tmp_path)
    assert not folder.exists()
    clear(tmp_path)


def test_a_pointer_that_was_tampered_with_removes_nothing(tmp_path: Path) -> None:
    precious = tmp_path / "orchestrate-check-precious"
    precious.mkdir()
    (tmp_path / "scratch.path").write_text(str(precious))
    clear(tmp_path)
    assert precious.is_dir()
    remove_tree(tmp_path / "absent")


def test_node_packages_are_linked_and_those_of_the_workspace_lead_to_the_checkout(
    tmp_path: Path,
) -> None:
    kept = write(
        tmp_path / "kept",
        {"a/index.js": "", "@scope/b/index.js": "", ".bin/a": "", "left/index.js": ""},
    )
    (kept / "own").symlink_to("../packages/own")
    checkout = write(tmp_path / "checkout", {"packages/own/i.js": "", "node_modules/left/x": ""})
    link_packages(kept, checkout)
    link_packages(kept, checkout)
    modules = checkout / "node_modules"
    assert (modules / "a").resolve() == (kept / "a").resolve()
    assert (modules / "@scope/b/index.js").is_file()
    assert (modules / ".bin/a").is_file()
    assert (modules / "own").resolve() == (checkout / "packages/own").resolve()
    assert (modules / "left/x").is_file()


@pytest.mark.may_skip("needs node with a test runner")
def test_a_project_for_node_runs_without_packages(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    test = "const t = require('node:test');\nt('adds', () => {});\n"
    checkout = write(tmp_path / "checkout", {"package.json": "{}", "a.test.js": test})
    argv = ("node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}/n.xml")
    command = CheckCommand(kind="test", runner="node", argv=argv)
    local = runner(tmp_path, setup="")
    evidence = asyncio.run(local.gather(check(tmp_path, checkout, command)))
    assert evidence.verdict == "passed", evidence
    assert evidence.environment.interpreter.startswith("node v")


@pytest.mark.slow
@pytest.mark.may_skip("needs cargo")
def test_a_crate_without_dependencies_runs_and_leaves_no_target_folder(
    tmp_path: Path, user_environment: dict[str, str]
) -> None:
    if shutil.which("cargo", path=user_environment["PATH"]) is None:
        pytest.skip("cargo is not installed")
    source = "#[test] fn works() {}\n#[test] fn breaks() { panic!() }\n"
    manifest = '[package]\nname = "thing"\nversion = "0.1.0"\nedition = "2021"\n'
    checkout = write(tmp_path / "checkout", {"Cargo.toml": manifest, "src/lib.rs": source})
    command = CheckCommand(kind="test", runner="cargo", argv=("cargo", "test", "--no-fail-fast"))
    local = runner(tmp_path, setup="", environ=user_environment)
    evidence = asyncio.run(local.gather(check(tmp_path, checkout, command)))
    assert evidence.verdict == "failed", evidence
    assert evidence.failing == ("src/lib.rs::breaks",)
    assert not (checkout / "target").exists()


@pytest.mark.slow
@pytest.mark.may_skip("needs go")
def test_a_go_module_runs_with_its_own_caches(
    tmp_path: Path, user_environment: dict[str, str]
) -> None:
    if shutil.which("go", path=user_environment["PATH"]) is None:
        pytest.skip("go is not installed")
    test = 'package thing\nimport "testing"\nfunc TestWorks(t *testing.T) {}\n'
    module = "module example.invalid/thing\n\ngo 1.18\n"
    checkout = write(tmp_path / "checkout", {"go.mod": module, "thing_test.go": test})
    command = CheckCommand(kind="test", runner="go", argv=("go", "test", "-json", "./..."))
    local = runner(tmp_path, setup="", environ=user_environment)
    evidence = asyncio.run(local.gather(check(tmp_path, checkout, command)))
    assert evidence.verdict == "passed", evidence
    assert evidence.environment.interpreter.startswith("go version")


def test_the_record_is_for_its_owner_and_holds_what_was_seen(tmp_path: Path) -> None:
    evidence = gather(tmp_path, project(tmp_path, "def test_x():\n    thing.answer()\n"))
    record = tmp_path / "record"
    assert json.loads((record / "evidence.json").read_bytes())["verdict"] == evidence.verdict
    names = {path.name for path in record.iterdir()}
    assert names == {"check.json", "environment", "evidence.json", "run-1"}
    public = subprocess.run(
        ["find", str(record), "-maxdepth", "2", "-perm", "/077"], capture_output=True, check=True
    )
    assert public.stdout == b""


def test_a_damaged_record_is_gathered_anew(tmp_path: Path) -> None:
    checkout = project(tmp_path, "def test_x():\n    thing.answer()\n")
    gather(tmp_path, checkout)
    (tmp_path / "record/evidence.json").write_text('{"verdict": "passed"')
    (tmp_path / "record/check.json").write_text("{")
    assert gather(tmp_path, checkout).verdict == "passed"


def test_an_agents_commands_find_the_environment_that_checks_were_run_in(tmp_path: Path) -> None:
    files = {"src/thing/__init__.py": "def answer():\n    return 42\n"}
    checkout = write(tmp_path / "checkout", {**files, "tests/test_thing.py": UNITTEST})
    evidence = runner(tmp_path, setup="")
    assert evidence.toolbox(checkout, "r").path == (), "nothing is built for it"
    command = evidence.detect(checkout).first("test")
    assert command is not None
    asyncio.run(evidence.gather(check(tmp_path, checkout, command)))
    workspace = write(tmp_path / "workspace", {**files, "tests/test_thing.py": UNITTEST})
    found = evidence.toolbox(workspace, "r")
    assert found.env["PYTHONPATH"] == str(workspace / "src")
    python = shutil.which("python", path=os.pathsep.join(found.path))
    assert python is not None and Path(python).is_relative_to(tmp_path / "environments")
    env = {**os.environ, **found.env}
    argv = [python, "-c", "import thing; print(thing.__file__)"]
    shown = subprocess.run(argv, env=env, capture_output=True, text=True, check=True, cwd="/")
    assert Path(shown.stdout.strip()).is_relative_to(workspace)
