"""Where commits are kept: an object store and its refs, the user's own or a private one.

Objects are read and written through a git folder of ours that borrows the store, so that nothing
the user's configuration names is run. Refs are written in the repository itself, or else its
garbage collection would take the commits.
"""

from __future__ import annotations

import copy
import hashlib
import re
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrate.adapters.workspace.git import Git, GitFailure, date, require_git
from orchestrate.adapters.workspace.skeleton import Skeleton, alternates_of
from orchestrate.errors import ConfigurationError, RequestError

#: Every ref of ours is below this.
REFS = "refs/orchestrate"
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: A lock of a ref below REFS that is older was left by a process that was killed. Seconds.
_STALE_LOCK_S = 10.0
#: Loose objects too are on disk before a ref, or an event, names them.
_DURABLE = {"core.fsync": "committed", "core.fsyncMethod": "batch"}


class Store:
    """Commits and refs of one repository.

    Attributes:
        git_dir: the common git folder, where refs are.
        objects: its object folder.
        object_format: sha1 or sha256.
        git: runs commands on objects; knows no refs of the user's.
        refs: runs commands on refs.
    """

    def __init__(self, git_dir: Path, home: Path) -> None:
        version = require_git()
        self.git_dir = git_dir
        self.objects = git_dir / "objects"
        self.refs = Git(git_dir)
        code, output, stderr = self.refs.attempt("rev-parse", "--show-object-format")
        if code:
            raise RequestError(
                f"git {version[0]}.{version[1]} cannot read {git_dir}: {stderr.strip()}",
                remedy="install a newer git, or repair the repository",
            )
        self.object_format = output.decode().strip()
        self._home = home
        self.reload()

    def reload(self) -> None:
        """Take notice of commits that became, or are no longer, shallow."""
        skeleton = Skeleton(
            self.object_format,
            bare=True,
            shallow=self.shallow(),
            extra={"core.sharedRepository": self._sharing()},
        )
        digest = hashlib.sha256(repr(skeleton).encode()).hexdigest()[:16]
        engine = self._home / f"engine-{digest}"
        if not engine.is_dir():
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = self._home / f"engine-new-{uuid.uuid4().hex}"
            skeleton.write(beside)
            try:
                beside.rename(engine)
            except OSError:  # another process was first
                shutil.rmtree(beside)
        self.git = Git(engine, objects=self.objects, config=_DURABLE)

    def shallow(self) -> bytes:
        """The commits whose parents are not here, one a line."""
        try:
            return (self.git_dir / "shallow").read_bytes()
        except FileNotFoundError:
            return b""

    def stores(self) -> tuple[Path, ...]:
        """The object folders a workspace has to read."""
        return (self.objects, *alternates_of(self.objects))

    def require_writable(self) -> None:
        """Raises ConfigurationError if commits could not be kept here."""
        probe = self.objects / f"orchestrate-{uuid.uuid4().hex}"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"commits cannot be kept in {self.objects}: {error.strerror}",
                remedy="clone the repository to a folder of yours and work there",
            ) from None

    def commit(self, tree: str, parents: Sequence[str], message: str, at: float) -> str:
        """Write a commit of the fixed identity; the same arguments give the same commit."""
        flags = [word for parent in dict.fromkeys(parents) for word in ("-p", parent)]
        when = date(at)
        output = self.git.run(
            "commit-tree",
            tree,
            *flags,
            stdin=message.replace("\0", "").encode("utf-8", "replace"),
            env={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
        )
        return output.decode().strip()

    def tree(self, commit: str) -> str:
        """The tree of a commit. Raises RequestError if there is no such commit."""
        code, output, _ = self.git.attempt(
            "rev-parse", "--verify", "--quiet", f"{commit_id(commit)}^{{tree}}"
        )
        if code:
            raise RequestError(
                f"{self.git_dir} has no commit {commit}",
                remedy="choose a commit that the repository has; `git cat-file -t` tells",
            )
        return output.decode().strip()

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is `new` or among what came before it."""
        return self.git.holds("merge-base", "--is-ancestor", old, new)

    def has(self, commit: str) -> bool:
        """Whether there is such a commit."""
        return self.git.attempt("cat-file", "-e", f"{commit_id(commit)}^{{commit}}")[0] == 0

    def contained(self, commit: str, others: Sequence[str]) -> bool:
        """Whether `commit` is among `others` or what came before them."""
        tips = "".join(f"^{other}\n" for other in others)
        return not self.git.run(
            *("rev-list", "--max-count=1", "--ignore-missing", "--stdin"),
            stdin=f"{commit}\n{tips}".encode(),
        )

    def aside(self, folder: Path) -> Store:
        """The same, writing objects to `folder` instead."""
        other = copy.copy(self)
        (folder / "info").mkdir()
        other.git = replace(self.git, objects=folder, alternates=self.stores())
        return other

    def pin(self, ref: str, commit: str) -> None:
        """Let `ref`, below REFS, name `commit`, whatever it named before."""
        self._change("update-ref", "--no-deref", ref, commit_id(commit), ref=ref)

    def unpin(self, ref: str) -> None:
        """Delete `ref`, below REFS. Does nothing if it is not there."""
        self._change("update-ref", "--no-deref", "-d", ref, ref=ref)

    def pinned(self, below: str) -> dict[str, str]:
        """Refs below `below` and the objects they name."""
        lines = self.refs.line("for-each-ref", "--format=%(objectname) %(refname)", below)
        pairs = (line.split(" ", 1) for line in lines.splitlines())
        return {ref: commit for commit, ref in pairs}

    def _change(self, *command: str, ref: str) -> None:
        try:
            self.refs.run(*command)
        except GitFailure:
            if not self._removed_stale_lock(ref):
                raise
            self.refs.run(*command)

    def _removed_stale_lock(self, ref: str) -> bool:
        """Nobody but us writes below REFS, so an old lock there belongs to nobody alive."""
        lock = self.git_dir / f"{ref}.lock"
        try:
            if not ref.startswith(f"{REFS}/") or time.time() - lock.stat().st_mtime < _STALE_LOCK_S:
                return False
            lock.unlink()
        except OSError:
            return False
        return True

    def _sharing(self) -> str:
        code, output, _ = self.refs.attempt("config", "--get", "core.sharedRepository")
        return output.decode("utf-8", "replace").strip() if code == 0 else "umask"


def segment(text: str) -> str:
    """A run's or an attempt's name, checked to be fit for a file and for a ref."""
    if not _SEGMENT.fullmatch(text) or ".." in text or text.endswith((".", ".lock")):
        raise RequestError(
            f"{text!r} cannot name a workspace",
            remedy="use letters, digits, dots, dashes and underscores",
        )
    return text


def ref_name(run: str, name: str) -> str:
    """The full name of a ref of a run; `name` may have several parts."""
    return "/".join((REFS, segment(run), *(segment(part) for part in name.split("/"))))


def commit_id(text: str) -> str:
    """`text`, checked to be a full id: anything else could be an option or an expression."""
    if not _COMMIT.fullmatch(text):
        raise RequestError(f"{text!r} is not a full commit id", remedy="give the full id")
    return text
