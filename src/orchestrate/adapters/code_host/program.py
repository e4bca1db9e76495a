"""Running the program of a code host: what it is given, and what is shown of what it says.

It gets the user's own configuration, because its login is there, and of the keys in the environment
only those that are meant for the host at hand. A key is never shown, not even when the program
prints it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrate.ports.code_host import CodeHostStatus, NotDoneError

TIMEOUT_S = 120.0
#: Characters of what a program said that are quoted.
_QUOTED = 400
#: Passed on when set: where its configuration, its keyring and the way to the network are.
PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"),
    *("DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")


@dataclass(frozen=True)
class Said:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The end of what it said, on one line."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return "; ".join(lines[-4:])[:_QUOTED] or f"it said nothing (exit code {self.code})"


@dataclass(frozen=True)
class Program:
    """A program, the folder it runs in, and the variables of `environ` it may see.

    `secrets` names variables with keys; `fixed` are variables it is always given.
    """

    name: str
    folder: str
    environ: Mapping[str, str]
    passed: tuple[str, ...]
    secrets: tuple[str, ...]
    fixed: Mapping[str, str]

    @property
    def path(self) -> str:
        """Where it is; empty if it is not on PATH."""
        return shutil.which(self.name, path=self._searched) or ""

    @property
    def _searched(self) -> str:
        """PATH without relative folders.

        Those would be folders of the repository, and its programs would see the user's keys.
        """
        folders = self.environ.get("PATH", os.defpath).split(os.pathsep)
        return os.pathsep.join(each for each in folders if os.path.isabs(each))  # noqa: PTH117

    def run(self, *arguments: str, stdin: str = "") -> Said:
        """Run it to its end, without a terminal.

        Raises:
            NotDoneError: it cannot be run, or does not end.
        """
        names = (*PASSED, *self.passed, *self.secrets)
        env = {name: self.environ[name] for name in names if name in self.environ}
        if not self.path:
            raise NotDoneError(f"{self.name} cannot be run: it is not on PATH")
        said = finished(
            (self.path, *arguments),
            self.folder,
            {**env, "PATH": self._searched, **self.fixed},
            stdin=stdin,
            timeout_s=TIMEOUT_S,
        )
        keys = [env[name] for name in self.secrets if name in env]
        return Said(said.code, without_keys(said.out, keys), without_keys(said.err, keys))


def login_status(program: Program, host: str, home_page: str) -> CodeHostStatus:
    """Whether `program` is there and logged in at `host`; both programs are asked in one way.

    What it prints is believed and not its exit code alone: some versions end with 0 whatever they
    found.
    """
    name = program.name
    if not program.path:
        return CodeHostStatus(
            name,
            problem=f"{name} is not installed",
            remedy=f"install {name} ({home_page}), then: {name} auth login",
        )
    said = program.run("auth", "status", "--hostname", host)
    if said.code == 0 and f"Logged in to {host}" in said.out + said.err:
        return CodeHostStatus(name, program.path, usable=True)
    return CodeHostStatus(
        name,
        program.path,
        problem=f"{name} is not logged in at {host}",
        remedy=f"{name} auth login --hostname {host}",
    )


def finished(
    argv: tuple[str, ...],
    folder: str,
    env: Mapping[str, str],
    *,
    stdin: str = "",
    timeout_s: float,
) -> Said:
    """Run a program to its end, in a session of its own: it has no terminal to ask at.

    Raises:
        NotDoneError: it cannot be run, or does not end within `timeout_s`; it and what it started
            are then killed.
    """
    name = Path(argv[0]).name
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        raise NotDoneError(f"{name} cannot be run: {error.strerror}") from None
    try:
        out, err = process.communicate(stdin.encode("utf-8", "replace"), timeout_s)
    except subprocess.TimeoutExpired:
        raise NotDoneError(
            f"{name} did not end within {timeout_s:.0f} s",
            remedy="look at the remote whether it was done; then go on by hand",
        ) from None
    finally:
        if process.poll() is None:  # the time is over, or the user interrupted us
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Said(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def without_keys(text: str, keys: list[str] | tuple[str, ...] = ()) -> str:
    """`text` without any of `keys`, and without the user part of addresses."""
    for key in sorted(filter(None, keys), key=len, reverse=True):
        text = text.replace(key, "***")
    return _USERINFO.sub("***@", text)
