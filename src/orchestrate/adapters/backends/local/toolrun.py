"""Running one external tool so that nothing it does can hurt the specialist that asked.

A tool gets its own process group, a scrubbed environment, a time-out and a bound on its output.
Whatever happens is a status with a reason, never an exception.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from orchestrate.core.sharing.findings import ToolRun, ToolStatus

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
#: Marks every process of an attempt for the supervisor's sweep; must reach the tools as well.
ATTEMPT_VARIABLE = "ORCHESTRATE_ATTEMPT"
#: How much of a tool's last words goes into the reason.
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and how to start it.

    `command` is the beginning of its argv; `distribution` the installed package whose version is
    recorded; `remedy` what a person does when it is missing.
    """

    name: str
    command: tuple[str, ...]
    purpose: str
    distribution: str = ""
    remedy: str = ""

    @property
    def version(self) -> str:
        """The installed version, or "" when it cannot be told."""
        try:
            return metadata.version(self.distribution) if self.distribution else ""
        except metadata.PackageNotFoundError:
            return ""

    def record(
        self,
        status: ToolStatus,
        *,
        reason: str = "",
        remedy: str = "",
        duration_s: float = 0.0,
        files: int = 0,
        findings: int = 0,
        sent: str = "",
    ) -> ToolRun:
        """What this tool did. A status other than "ran" needs a reason; a remedy defaults."""
        if status != "ran" and not reason:
            raise ValueError(f"{self.name}: status {status} without a reason")
        return ToolRun(
            tool=self.name,
            version=self.version,
            status=status,
            purpose=self.purpose,
            reason=reason,
            remedy=(remedy or self.remedy) if status != "ran" else "",
            duration_s=round(duration_s, 3),
            files=files,
            findings=findings,
            sent=sent,
        )


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """How one run of a tool ended. `status` is "ran" when it exited with an accepted code."""

    status: ToolStatus
    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None
    reason: str = ""
    duration_s: float = 0.0


def python_module(module: str) -> tuple[str, ...]:
    """The beginning of an argv that runs an installed module and nothing from the folder.

    `-P` keeps the working folder off the import path, `-s` the user's own packages.
    """
    return (sys.executable, "-P", "-s", "-m", module)


def scrubbed_environment(scratch: Path) -> dict[str, str]:
    """The whole environment of a specialist or tool whose private folder is `scratch`.

    Only PATH and the attempt's mark are inherited; the home folder and everything tools keep in it
    lie in `scratch`.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "XDG_CACHE_HOME": str(scratch / "home" / ".cache"),
        "XDG_CONFIG_HOME": str(scratch / "home" / ".config"),
        "XDG_DATA_HOME": str(scratch / "home" / ".local" / "share"),
        "XDG_STATE_HOME": str(scratch / "home" / ".local" / "state"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    token = os.environ.get(ATTEMPT_VARIABLE)
    return environment | ({ATTEMPT_VARIABLE: token} if token else {})


def prepare_scratch(scratch: Path) -> None:
    """Create the folders that `scrubbed_environment` names."""
    for folder in ("home", "tmp"):
        (scratch / folder).mkdir(mode=0o700, parents=True, exist_ok=True)


def run_tool(
    tool: Tool,
    arguments: Sequence[str],
    *,
    cwd: Path,
    scratch: Path,
    timeout_s: float,
    accept: Sequence[int] = (0,),
    stdin: bytes = b"",
    max_output_bytes: int = MAX_OUTPUT_BYTES,
) -> ToolOutput:
    """Run `tool` to its end and never raise for anything it does.

    Args:
        tool: what to run.
        arguments: after the tool's own command; no shell sees them.
        cwd: a folder of ours, never the repository.
        scratch: private folder; see `scrubbed_environment`.
        timeout_s: wall clock, after which the whole process group is killed.
        accept: exit codes that mean the tool did its work.
        stdin: given whole, from a file.
        max_output_bytes: of stdout and stderr together; more is a crash.
    """
    prepare_scratch(scratch)
    started = time.monotonic()
    feed = scratch / f"stdin-{os.getpid()}"
    feed.write_bytes(stdin)
    try:
        with feed.open("rb") as source:
            process = subprocess.Popen(
                [*tool.command, *arguments],
                cwd=cwd,
                env=scrubbed_environment(scratch),
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
    except OSError as error:
        status: ToolStatus = "missing" if isinstance(error, FileNotFoundError) else "crashed"
        return ToolOutput(status, reason=f"could not be started: {error.strerror}")
    finally:
        feed.unlink(missing_ok=True)
    try:
        stdout, stderr, stopped = _collect(process, started + timeout_s, max_output_bytes)
    finally:
        _end_group(process)
    seconds = time.monotonic() - started
    code = process.returncode
    if stopped == "timeout":
        return ToolOutput(
            "timeout", stdout, stderr, code, f"stopped after {timeout_s:g} s", seconds
        )
    if stopped:
        reason = f"stopped after printing more than {max_output_bytes} bytes"
        return ToolOutput("crashed", stdout, stderr, code, reason, seconds)
    if code in accept:
        return ToolOutput("ran", stdout, stderr, code, "", seconds)
    status = "missing" if b"No module named" in stderr[-2000:] else "crashed"
    return ToolOutput(status, stdout, stderr, code, _last_words(code, stderr), seconds)


def _collect(
    process: subprocess.Popen[bytes], deadline: float, limit: int
) -> tuple[bytes, bytes, str]:
    """Both streams until they close, and why the process was stopped ("timeout", "output" or "").

    Ends when the process has ended even if something it left behind holds the streams open.
    """
    chunks: dict[int, list[bytes]] = {1: [], 2: []}
    taken, stopped = 0, ""
    with selectors.DefaultSelector() as selector:
        for number, stream in ((1, process.stdout), (2, process.stderr)):
            _register(selector, stream, number)
        while selector.get_map() and not stopped:
            left = deadline - time.monotonic()
            if left <= 0:
                stopped = "timeout"
                break
            ready = selector.select(min(left, 0.5))
            if not ready and process.poll() is not None:
                break
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                chunks[key.data].append(data)
                taken += len(data)
            if taken > limit:
                stopped = "output"
    if not stopped:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            stopped = "timeout"
    return b"".join(chunks[1]), b"".join(chunks[2]), stopped


def _register(selector: selectors.BaseSelector, stream: IO[bytes] | None, number: int) -> None:
    if stream is None:
        raise ValueError("the process has no pipes")
    os.set_blocking(stream.fileno(), False)
    selector.register(stream, selectors.EVENT_READ, number)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever of the group is left, reap the tool and close its pipes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _last_words(code: int, stderr: bytes) -> str:
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return f"{ended}: {lines[-1].strip()[:MAX_REASON]}" if lines else ended
