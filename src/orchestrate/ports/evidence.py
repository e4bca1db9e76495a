"""Running what the repository says about itself: tests, coverage, lint, build, benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceKind


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One command to run in `checkout`, a folder that holds the files of `revision`.

    `record` is a folder for logs and reports; the evidence is written there as `evidence.json`,
    durably, before it is returned. `reruns` is how often failing tests are run again to find flaky
    ones. `network`: whether the command may reach anything but loopback. `bare`: the command needs
    an interpreter and nothing of the project's environment, so none is built for it. `files` are
    test files, relative to the repository, to which a runner that can do so is restricted; others
    run everything, as they do when it is empty.
    """

    command: CheckCommand
    checkout: str
    revision: str
    tree: str
    record: str
    token: str
    reruns: int = 2
    network: bool = False
    bare: bool = False
    files: tuple[str, ...] = ()


class Detection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Commands found in a repository, most specific first, and what could not be made out.

    `setup` are the commands that would build the environment, as they would be shown to the user.
    """

    commands: tuple[CheckCommand, ...] = ()
    setup: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def first(self, kind: EvidenceKind) -> CheckCommand | None:
        """The command to use for `kind`."""
        return next((item for item in self.commands if item.kind == kind), None)


class Toolbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """How commands in a folder find the project's environment: folders to put in front of PATH,
    and variables to set."""

    path: tuple[str, ...] = ()
    env: dict[str, str] = {}


class EvidenceRunner(Protocol):
    """Detects and runs the repository's own commands. Detection executes nothing."""

    def detect(self, folder: Path) -> Detection:
        """What the files in `folder` say can be run."""
        ...

    def toolbox(self, folder: Path, revision: str) -> Toolbox:
        """The environment that the tests of the project in `folder` run in.

        Empty if there is none yet: nothing is built, run or changed. `revision` is the commit whose
        files are there, so that they need to be looked at only once.
        """
        ...

    async def gather(self, check: Check) -> Evidence:
        """Run the check and judge what was seen; never raises for anything the command does.

        The environment is built first if there is none for these lock files. Cancelling the
        awaiting task stops the whole process tree.
        """
        ...
