"""A user's folder, workspaces on it, and an independent look at whether it was touched."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.adapters.workspace.git import environment
from orchestrate.adapters.workspace.workspaces import GitWorkspaces
from orchestrate.ports.workspace import Base, BaseChoice, Workspace, WorkspaceRequest, Workspaces
from tests.e2e.git_states import commit, git

AT = 1_700_000_000.0
RUN = "run-1"


def digests(folder: Path, skip: tuple[str, ...] = ()) -> dict[str, str]:
    """Every entry below `folder`: mode and contents. `skip` are relative names left out."""
    found = {}
    for top, names, files in os.walk(folder):
        names[:] = [one for one in names if os.path.relpath(Path(top, one), folder) not in skip]
        for name in [*names, *files]:
            path = Path(top, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                data = os.fsencode(path.readlink())
            else:
                data = path.read_bytes() if stat.S_ISREG(mode) else b""
            key = os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")
            if key not in skip:
                found[key] = f"{mode:o} {hashlib.sha256(data).hexdigest()}"
    return found


@dataclass
class Rig:
    """Workspaces of the folder `root`; `git_dir` None means a folder without git."""

    root: Path
    git_dir: Path | None
    beside: Path
    workspaces: Workspaces = field(init=False)

    def __post_init__(self) -> None:
        self.workspaces = self.made()
        self._before = self._seen()
        self._fingerprint = self.workspaces.fingerprint()

    def made(self, **options: int) -> GitWorkspaces:
        """Workspaces as another process would make them."""
        state_dir = self.git_dir / "orchestrate" if self.git_dir else self.beside / "state"
        return GitWorkspaces(self.root, self.git_dir, state_dir, self.home, **options)

    @property
    def home(self) -> Path:
        """Where the workspaces are."""
        return self.beside / "home"

    def base(self, choice: BaseChoice = "head") -> Base:
        """The run's base."""
        return self.workspaces.base(RUN, choice, AT)

    def prepared(
        self, base: str = "", name: str = "task.1", *, merging: str = "", snapshot: str = ""
    ) -> Workspace:
        """A workspace at `base`, by default at HEAD."""
        at = base or self.base().commit
        request = WorkspaceRequest(RUN, name, at, snapshot=snapshot, merging=merging)
        return self.workspaces.prepare(request)

    def files(self, revision: str) -> dict[bytes, bytes]:
        """Mode and object of each file of a commit, by name."""
        listing = inspect(self, "ls-tree", "-r", "-z", revision)
        entries = [entry.partition(b"\t") for entry in listing.split(b"\0") if entry]
        return {path: about for about, _, path in entries}

    def assert_untouched(self) -> None:
        """The user's folder, and all of git but objects and our refs, are as they were."""
        assert self._seen() == self._before
        assert self.workspaces.fingerprint() == self._fingerprint

    def _seen(self) -> dict[str, str]:
        skip = (".git/objects", ".git/orchestrate", ".git/refs/orchestrate")
        seen = digests(self.root, skip)
        if self.git_dir and self.git_dir.parent != self.root:
            seen |= digests(self.git_dir, ("objects", "orchestrate", "refs/orchestrate"))
        return seen


def inspect(rig: Rig, *arguments: str) -> bytes:
    """What git says of the store where the rig's commits are."""
    store = rig.git_dir or rig.beside / "state" / "private.git"
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments],
        env={**environment(), "GIT_DIR": os.fspath(store)},
        capture_output=True,
        check=True,
    )
    return done.stdout


def tracked(root: Path, **files: str) -> Path:
    """A repository with one commit; names may say `__` for a dot and `_s_` for a slash."""
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "app.py", "value = 1\n", "first")
    for name, text in files.items():
        path = root / name.replace("__", ".").replace("_s_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    if files:
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "files")
    return root


def names(folder: str) -> set[str]:
    """Files and links below a workspace's folder, but for its git folder."""
    top = Path(folder)
    found = (path for path in top.rglob("*") if not path.is_dir() or path.is_symlink())
    return {name for name in (str(path.relative_to(top)) for path in found) if name[:5] != ".git/"}


def changed(rig: Rig, base: str) -> str:
    """A commit on top of `base` that an attempt made."""
    workspace = rig.prepared(base)
    Path(workspace.folder, "added.txt").write_text("added\n")
    work = rig.workspaces.collect(workspace, "Add a file", 5.0)
    assert work is not None
    assert work.paths == ("added.txt",)
    return work.commit
