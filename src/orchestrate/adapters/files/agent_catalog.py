"""Agent profiles by name, from the folders where people keep them and from the package itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from orchestrate.adapters.files.profile_notes import ProfileError, ProfileNotes
from orchestrate.adapters.files.profile_reader import parse_profile, read_profile
from orchestrate.core.agents.profile import Profile, ProfileOrigin

#: Files and folders looked at below one search folder; a link to `/` ends there.
MAX_ENTRIES = 10_000
#: Below a project's `.orchestrate/agents`: files that were put away, and are not searched.
ARCHIVE = "archive"


class AgentFolder(NamedTuple):
    """A folder to search, what its profiles are then called, and a folder in it to leave out."""

    path: Path
    origin: ProfileOrigin
    left_out: str = ""


class Shadowed(msgspec.Struct, frozen=True):
    """A profile that is not used, because `by`, a file searched earlier, has its name."""

    name: str
    path: str
    by: str


class _Candidate(NamedTuple):
    path: str
    origin: ProfileOrigin
    profile: Profile | ProfileError


def agent_folders(project: Path, *, home: Path, config: Path) -> tuple[AgentFolder, ...]:
    """Where agents are searched, first wins.

    Args:
        project: root of the project.
        home: the user's home folder.
        config: the user's configuration folder of orchestrate.
    """
    return (
        AgentFolder(project / ".claude" / "agents", "project"),
        AgentFolder(project / ".orchestrate" / "agents", "project", ARCHIVE),
        AgentFolder(home / ".claude" / "agents", "user"),
        AgentFolder(config / "agents", "user"),
    )


class FileAgentCatalog:
    """Implements ports.catalog.AgentCatalog over files.

    Nothing is read before the first question, and each file once, only if no file searched before
    it answers. Of two profiles with one name, the one in the earlier folder is used, in one
    folder the one whose path sorts first. A broken file hides nothing but itself.
    """

    def __init__(self, folders: Sequence[AgentFolder], *, built_in: bool = True) -> None:
        self._sources: Iterator[_Candidate] = _candidates(folders, built_in)
        self._profiles: dict[str, Profile] = {}
        self._shadowed: list[Shadowed] = []
        self._broken: list[ProfileError] = []

    @classmethod
    def of_project(cls, project: Path) -> FileAgentCatalog:
        """The catalog of a project: its agents, the user's, and the built-in ones."""
        import platformdirs

        config = platformdirs.user_config_path("orchestrate", appauthor=False)
        return cls(agent_folders(project, home=Path.home(), config=config))

    def find(self, name: str) -> Profile | None:
        """The profile called `name`, or None."""
        while name not in self._profiles and self._read_next():
            pass
        return self._profiles.get(name)

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        self._read_all()
        return tuple(sorted(self._profiles))

    @property
    def shadowed(self) -> tuple[Shadowed, ...]:
        """Profiles that another of the same name keeps from being used, in search order."""
        self._read_all()
        return tuple(self._shadowed)

    @property
    def broken(self) -> tuple[ProfileError, ...]:
        """Why each file that could not be used could not, in search order."""
        self._read_all()
        return tuple(self._broken)

    def _read_all(self) -> None:
        while self._read_next():
            pass

    def _read_next(self) -> bool:
        """Take in one more file; False when there is none."""
        candidate = next(self._sources, None)
        if candidate is None:
            return False
        profile = candidate.profile
        if isinstance(profile, ProfileError):
            self._broken.append(profile)
        elif profile.name in self._profiles:
            by = self._profiles[profile.name].path
            self._shadowed.append(Shadowed(profile.name, candidate.path, by))
        else:
            named = msgspec.structs.replace(profile, origin=candidate.origin)
            self._profiles[profile.name] = named
        return True


def _candidates(folders: Sequence[AgentFolder], built_in: bool) -> Iterator[_Candidate]:
    """Every agent file, read when it is reached."""
    searched: set[str] = set()
    for folder in folders:
        real = os.path.realpath(folder.path)
        if real not in searched:
            searched.add(real)
            for path in agent_files(folder.path, left_out=folder.left_out):
                yield _Candidate(str(path), folder.origin, _read(path))
    if built_in:
        yield from _built_in()


def _read(path: Path | ProfileError) -> Profile | ProfileError:
    if isinstance(path, ProfileError):
        return path
    try:
        return read_profile(path)
    except ProfileError as error:
        return error


def _built_in() -> Iterator[_Candidate]:
    """The profiles of the package, which may be a zip file; they are tested to be correct."""
    folder = resources.files("orchestrate.library") / "agents"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".md"):
            path = f"orchestrate/library/agents/{file.name}"
            yield _Candidate(path, "built-in", parse_profile(file.read_bytes(), path))


def agent_files(folder: Path, *, left_out: str = "") -> Iterator[Path | ProfileError]:
    """Markdown files in `folder` and below, those of a folder before those of its sub-folders.

    The folder `left_out` directly in it is not entered, nor is any hidden one. Links are followed;
    a folder that was reached before, by whatever path, is not entered again.
    """
    seen: set[tuple[int, int]] = set()
    pending = [folder]
    entries = 0
    while pending:
        here = pending.pop()
        inside = _entries(here, seen)
        if isinstance(inside, ProfileError):
            yield inside
            continue
        entries += len(inside)
        if entries > MAX_ENTRIES:
            yield ProfileNotes(str(here)).refuse("too-many-files", 0, limit=MAX_ENTRIES)
            return
        yield from (Path(e.path) for e in inside if _is_agent_file(e))
        skipped = left_out if here == folder else ""
        below = [Path(e.path) for e in inside if _is_searched(e, skipped)]
        pending += reversed(below)


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]] | ProfileError:
    """What is in `folder`, sorted by name; nothing if it does not exist or was seen before."""
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            return []
        seen.add(identity)
        with os.scandir(folder) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        return ProfileNotes(str(folder)).refuse(
            "unreadable", 0, reason=error.strerror or str(error)
        )


def _is_agent_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is named like an agent; what is no regular file is then reported as broken."""
    return (
        entry.name.lower().endswith(".md")
        and not entry.name.startswith(".")
        and not _is_folder(entry)
    )


def _is_searched(entry: os.DirEntry[str], skipped: str) -> bool:
    return not entry.name.startswith(".") and entry.name != skipped and _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
