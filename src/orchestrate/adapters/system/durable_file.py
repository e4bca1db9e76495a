"""Writing a file so that it is there whole, or not at all, whatever fails when."""

from __future__ import annotations

import os


def write_durably(path: str, data: bytes) -> None:
    """Replace `path` with `data`, readable by the owner only, on disk before this returns.

    Written beside it, flushed, renamed over it; then the folder is flushed, because the rename is
    a change of the folder. Raises OSError. Of processes that write it at once, one wins whole.
    """
    beside = f"{path}.{os.getpid()}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(beside, path)  # noqa: PTH104 - imported by the supervisor process, which must be quick
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)  # noqa: PTH120
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
