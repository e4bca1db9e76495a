"""GitLab, through `glab`.

Not `glab mr create`: it may add a remote to the user's repository, leaves a file behind when it
fails, and ends with 0 in cases in which it made nothing. `glab api` uses the same login, and
answers with the merge request itself; it too may end with 0 after an error, so that the answer
alone counts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from orchestrate.adapters.code_host.program import Program, Said, login_status
from orchestrate.ports.code_host import (
    CodeHostStatus,
    HostedRepository,
    NotDoneError,
    Opened,
    PullRequest,
)

PUBLIC = "gitlab.com"
_TOKENS = ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN")
_HOSTS = ("GITLAB_HOST", "GITLAB_URI", "GL_HOST")
#: "Another open merge request already exists for this source branch: !7"
_EXISTS = re.compile(r"already exists for this source branch: !(\d+)")


class _MergeRequest(msgspec.Struct):
    """What is of interest here in GitLab's answer."""

    web_url: str


class GitLab:
    """Implements `ports.code_host.CodeHost`."""

    name = "glab"
    noun = "merge request"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """`folder` is the user's repository, `environ` the user's environment."""
        self._folder = folder
        self._environ = environ

    def status(self, host: str) -> CodeHostStatus:
        """See CodeHost."""
        return login_status(self._program(host), host, "https://gitlab.com/gitlab-org/cli")

    def open(self, request: PullRequest) -> Opened:
        """See CodeHost."""
        repository = request.repository
        project = quote(repository.path, safe="")
        fields = {
            "source_branch": request.branch,
            "target_branch": request.base,
            "title": request.title,
            "description": request.body,
        }
        said = self._program(repository.host).run(
            *("api", "--hostname", repository.host, "--method", "POST"),
            *("--header", "Content-Type: application/json", "--input", "-"),
            f"projects/{project}/merge_requests",
            stdin=msgspec.json.encode(fields).decode(),
        )
        return _opened(said, repository)

    def command(self, request: PullRequest, body_file: str) -> str:
        """See CodeHost."""
        words = (
            *("glab", "mr", "create", "--repo", f"https://{request.repository}"),
            *("--source-branch", request.branch, "--target-branch", request.base),
            *("--title", request.title, "--yes"),
        )
        return f'{shlex.join(words)} --description "$(cat {shlex.quote(body_file)})"'

    def _program(self, host: str) -> Program:
        own = {re.sub(r"^https?://|/.*$", "", self._environ.get(name, "")) for name in _HOSTS}
        # glab shows the key to whatever host it talks to, to that of a remote somebody put into
        # the repository too: it gets one only for the host the user set it for.
        meant = host in own if own - {""} else host == PUBLIC
        fixed = {"NO_PROMPT": "true", "GLAB_CHECK_UPDATE": "false", "NO_COLOR": "1"}
        return Program(
            self.name,
            str(self._folder),
            self._environ,
            ("GLAB_CONFIG_DIR",),
            _TOKENS if meant else (),
            {**fixed, "GITLAB_HOST": host},
        )


def _opened(said: Said, repository: HostedRepository) -> Opened:
    there = f"https://{repository}/-/merge_requests/"
    found = _EXISTS.search(said.out + said.err)
    if found:
        return Opened(f"{there}{found[1]}", new=False)
    try:
        url = msgspec.json.decode(said.out.encode(), type=_MergeRequest).web_url
    except msgspec.MsgspecError:
        url = ""
    if said.code == 0 and re.fullmatch(r"https?://[\w.:-]+/[\w./-]+/merge_requests/\d+", url):
        return Opened(url)
    raise NotDoneError(
        f"glab opened no merge request: {said.told}", remedy=f"look for one at {repository}"
    )
