"""A folder without git: its files are committed to a repository beside the run's state."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from orchestrate.adapters.workspace.skeleton import Skeleton


def private_repository(state_dir: Path) -> Path:
    """The git folder that holds the commits of a folder without git; made on first use."""
    git_dir = state_dir / "private.git"
    if not git_dir.is_dir():
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = state_dir / f"private-{uuid.uuid4().hex}"
        Skeleton("sha1", bare=True).write(beside)
        try:
            beside.rename(git_dir)
        except OSError:  # another process was first
            shutil.rmtree(beside)
    return git_dir
