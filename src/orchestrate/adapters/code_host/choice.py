"""Which code host's program to use for a repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrate.adapters.code_host.gh import GitHub
from orchestrate.adapters.code_host.glab import GitLab
from orchestrate.ports.code_host import CodeHost, HostedRepository


def code_host_for(
    repository: HostedRepository, folder: Path, environ: Mapping[str, str]
) -> CodeHost | None:
    """The program for `repository`; None if none of those known is for its host.

    A host whose name does not say what it is, is that of the program which is logged in there.
    """
    github, gitlab = GitHub(folder, environ), GitLab(folder, environ)
    labels = repository.host.partition(":")[0].split(".")
    if "github" in labels or repository.host.endswith(".ghe.com"):
        return github
    if "gitlab" in labels:
        return gitlab
    known: tuple[CodeHost, ...] = (github, gitlab)
    return next((each for each in known if each.status(repository.host).usable), None)
