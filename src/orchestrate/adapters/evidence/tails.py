"""The end of a log, for a sentence about what went wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

_READ_BYTES = 16 * 1024
_LONGEST_LINE = 160
#: A compiler, pip or Python itself; npm says `npm error` or `npm ERR!`.
_ERROR = re.compile(r"(^|\s|\w)error: |^npm err(or|!)", re.IGNORECASE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def tail(path: Path, lines: int) -> str:
    """The last `lines` of `path` that are not blank, as one line; only errors if any say so.

    Tools write long explanations around what matters, so lines with "error:" win.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BYTES), os.SEEK_SET)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    said = [_COLOUR.sub("", line).strip() for line in text.splitlines()]
    said = [line[:_LONGEST_LINE] for line in said if line]
    errors = [line for line in said if _ERROR.search(line)]
    return " / ".join((errors or said)[-lines:])
