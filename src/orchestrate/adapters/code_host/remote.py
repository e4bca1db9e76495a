"""The user's repository and its remotes: looking, and pushing one branch.

Unlike anywhere else, git runs here as the user runs it: with their configuration, their logins and
their hooks, in their repository. Pushing is theirs, and a `pre-push` hook that forbids it is right.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.code_host.program import Said, finished, without_keys
from orchestrate.ports.code_host import NotDoneError

ASK_TIMEOUT_S = 60.0
#: With a hook that runs the tests.
PUSH_TIMEOUT_S = 1_800.0
#: What would point git at another repository than the one it is told.
_PLACES = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|NAMESPACE|PREFIX|CEILING_DIRECTORIES"
    r"|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES)"
)


@dataclass(frozen=True)
class Refs:
    """What a remote has: its default branch (empty if it names none), and branch -> commit."""

    default: str
    branches: Mapping[str, str]


@dataclass(frozen=True)
class UserRepository:
    """The user's repository at `root`, with the user's own git and environment."""

    root: Path
    environ: Mapping[str, str]

    def remote(self, wanted: str = "") -> str:
        """The remote to push to: `wanted`, the one configured for pushing, `origin`, or the only.

        Raises:
            NotDoneError: there is none, or nothing says which.
        """
        names = self._git("remote").out.split()
        if not names:
            raise NotDoneError("the repository has no remote", remedy="git remote add origin URL")
        configured = self._git("config", "--get", "remote.pushDefault").out.strip()
        for name in (wanted,) if wanted else (configured, "origin"):
            if name in names:
                return name
        if len(names) == 1 and not wanted:
            return names[0]
        asked = f"no remote {wanted!r}" if wanted else "several remotes"
        raise NotDoneError(
            f"the repository has {asked}", remedy=f"name one: --remote {' | '.join(names)}"
        )

    def address(self, remote: str) -> str:
        """Where a push to `remote` goes. Raises NotDoneError if that is not one place."""
        urls = self._git("remote", "get-url", "--push", "--all", remote).out.splitlines()
        if len(urls) != 1:
            raise NotDoneError(
                f"a push to {remote} goes to {len(urls)} places", remedy="name another: --remote"
            )
        return urls[0]

    def refs(self, remote: str) -> Refs:
        """What `remote` has now; asks it."""
        said = self._git("ls-remote", "--symref", remote, "HEAD", "refs/heads/*", network=True)
        if said.code:
            raise NotDoneError(
                f"the remote {remote} cannot be reached: {said.told}",
                remedy=f"try it: git ls-remote {remote}",
            )
        default, branches = "", {}
        for line in said.out.splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value.removeprefix("ref: refs/heads/")
            elif name.startswith("refs/heads/"):
                branches[name.removeprefix("refs/heads/")] = value
        return Refs(default, branches)

    def current_branch(self) -> str:
        """The branch the user is on; empty when on none."""
        return self._git("symbolic-ref", "--quiet", "--short", "HEAD").out.strip()

    def commit(self, branch: str) -> str:
        """What a branch of the repository is at; empty if there is none of that name."""
        said = self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
        return said.out.strip()

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether the history of `of` holds `commit`; False where that cannot be told."""
        return self._git("merge-base", "--is-ancestor", commit, of).code == 0

    def push(self, remote: str, branch: str) -> bool:
        """Push `branch` to the branch of that name, and nothing else; False if it was there.

        Never forced. A configuration that pushes tags or submodules along is overruled.

        Raises:
            NotDoneError: it was refused, by the remote or by the user's own hook.
        """
        ref = f"refs/heads/{branch}"
        said = self._git(
            *("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"),
            *("--no-force", remote, f"{ref}:{ref}"),
            network=True,
            timeout_s=PUSH_TIMEOUT_S,
        )
        if said.code:
            rejected = [line for line in said.out.splitlines() if line.startswith("!")]
            why = rejected[0].split("\t")[-1] + "; " if rejected else ""
            raise NotDoneError(
                f"the push of {branch} to {remote} was refused: {why}{said.told}",
                remedy=f"git push {remote} {branch}",
            )
        return not any(line.startswith("=\t") for line in said.out.splitlines())

    def _git(
        self, *arguments: str, network: bool = False, timeout_s: float = ASK_TIMEOUT_S
    ) -> Said:
        """What git says; with `network`, without the passwords that addresses can hold."""
        env = {name: value for name, value in self.environ.items() if not _PLACES.fullmatch(name)}
        said = finished(
            ("git", *arguments),
            os.fspath(self.root),
            {**env, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            timeout_s=timeout_s,
        )
        out = without_keys(said.out) if network else said.out
        return Said(said.code, out, without_keys(said.err))
