"""Running external tools: whatever they do is a status with a reason."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from orchestrate.adapters.backends.local.toolrun import (
    Tool,
    ToolOutput,
    python_module,
    run_tool,
    scrubbed_environment,
)


def _run(tmp_path: Path, code: str, *, timeout_s: float = 30, limit: int = 10_000) -> ToolOutput:
    tool = Tool("stub", (sys.executable, "-c", code), "testing")
    return run_tool(
        tool,
        ["an argument"],
        cwd=tmp_path,
        scratch=tmp_path / "scratch",
        timeout_s=timeout_s,
        max_output_bytes=limit,
    )


def test_output_and_arguments_pass_through(tmp_path: Path) -> None:
    output = _run(tmp_path, "import sys; print(sys.argv[1]); print('e', file=sys.stderr)")
    assert (output.status, output.stdout, output.stderr) == ("ran", b"an argument\n", b"e\n")


def test_a_tool_that_is_not_there_is_missing(tmp_path: Path) -> None:
    tool = Tool("ghost", (str(tmp_path / "ghost"),), "testing", remedy="install ghost")
    output = run_tool(tool, (), cwd=tmp_path, scratch=tmp_path / "s", timeout_s=5)
    assert output.status == "missing"
    assert tool.record("missing", reason=output.reason).remedy == "install ghost"


def test_a_python_tool_that_is_not_installed_is_missing(tmp_path: Path) -> None:
    tool = Tool("ghost", python_module("no_such_tool_here"), "testing")
    output = run_tool(tool, (), cwd=tmp_path, scratch=tmp_path / "s", timeout_s=30)
    assert output.status == "missing"
    assert "no_such_tool_here" in output.reason


def test_a_crash_tells_the_exit_code_and_the_last_words(tmp_path: Path) -> None:
    output = _run(tmp_path, "import sys; sys.exit('it broke')")
    assert (output.status, output.reason) == ("crashed", "exit code 1: it broke")
    output = _run(tmp_path, "import os; os.kill(os.getpid(), 11)")
    assert (output.status, output.reason) == ("crashed", "killed by signal 11")


def test_a_timeout_kills_the_children_too(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    output = _run(tmp_path, code, timeout_s=2)
    assert output.status == "timeout"
    assert output.reason == "stopped after 2 s"
    assert time.monotonic() - started < 20
    assert _is_gone(int(output.stdout))


def test_a_child_that_keeps_the_output_open_does_not_hold_us_up(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
    )
    output = _run(tmp_path, code)
    assert output.status == "ran"
    assert _is_gone(int(output.stdout))


def test_too_much_output_is_stopped(tmp_path: Path) -> None:
    output = _run(tmp_path, "while True: print('x' * 1000)")
    assert output.status == "crashed"
    assert "more than 10000 bytes" in output.reason
    assert len(output.stdout) < 200_000


def test_nothing_of_the_users_environment_reaches_a_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hidden")
    monkeypatch.setenv("PYTHONPATH", "/evil")
    monkeypatch.setenv("ORCHESTRATE_ATTEMPT", "token-1")
    environment = scrubbed_environment(tmp_path)
    assert environment["ORCHESTRATE_ATTEMPT"] == "token-1"
    assert not {"API_TOKEN", "PYTHONPATH"} & environment.keys()
    inside = {"HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
    assert all(environment[name].startswith(str(tmp_path)) for name in inside)
    output = _run(tmp_path, "import os; print(sorted(os.environ))")
    assert b"API_TOKEN" not in output.stdout


def test_a_module_in_the_working_folder_cannot_replace_the_tools_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    tool = Tool("json", python_module("json.tool"), "testing")
    output = run_tool(
        tool, (), cwd=tmp_path, scratch=tmp_path / "s", timeout_s=30, stdin=b'{"a": 1}'
    )
    assert (output.status, output.reason) == ("ran", "")
    assert b'"a": 1' in output.stdout


def test_a_status_other_than_ran_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        Tool("stub", (), "testing").record("partial")


def _is_gone(pid: int) -> bool:
    """Whether a killed process disappears within ten seconds, or waits only to be reaped."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
