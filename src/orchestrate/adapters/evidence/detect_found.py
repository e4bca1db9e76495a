"""What detection finds: commands with how sure it is of them."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from orchestrate.adapters.evidence.detect_sources import Sources
from orchestrate.core.sharing.evidence import CheckCommand, EvidenceKind


class Rank(enum.IntEnum):
    """How a command is known, surest first.

    CONFIGURED: the repository has settings for this very tool, or a script under this name.
    CALLED: a recipe of the repository (tox, nox, make) calls the tool.
    EVIDENT: it is a declared dependency, or the tests import it.
    WRAPPED: the repository's own recipe for the purpose, whose report cannot be asked for.
    GUESSED: nothing says so, but it is what usually works.
    """

    CONFIGURED = 0
    CALLED = 1
    EVIDENT = 2
    WRAPPED = 3
    GUESSED = 4


@dataclass(frozen=True)
class Found:
    """A command and its rank."""

    rank: Rank
    command: CheckCommand


@dataclass
class Project:
    """One folder with a manifest, `""` for the root; `paths` are its files, not those of projects
    inside it, and relative to the repository."""

    sources: Sources
    folder: str
    paths: tuple[str, ...]
    found: list[Found] = field(default_factory=list)
    setup: list[str] = field(default_factory=list)

    def at(self, name: str) -> str:
        """The path, relative to the repository, of `name` in this folder."""
        return f"{self.folder}/{name}" if self.folder else name

    def within(self, path: str) -> str:
        """A path of the repository relative to this folder."""
        return path.removeprefix(f"{self.folder}/") if self.folder else path

    def has(self, name: str) -> bool:
        """Whether this folder has the file `name`."""
        return self.sources.has(self.at(name))

    def first(self, names: Iterable[str]) -> str:
        """The first of `names` that this folder has; empty if none."""
        return next((name for name in names if self.has(name)), "")

    def line(self, name: str, pattern: str) -> str:
        """`path:line` in a file of this folder."""
        return self.sources.line(self.at(name), pattern)

    def add(
        self,
        rank: Rank,
        kind: EvidenceKind,
        runner: str,
        argv: Iterable[str],
        source: str,
        env: dict[str, str] | None = None,
    ) -> None:
        """Keep a command to be run in this folder."""
        folder = self.folder or "."
        command = CheckCommand(kind, runner, tuple(argv), folder, env or {}, source)
        self.found.append(Found(rank, command))

    def prepare(self, step: str) -> None:
        """Keep a step that builds the environment."""
        self.setup.append(f"cd {self.folder} && {step}" if self.folder else step)


def table(value: Any, *names: str) -> dict[str, Any]:
    """The nested table at `names`; empty wherever something else stands in its place."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """The strings of a list, or of one string; empty for anything else."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def folders_of(path: str) -> tuple[str, ...]:
    """Names of the folders on the way to `path`, outermost first."""
    return PurePosixPath(path).parts[:-1]
