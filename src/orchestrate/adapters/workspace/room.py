"""Room on the disk: looked at before a workspace is made."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrate.adapters.workspace.store import Store
from orchestrate.errors import ConfigurationError

#: What a file takes beyond its contents: half a block on average, and its entry. Bytes.
_PER_FILE = 2560
#: How long a measurement of all workspaces is built upon while half of the quota is free, in
#: seconds: every file of each is looked at for one.
_MEASURED_S = 10.0


def used_bytes(folder: Path) -> int:
    """What `folder` takes on the disk. Links are not followed; what cannot be read counts 0."""
    total = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(Path(entry.path))
        except OSError:
            continue
    return total


class Room:
    """How much workspaces may take.

    `quota_bytes` bounds all workspaces of the repository together, None leaves them unbounded.
    `reserve_bytes` stay free on the disk.
    """

    def __init__(
        self, store: Store, home: Path, quota_bytes: int | None, reserve_bytes: int
    ) -> None:
        self._store = store
        self._home = home
        self._quota_bytes = quota_bytes
        self._reserve_bytes = reserve_bytes
        self._sizes: dict[str, int] = {}
        self._measured_at = -_MEASURED_S
        self._used_bytes = 0
        self._measuring = threading.Lock()

    def checkout_bytes(self, commit: str, folders: Sequence[str] = ()) -> int:
        """What the files of `commit`, or of these folders of it, take when checked out."""
        key = "\0".join((commit, *folders))
        if key not in self._sizes:
            listing = self._store.git.run("ls-tree", "-r", "-l", "-z", commit, "--", *folders)
            sizes = [entry.split(b"\t", 1)[0].split()[3] for entry in listing.split(b"\0")[:-1]]
            self._sizes[key] = sum(int(size) for size in sizes if size != b"-")
            self._sizes[key] += len(sizes) * _PER_FILE
        return self._sizes[key]

    def require(self, commit: str, folders: Sequence[str] = ()) -> None:
        """Raises ConfigurationError if a workspace at `commit` would not fit."""
        needed = self.checkout_bytes(commit, folders)
        free = shutil.disk_usage(self._home).free
        if needed + self._reserve_bytes > free:
            raise ConfigurationError(
                f"a workspace needs {_mib(needed)}, and {_mib(self._reserve_bytes)} are to stay"
                f" free, but the disk of {self._home} has {_mib(free)}",
                remedy="free some space, or remove workspaces with `orchestrate prune`",
            )
        if self._quota_bytes is None:
            return
        with self._measuring:
            self._require_quota(needed, self._quota_bytes)

    def _require_quota(self, needed: int, quota: int) -> None:
        recent = time.monotonic() - self._measured_at < _MEASURED_S
        if not recent or self._used_bytes + needed > quota / 2:
            self._used_bytes = used_bytes(self._home)
            self._measured_at = time.monotonic()
        if self._used_bytes + needed > quota:
            raise ConfigurationError(
                f"the workspaces of this repository take {_mib(self._used_bytes)} and the next one"
                f" {_mib(needed)}, more than the quota of {_mib(quota)}",
                remedy="remove workspaces with `orchestrate prune`, or raise the quota",
            )
        self._used_bytes += needed


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
