"""Environments that are kept for checks: listed, and deleted. They are built again when needed."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrate.adapters.evidence.scratch import remove_tree
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Kept


def kept(folder: Path) -> list[Kept]:
    """Everything in the folder of environments, by name; nothing of it is anybody's work."""
    if not folder.is_dir():
        return []
    return [
        Kept("", "environment", path.name, _size_bytes(path))
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.is_symlink()
    ]


def delete(folder: Path, item: Kept) -> None:
    """Delete one environment. Only while no check runs: one that is in use is not locked.

    Raises:
        RequestError: it is none.
        OSError: it cannot be removed.
    """
    path = folder / item.name
    if item.kind != "environment" or path.parent != folder or path.is_symlink():
        raise RequestError(f"{item.name!r} is no environment", remedy="list what is kept first")
    remove_tree(path)


def _size_bytes(path: Path) -> int:
    total = 0
    for top, _, names in os.walk(path):
        for name in names:
            try:
                total += Path(top, name).lstat().st_size
            except OSError:
                continue
    return total
