"""GitHub, through `gh`.

A success is believed when `gh` prints the address of a pull request and ends with 0, not when it
only ends with 0: `gh auth status` of some versions ends with 0 without a login, for instance.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from orchestrate.adapters.code_host.program import Program, Said, login_status
from orchestrate.ports.code_host import (
    CodeHostStatus,
    HostedRepository,
    NotDoneError,
    Opened,
    PullRequest,
)

PUBLIC = "github.com"
_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
#: `gh help exit-codes`.
_NOT_LOGGED_IN = 4


class GitHub:
    """Implements `ports.code_host.CodeHost`."""

    name = "gh"
    noun = "pull request"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """`folder` is the user's repository, `environ` the user's environment."""
        self._folder = folder
        self._environ = environ

    def status(self, host: str) -> CodeHostStatus:
        """See CodeHost."""
        return login_status(self._program(host), host, "https://cli.github.com")

    def open(self, request: PullRequest) -> Opened:
        """See CodeHost."""
        repository = request.repository
        said = self._program(repository.host).run(
            *("pr", "create", "--repo", str(repository)),
            *("--head", request.branch, "--base", request.base),
            *("--title", request.title, "--body-file", "-"),
            stdin=request.body,
        )
        if said.code == 0 and (url := _url(repository, said.out)):
            return Opened(url)
        if said.code and "already exists" in said.err and (url := _url(repository, said.err)):
            return Opened(url, new=False)
        raise _refused(said, repository)

    def command(self, request: PullRequest, body_file: str) -> str:
        """See CodeHost."""
        words = (
            *("gh", "pr", "create", "--repo", str(request.repository)),
            *("--head", request.branch, "--base", request.base),
            *("--title", request.title, "--body-file", body_file),
        )
        return shlex.join(words)

    def _program(self, host: str) -> Program:
        tokens: tuple[str, ...] = ()
        if host == PUBLIC or host.endswith(".ghe.com"):
            tokens = _TOKENS
        elif self._environ.get("GH_HOST") == host:
            # gh would show this key to any other host as well, to that of a remote somebody put
            # into the repository too.
            tokens = _ENTERPRISE_TOKENS
        fixed = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
        return Program(
            self.name,
            str(self._folder),
            self._environ,
            ("GH_CONFIG_DIR",),
            tokens,
            {**fixed, "GH_HOST": host},
        )


def _url(repository: HostedRepository, text: str) -> str:
    pattern = rf"https?://{re.escape(repository.host)}/[\w./-]+/pull/\d+"
    found = re.search(pattern, text, re.IGNORECASE)
    return found[0] if found else ""


def _refused(said: Said, repository: HostedRepository) -> NotDoneError:
    if said.code == _NOT_LOGGED_IN:
        return NotDoneError(
            f"gh is not logged in at {repository.host}",
            remedy=f"gh auth login --hostname {repository.host}",
        )
    if said.code:
        return NotDoneError(f"gh opened no pull request: {said.told}")
    return NotDoneError(
        f"gh named no pull request: {said.told}",
        remedy=f"look for one at {repository}",
    )
