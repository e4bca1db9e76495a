"""Repositories whose commands the user allowed to run, remembered between runs.

Trust belongs to a repository at a path, not to the path. Beside the path are kept the device and
inode numbers of its git folder and a random mark that is left in our own folder inside it, so that
what takes the place of a trusted repository has to be trusted anew: an inode number alone may be
given to the next folder, and a mark cannot be cloned or guessed. A copy or a move is at another
path. The first commit was not taken, because every fork has the same. Without git there are only
the numbers of the folder itself. New commits do not take trust away: what an agent or a colleague
changes then runs as well, and that is what trusting a repository means.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import msgspec

from orchestrate.adapters.system.durable_file import write_durably
from orchestrate.adapters.system.repository import Repository, find_repository, state_home
from orchestrate.errors import ConfigurationError

MARK_FILE = "trust"


class Trusted(msgspec.Struct, frozen=True):
    """One trusted repository. `identity` and `mark` tell it from another one at its path."""

    root: str
    identity: str
    mark: str


class Trust:
    """The user's own memory of which repositories may run something.

    Args:
        folder: where it is kept, one file per repository; the user's state folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or state_home() / "trust"

    def is_trusted(self, root: Path) -> bool:
        """Whether the repository that is at `root` now was trusted there. Damage means no.

        Raises:
            RequestError: there is no folder at `root`.
        """
        repository = find_repository(root)
        try:
            data = self._file(repository).read_bytes()
            kept = msgspec.json.decode(data, type=Trusted)
            return kept == Trusted(str(repository.root), _identity(repository), _mark(repository))
        except (OSError, msgspec.DecodeError):
            return False

    def trust(self, root: Path) -> None:
        """Remember that the repository at `root` may run its commands.

        Raises:
            ConfigurationError: it cannot be remembered.
            RequestError: there is no folder at `root`.
        """
        repository = find_repository(root)
        file = self._file(repository)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark = _mark(repository) or _make_mark(repository)
            kept = Trusted(str(repository.root), _identity(repository), mark)
            write_durably(str(file), msgspec.json.encode(kept))
        except OSError as error:
            raise ConfigurationError(
                f"trust in {root} cannot be remembered in {file.parent}: {error.strerror}",
                remedy="make that folder writable, or set XDG_STATE_HOME",
            ) from error

    def revoke(self, root: Path) -> bool:
        """Forget it; returns whether anything was remembered for the path.

        Raises:
            ConfigurationError: it cannot be forgotten.
            RequestError: there is no folder at `root`.
        """
        file = self._file(find_repository(root))
        try:
            file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ConfigurationError(
                f"trust in {root} cannot be taken back: {error.strerror}", remedy=f"remove {file}"
            ) from error
        return True

    def _file(self, repository: Repository) -> Path:
        digest = hashlib.sha256(str(repository.root).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.json"


def _identity(repository: Repository) -> str:
    seen = (repository.git_dir or repository.root).stat()
    return f"{seen.st_dev}-{seen.st_ino}"


def _mark(repository: Repository) -> str:
    """The mark left in the repository's own state; empty if there is none."""
    try:
        return (repository.state_dir / MARK_FILE).read_text("ascii", "replace")
    except FileNotFoundError:
        return ""


def _make_mark(repository: Repository) -> str:
    """A new mark, where the git folder is ours to write in; else none, and the numbers decide.

    Whoever trusts it at the same moment gets the same mark.
    """
    if repository.git_dir is None or not repository.state_dir.is_relative_to(repository.git_dir):
        return ""
    repository.state_dir.mkdir(mode=0o700, exist_ok=True)
    mark = secrets.token_hex(16)
    made = repository.state_dir / f"{MARK_FILE}.{mark}"
    write_durably(str(made), mark.encode())
    try:
        (repository.state_dir / MARK_FILE).hardlink_to(made)
    except FileExistsError:
        return _mark(repository)
    except OSError:  # a file system without links
        made.replace(repository.state_dir / MARK_FILE)
    finally:
        made.unlink(missing_ok=True)
    return mark
