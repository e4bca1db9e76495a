"""Progress lines: one JSON object a line on standard output, for whoever watches the attempt."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO, TypeAlias

import msgspec

#: Called with (done, total, what); `what` names the tool or step being worked on.
ReportProgress: TypeAlias = Callable[[int, int, str], None]

#: A scan of 100 000 files must not write 100 000 lines.
MIN_INTERVAL_S = 0.1


def silent(done: int, total: int, what: str) -> None:
    """Report to nobody."""


class ProgressLines:
    """Writes `{"progress": {"done": …, "total": …, "what": …}}`, at most ten lines a second.

    The first and the last line of each `what` are always written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self._written_at = 0.0
        self._what = ""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Report; a reader that has gone away does not stop the work."""
        now = time.monotonic()
        if what == self._what and done < total and now - self._written_at < MIN_INTERVAL_S:
            return
        self._written_at, self._what = now, what
        line = msgspec.json.encode({"progress": {"done": done, "total": total, "what": what}})
        try:
            self._stream.write(line.decode() + "\n")
            self._stream.flush()
        except OSError:
            pass
