"""The program of an agent: where it is, which version it is, and whether that was tested."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping

import msgspec

from orchestrate.adapters.backends.environment import passed_environment
from orchestrate.errors import AgentError

#: Seconds that printing a version may take; half a second has been seen on a busy machine.
PROBE_TIMEOUT_S = 15.0
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:[-+.][0-9A-Za-z.-]+)?")


class Tested(msgspec.Struct, frozen=True):
    """The versions that the tests drove. Others of the same major and minor number are in range."""

    versions: tuple[str, ...]

    def covers(self, version: str) -> bool:
        """Whether `version` is one of the tested or differs from one in the last number only."""
        return bool(version) and _series(version) in {_series(each) for each in self.versions}

    @property
    def text(self) -> str:
        """`2.1.x (tested: 2.1.329)`."""
        series = dict.fromkeys(f"{_series(each)}.x" for each in self.versions)
        return f"{', '.join(series)} (tested: {', '.join(self.versions)})"


def _series(version: str) -> str:
    return ".".join(version.split(".")[:2])


class Program:
    """An agent's program, looked for on the PATH of `environ` whenever it is asked for.

    Nothing is looked up when it is made. The version is asked once per file: a program that was
    replaced (another path, size or time of change) is asked anew.
    """

    def __init__(self, name: str, environ: Mapping[str, str], tested: Tested, install: str) -> None:
        """`install` is the command that installs it, for whoever has to be told."""
        self.name = name
        self.tested = tested
        self.install = install
        self._environ = environ
        self._versions: dict[tuple[str, int, int], str] = {}

    def path(self) -> str:
        """Absolute path; empty if there is none. Relative folders on PATH are passed over.

        Those would be folders of the repository that is worked on, which decides nothing here.
        """
        folders = self._environ.get("PATH", os.defpath).split(os.pathsep)
        searched = os.pathsep.join(each for each in folders if os.path.isabs(each))  # noqa: PTH117
        return shutil.which(self.name, path=searched) or ""

    def required(self) -> str:
        """Absolute path. Raises AgentError if there is none."""
        path = self.path()
        if not path:
            raise AgentError(f"no program {self.name} on PATH", remedy=f"install: {self.install}")
        return path

    def version(self) -> str:
        """What it says its version is; empty if it is not there or says nothing of the kind."""
        path = self.path()
        if not path:
            return ""
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            return ""
        key = (os.path.realpath(path), found.st_mtime_ns, found.st_size)
        if key not in self._versions:
            said = _VERSION.search(self._say_version(path))
            self._versions[key] = said.group() if said else ""
        return self._versions[key]

    def _say_version(self, path: str) -> str:
        """The output of `--version`, from a folder and with a home that are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="orchestrate-probe-") as folder:
            env = passed_environment(self._environ) | {"HOME": folder, "TMPDIR": folder}
            return _output((path, "--version"), env, folder)


def _output(argv: tuple[str, ...], env: dict[str, str], folder: str) -> str:
    """Stdout of a command; empty if it cannot be run, fails, or takes too long."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            cwd=folder,
            start_new_session=True,
        )
    except OSError:
        return ""
    with process:
        try:
            output, _ = process.communicate(timeout=PROBE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # The whole group: a script that stands in front of the program leaves that behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return ""
    return output.decode("utf-8", "replace") if process.returncode == 0 else ""
