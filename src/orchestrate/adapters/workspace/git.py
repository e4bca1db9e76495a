"""Running git so that nothing but git itself runs, and the same input gives the same output.

A git folder tells git what to execute: hooks, filters, a file-system monitor, a program that packs,
a transport that fetches what is missing. Neither the user's nor a workspace's may do so here.
Therefore almost every call uses a git folder that was written by us (`skeleton.py`) and only
borrows an object store. Calls that need the user's own folder, for refs and HEAD, carry the options
below. The environment is built from nothing.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.errors import ConfigurationError, RequestError

#: `git merge-tree --write-tree` came with this version.
OLDEST = (2, 38)
AUTHOR = "orchestrate"
EMAIL = "orchestrate@localhost"
#: A call that takes longer hangs, on a named pipe in place of a file for instance. Seconds.
TIMEOUT_S = 600.0
_NO_ROOM = ("No space left on device", "Disk quota exceeded")

_SAFE = {
    "safe.directory": "*",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.logAllRefUpdates": "false",
    "core.filesRefLockTimeout": "2000",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


class GitFailure(RequestError):
    """A git command ended in a way that was not expected; `stderr` is what it said."""

    def __init__(self, command: str, where: Path, code: int, stderr: str) -> None:
        said = "; ".join(stderr.strip().splitlines()[-3:]) or "it said nothing"
        super().__init__(
            f"git {command} failed in {where} (exit code {code}): {said}",
            remedy="run `git fsck` in the repository, repair what it reports, and try again",
        )
        self.code = code
        self.stderr = stderr


def environment() -> dict[str, str]:
    """What every git process gets: no configuration of anybody, no prompts, fixed identity."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
    }


@dataclass(frozen=True)
class Git:
    """A git folder to run git with; `work` and `index` as the command needs them.

    `objects` is the object store used instead of the folder's own, `alternates` are stores that
    are read as well. `config` is given on the command line and so wins over the folder's.
    """

    git_dir: Path
    objects: Path | None = None
    alternates: tuple[Path, ...] = ()
    work: Path | None = None
    index: Path | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S

    def attempt(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str | None] | None = None
    ) -> tuple[int, bytes, str]:
        """Run git; its exit code, output, and error output. A variable that is None is left out.

        Raises:
            ConfigurationError: git cannot be started, or there is no room on the disk.
            RequestError: it took longer than `timeout_s`.
        """
        try:
            done = subprocess.run(
                [*self._start(), *arguments],
                input=stdin,
                capture_output=True,
                cwd=self.work or self.git_dir,
                env=_without_none({**environment(), **self._places(), **(env or {})}),
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RequestError(
                f"git {arguments[0]} did not end within {self.timeout_s:g} s in {self.where}",
                remedy="look for named pipes and for files on a disk that does not answer",
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"git cannot be run in {self.where}: {error}",
                remedy=f"install git {OLDEST[0]}.{OLDEST[1]} or newer and put it on PATH",
            ) from None
        stderr = done.stderr.decode("utf-8", "replace")
        if done.returncode and any(text in stderr for text in _NO_ROOM):
            raise ConfigurationError(
                f"git {arguments[0]} found no room on the disk of {self.where}",
                remedy="free some space and try again",
            )
        return done.returncode, done.stdout, stderr

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        ok: Sequence[int] = (0,),
        env: Mapping[str, str | None] | None = None,
    ) -> bytes:
        """The output of a command that must end with one of `ok`. Raises GitFailure."""
        code, output, stderr = self.attempt(*arguments, stdin=stdin, env=env)
        if code not in ok:
            raise GitFailure(arguments[0], self.where, code, stderr)
        return output

    def line(self, *arguments: str, stdin: bytes = b"") -> str:
        """The output of a command that prints one line."""
        return self.run(*arguments, stdin=stdin).decode("utf-8", "replace").strip()

    def names(self, *arguments: str, stdin: bytes = b"") -> list[bytes]:
        """The output of a command that was told to end each name with a zero byte."""
        return [name for name in self.run(*arguments, stdin=stdin).split(b"\0") if name]

    def holds(self, *arguments: str) -> bool:
        """Whether a command that answers by its exit code, 0 or 1, says yes."""
        code, _, stderr = self.attempt(*arguments)
        if code not in (0, 1):
            raise GitFailure(arguments[0], self.where, code, stderr)
        return code == 0

    @property
    def where(self) -> Path:
        """The folder a person would look into."""
        return self.work or self.git_dir

    def _start(self) -> list[str]:
        options = {**_SAFE, **self.config}
        return ["git", *(word for key in options for word in ("-c", f"{key}={options[key]}"))]

    def _places(self) -> dict[str, str]:
        places = {"GIT_DIR": os.fspath(self.git_dir)}
        if self.work is not None:
            places["GIT_WORK_TREE"] = os.fspath(self.work)
        if self.index is not None:
            places["GIT_INDEX_FILE"] = os.fspath(self.index)
        if self.objects is not None:
            places["GIT_OBJECT_DIRECTORY"] = os.fspath(self.objects)
        if self.alternates:
            stores = ":".join(quoted(store) for store in self.alternates)
            places["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = stores
        return places


def _without_none(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value is not None}


def quoted(path: Path) -> str:
    """A path as git's lists of object stores spell it: quoted where it could be misread."""
    text = os.fspath(path)
    if not re.search(r'[":\n\\]', text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def require_git() -> tuple[int, int]:
    """The version of git on PATH, as (major, minor).

    Raises:
        ConfigurationError: there is none, or it is older than OLDEST.
    """
    return _version_on(os.environ.get("PATH", os.defpath))


@functools.cache
def _version_on(path: str) -> tuple[int, int]:
    needed = f"{OLDEST[0]}.{OLDEST[1]}"
    remedy = f"install git {needed} or newer and put it on PATH"
    try:
        said = subprocess.run(
            ["git", "version"],
            capture_output=True,
            env={**environment(), "PATH": path},
            timeout=TIMEOUT_S,
            check=False,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"git cannot be run: {error}", remedy=remedy) from None
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        raise ConfigurationError(f"`git version` says {said.strip()!r}", remedy=remedy)
    version = int(found[1]), int(found[2])
    if version < OLDEST:
        raise ConfigurationError(
            f"git {version[0]}.{version[1]} is too old: {needed} is needed", remedy=remedy
        )
    return version


def shown(name: bytes) -> str:
    r"""A file's name for people and records: bytes that are not UTF-8 appear as `\xNN`."""
    return name.decode("utf-8", "backslashreplace")


def some(names: Iterable[bytes], most: int = 3) -> str:
    """The first few of these names, for a sentence."""
    ordered = sorted(shown(name) for name in names)
    more = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {more} more" if more > 0 else "")


def date(at: float) -> str:
    """Unix seconds as git takes them, to the second and in UTC."""
    return f"@{int(at)} +0000"
