"""Asking somebody to take a branch: pull requests, or merge requests, at a code host.

Used only when the user asked for it by name. Everything blocks, and talks to the network.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from orchestrate.errors import ExitCode, OrchestrateError


class NotDoneError(OrchestrateError):
    """Something at a remote or code host was not done, or nobody can tell whether it was.

    What the run made is not touched by that: branch and text are there to go on with by hand.
    """

    exit_code = ExitCode.UNCONFIRMED


class HostedRepository(msgspec.Struct, frozen=True):
    """A repository at a code host: `host` as in its address, `path` as `owner/name` or deeper."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"


class PullRequest(msgspec.Struct, frozen=True):
    """What to open: `branch`, which is there already, into `base`. The body is Markdown."""

    repository: HostedRepository
    branch: str
    base: str
    title: str
    body: str


class CodeHostStatus(msgspec.Struct, frozen=True):
    """Whether a host's program is here and logged in. `problem` and `remedy` say what is not."""

    name: str
    program: str = ""
    usable: bool = False
    problem: str = ""
    remedy: str = ""


class Opened(msgspec.Struct, frozen=True):
    """A pull request that is there. `new`: it was opened now, and not found."""

    url: str
    new: bool = True


class CodeHost(Protocol):
    """One kind of code host, through the program its users have.

    Attributes:
        name: the program's name.
        noun: what it calls a pull request.
    """

    name: str
    noun: str

    def status(self, host: str) -> CodeHostStatus:
        """Whether the program is here and logged in at `host`."""
        ...

    def open(self, request: PullRequest) -> Opened:
        """Open it, or find the one that is open for this branch; repeating opens no second one.

        Raises:
            NotDoneError: it is not known to be there.
        """
        ...

    def command(self, request: PullRequest, body_file: str) -> str:
        """What a person types into a shell to open it, its body being in `body_file`."""
        ...
