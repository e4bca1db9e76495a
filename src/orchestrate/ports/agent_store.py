"""Where agent files are written, put away, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from orchestrate.core.agents.profile import Profile

#: The folder of agents that orchestrate alone reads, or the one that Claude Code reads as well.
Place = Literal["orchestrate", "claude"]


class StoredAgent(msgspec.Struct, frozen=True):
    """An agent file in an archive. `run` is whose it was, empty for one that a person put away."""

    path: str
    profile: Profile
    run: str = ""


class WrittenFile(msgspec.Struct, frozen=True):
    """A file that was written, and whether another one was there before."""

    path: str
    replaced: bool = False


class AgentStore(Protocol):
    """Agent files of one repository.

    Everything is whole or not there. Links are not followed out of the repository.
    """

    def path_of(self, name: str, place: Place) -> Path:
        """Where an agent called `name` is written in `place`.

        Raises:
            RequestError: `name` can be no file name.
        """
        ...

    def write(self, files: Sequence[tuple[Path, str]], *, force: bool) -> tuple[WrittenFile, ...]:
        """Write each text to its path; nothing is written if one of them is refused.

        Raises:
            RequestError: a file is there, and `force` is false; or it would be out of the
                repository though its path is in a folder of agents.
            ConfigurationError: a file cannot be written.
        """
        ...

    def archived(self) -> tuple[StoredAgent, ...]:
        """Agents in the archives: those put away by people, then those of runs, latest first."""
        ...

    def text(self, agent: StoredAgent) -> str:
        """The text of an archived agent's file.

        Raises:
            ConfigurationError: it cannot be read any more.
        """
        ...

    def archive(self, path: Path) -> Path:
        """Move a file of the project's agents into the archive; where it is now.

        Raises:
            RequestError: it is no file of the project's agents, or the archive has one there.
            ConfigurationError: it cannot be moved.
        """
        ...

    def activate(self, agent: StoredAgent, text: str) -> Path:
        """Bring an archived agent back; where it is now.

        One that a person put away is moved to where it was, as it is; of one of a run a new file
        with `text` is made, and the archive keeps its own.

        Raises:
            RequestError: there is a file at that place.
            ConfigurationError: it cannot be written.
        """
        ...

    def save_for_run(self, run: str, name: str, text: str) -> Path:
        """Keep an agent generated for `run` with the run; the same again changes nothing."""
        ...

    def saved_for_run(self, run: str) -> tuple[Path, ...]:
        """Files of the agents generated for `run`, by name."""
        ...

    def archive_run(self, run: str, name: str, text: str) -> Path:
        """Keep an agent of an ended run, with what it did; the same again changes nothing."""
        ...
