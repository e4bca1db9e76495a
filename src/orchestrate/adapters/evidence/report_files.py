"""Files that a command left: bounded, and never a link, a pipe or a device.

A test can put anything under the name of its report; following a link could read any file of the
user's, and opening a pipe could wait for ever.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from orchestrate.adapters.evidence.read_xml import MAX_XML_BYTES
from orchestrate.core.sharing.readers.decoding import MAX_REPORT_BYTES


def read_report(path: Path) -> bytes | None:
    """The bytes of a regular file, one more than readers accept at most; None if there is none."""
    return _read(path, MAX_XML_BYTES + 1, from_end=False)


def read_log(path: Path) -> bytes:
    """The end of a log, at most one byte more than readers accept; empty if there is none."""
    return _read(path, MAX_REPORT_BYTES + 1, from_end=True) or b""


def written_since(path: Path, since: float) -> bool:
    """Whether `path` is a regular file that was changed at Unix time `since` or later."""
    try:
        seen = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(seen.st_mode) and seen.st_mtime >= since


def _read(path: Path, limit: int, *, from_end: bool) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    with open(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            return None
        if from_end:
            file.seek(max(0, seen.st_size - limit))
        try:
            return file.read(limit)
        except OSError:
            return None
