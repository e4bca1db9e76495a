"""Agent files on disk: written without overwriting, put away without losing, brought back.

The archive of a project is `.orchestrate/agents/archive`, which is not searched for agents. A file
keeps its path in it: `.claude/agents/x.md` is kept as `archive/.claude/x.md`, where no other can
be, because hidden folders are not searched either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrate.adapters.files.agent_catalog import ARCHIVE, agent_files
from orchestrate.adapters.files.profile_notes import ProfileError
from orchestrate.adapters.files.profile_reader import read_profile
from orchestrate.core.agents.profile import Profile
from orchestrate.core.ids import is_name
from orchestrate.errors import ConfigurationError, RequestError
from orchestrate.ports.agent_store import Place, StoredAgent, WrittenFile

_CLAUDE = ".claude"


class FileAgentStore:
    """Implements ports.agent_store.AgentStore.

    Args:
        root: the repository.
        state_dir: where its runs are kept; files there are readable by the owner only.
        remember: called with path and contents of each file that is about to be made in the
            user's tree, so that it can be taken away again.
        is_ours: whether a file with these contents was made by us.
    """

    def __init__(
        self,
        root: Path,
        state_dir: Path,
        *,
        remember: Callable[[Path, bytes], None],
        is_ours: Callable[[Path, bytes], bool],
    ) -> None:
        self._root = root
        self._state = state_dir
        self._remember = remember
        self._is_ours = is_ours
        self._own = root / ".orchestrate" / "agents"
        self._claude = root / _CLAUDE / "agents"

    def path_of(self, name: str, place: Place) -> Path:
        """Where an agent called `name` is written in `place`. See the port."""
        folder = self._own if place == "orchestrate" else self._claude
        return folder / f"{_checked(name)}.md"

    def write(self, files: Sequence[tuple[Path, str]], *, force: bool) -> tuple[WrittenFile, ...]:
        """Write each text to its path. See the port."""
        for path, _ in files:
            if self._is_agent(path):
                self._refuse_outside(path.parent)
            if path.is_dir():
                raise RequestError(f"{path} is a folder", remedy="name a file")
            if os.path.lexists(path) and not force:
                raise RequestError(
                    f"{path} exists",
                    remedy="give --force to replace it, or --name for another name",
                )
        return tuple(self._put(path, text.encode(), force=force) for path, text in files)

    def archived(self) -> tuple[StoredAgent, ...]:
        """Agents in the archives; files that cannot be read are passed over. See the port."""
        put_away = [StoredAgent(str(path), profile) for path, profile in self._put_away()]
        return (*put_away, *self._of_runs())

    def text(self, agent: StoredAgent) -> str:
        """The text of an archived agent's file. See the port."""
        path = Path(agent.path)
        with _reported(path):
            return path.read_bytes().decode("utf-8", "replace")

    def archive(self, path: Path) -> Path:
        """Move a file of the project's agents into the archive. See the port."""
        for folder, prefix in ((self._own, ""), (self._claude, _CLAUDE)):
            if path.is_relative_to(folder):
                target = self._own / ARCHIVE / prefix / path.relative_to(folder)
                self._move(path, target)
                return target
        raise RequestError(
            f"{path} is not among the project's agents", remedy="move it yourself, if it is yours"
        )

    def activate(self, agent: StoredAgent, text: str) -> Path:
        """Bring an archived agent back. See the port."""
        path = Path(agent.path)
        if agent.run:
            target = self._own / f"{agent.profile.name}.md"
            self._refuse_outside(target.parent)
            self._put(target, text.encode())
            return target
        inside = path.relative_to(self._own / ARCHIVE)
        hidden = inside.parts[0] == _CLAUDE
        target = self._claude / Path(*inside.parts[1:]) if hidden else self._own / inside
        self._move(path, target)
        return target

    def save_for_run(self, run: str, name: str, text: str) -> Path:
        """Keep an agent generated for `run` with the run. See the port."""
        return self._keep(self._run_folder(run), name, text)

    def saved_for_run(self, run: str) -> tuple[Path, ...]:
        """Files of the agents generated for `run`. See the port."""
        return tuple(sorted(self._run_folder(run).glob("*.md")))

    def archive_run(self, run: str, name: str, text: str) -> Path:
        """Keep an agent of an ended run. See the port."""
        return self._keep(self._state / "agents" / ARCHIVE / _checked(run), name, text)

    def _run_folder(self, run: str) -> Path:
        return self._state / "runs" / _checked(run) / "agents"

    def _keep(self, folder: Path, name: str, text: str) -> Path:
        path = folder / f"{_checked(name)}.md"
        with _reported(path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(path, text.encode(), mode=0o600)
        return path

    def _put_away(self) -> Iterator[tuple[Path, Profile]]:
        folder = self._own / ARCHIVE
        for inside in (folder, folder / _CLAUDE):
            yield from _readable(inside)

    def _of_runs(self) -> Iterator[StoredAgent]:
        folder = self._state / "agents" / ARCHIVE
        with suppress(OSError):
            for run in sorted(folder.iterdir(), key=lambda each: (-_changed(each), each.name)):
                for path, profile in _readable(run):
                    yield StoredAgent(str(path), profile, run.name)

    def _put(self, path: Path, data: bytes, *, force: bool = False) -> WrittenFile:
        there = os.path.lexists(path)
        with _reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A file that somebody wants elsewhere is theirs, and stays when we go.
            if self._is_agent(path):
                self._remember(path, data)
            if force:
                _replace(path, data, mode=0o666)
            else:
                _create(path, data)
        return WrittenFile(str(path), there)

    def _is_agent(self, path: Path) -> bool:
        return path.is_relative_to(self._own) or path.is_relative_to(self._claude)

    def _move(self, path: Path, target: Path) -> None:
        """Move a file, never over another one; what was ours stays known as ours."""
        self._refuse_outside(path.parent)
        self._refuse_outside(target.parent)
        if path.is_symlink():
            raise RequestError(f"{path} is a link", remedy="move it yourself")
        if os.path.lexists(target):
            raise RequestError(f"{target} exists", remedy="rename or delete that file first")
        with _reported(path):
            data = path.read_bytes()
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._is_ours(path, data):
                self._remember(target, data)
            _create(target, data)  # a rename would replace what came there in between
            path.unlink()

    def _refuse_outside(self, folder: Path) -> None:
        """The repository's author may have made a folder a link to somewhere else."""
        if not folder.resolve().is_relative_to(self._root.resolve()):
            raise RequestError(
                f"{folder} leads out of the repository",
                remedy="write to the place you mean: --output PATH",
            )


def _checked(name: str) -> str:
    if not is_name(name):
        raise RequestError(f"{name[:80]!r} cannot be a file name here", remedy="use a-z 0-9 - _ .")
    return name


def _readable(folder: Path) -> Iterator[tuple[Path, Profile]]:
    for path in agent_files(folder):
        if not isinstance(path, ProfileError):
            with suppress(ProfileError):
                yield path, read_profile(path)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _create(path: Path, data: bytes) -> None:
    """Make a new file; a half-written one is taken away again."""
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _replace(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file beside `path` and rename it over that, which is not followed if it is a link."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise RequestError(f"{path} exists", remedy="rename or delete that file first") from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read or written: {error.strerror}", remedy="check its folder"
        ) from error
