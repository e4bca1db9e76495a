"""Which repository a folder belongs to, where its state lives, and what it stands at.

The `.git` entry is read directly, as gitrepository-layout(5) describes it: asking git would run
the repository's own configuration and would refuse folders of other owners.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import msgspec

from orchestrate.errors import RequestError


class Repository(msgspec.Struct, frozen=True):
    """A folder to work on. `git_dir` is the common git folder, None without git.

    `state_dir` is where everything orchestrate knows about it is kept.
    """

    root: Path
    git_dir: Path | None
    state_dir: Path


def state_home() -> Path:
    """The user's state folder: `$XDG_STATE_HOME/orchestrate` or the platform's own."""
    import platformdirs

    return platformdirs.user_state_path("orchestrate", appauthor=False)


def find_repository(start: Path | None = None) -> Repository:
    """The repository around `start` (the current folder by default).

    Without a folder the enclosing working tree's top is the root. A folder that is given is the
    root itself; if it is only a part of a working tree it is looked at as a folder without git, and
    its state is kept apart from the repository's.

    Raises:
        RequestError: the folder does not exist, or its path is not valid UTF-8: it could not be
            recorded.
    """
    given = _resolved(start)
    for folder in (given,) if start is not None else (given, *given.parents):
        git_dir = _common_git_dir(folder / ".git")
        if git_dir is not None:
            return Repository(folder, git_dir, _state_dir(folder, git_dir))
    return Repository(given, None, _state_dir(given, None))


def _resolved(start: Path | None) -> Path:
    try:
        given = (start or Path.cwd()).resolve()
        given.as_posix().encode()
        found = given.is_dir()
    except UnicodeEncodeError:
        raise RequestError(
            f"the path of {start or 'the current folder'} is not valid UTF-8",
            remedy="rename the folder",
        ) from None
    except (OSError, RuntimeError):  # gone under our feet, not permitted, or a loop of links
        given, found = start or Path(), False
    if not found:
        raise RequestError(
            f"{given} is not a folder that can be looked at",
            remedy="give --repo an existing folder",
        )
    return given


def _common_git_dir(entry: Path) -> Path | None:
    """The common git folder behind a `.git` folder or file, or None if it is not one."""
    try:
        return _git_dir_behind(entry)
    except OSError:  # a folder above that may not be looked at belongs to nobody we know
        return None


def _git_dir_behind(entry: Path) -> Path | None:
    folder = entry
    if entry.is_file():
        match = re.match(r"gitdir: (.+)", entry.read_text("utf-8", "surrogateescape"))
        if match is None:
            return None
        folder = (entry.parent / match[1].rstrip("\r\n")).resolve()
    if not (folder / "HEAD").is_file():
        return None
    common = folder / "commondir"
    if common.is_file():
        folder = (folder / common.read_text("utf-8", "surrogateescape").strip()).resolve()
    return folder if (folder / "objects").is_dir() else None


def _state_dir(root: Path, git_dir: Path | None) -> Path:
    """Inside the git folder where that can be written, else in the user's state folder."""
    if git_dir is not None:
        inside = git_dir / "orchestrate"
        if os.access(inside if inside.is_dir() else git_dir, os.W_OK | os.X_OK):
            return inside
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    label = re.sub(r"[^A-Za-z0-9.-]", "-", root.name)[:40] or "root"
    return state_home() / "repositories" / f"{label}-{digest}"


def revision(repository: Repository) -> str:
    """The commit HEAD names, or empty: no git, no commit yet, or git does not answer."""
    if repository.git_dir is None:
        return ""
    try:
        done = subprocess.run(
            [
                "git",
                "-c",
                "safe.directory=*",
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.hooksPath=/dev/null",
                "rev-parse",
                "--verify",
                "--quiet",
                "HEAD",
            ],
            cwd=repository.root,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
