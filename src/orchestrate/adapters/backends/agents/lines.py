"""Reading what an agent's program printed: one JSON object a line, of any length.

The output of a program that runs or was cut off ends anywhere, and other things are printed in
between (warnings, a shell's noise): what is no whole JSON object is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

#: Bytes of the end of a log that are looked at for a message.
TAIL_BYTES = 4096


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects in a log, in order; none if it cannot be read.

    Text in them can be stored as UTF-8: a lone half of a surrogate pair, which agents cut out of
    longer texts and JSON can spell, becomes `?`.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                found = _object(line)
                if found is not None:
                    yield found
    except OSError:
        return


def _object(line: bytes) -> dict[str, Any] | None:
    stripped = line.strip()
    if not stripped.startswith(b"{"):
        return None
    try:
        found = msgspec.json.decode(stripped)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _lenient(stripped)
    except RecursionError:
        return None
    return found if isinstance(found, dict) else None


def _lenient(line: bytes) -> Any:
    """What the standard library reads of `line`, which is more than msgspec does."""
    try:
        text = json.dumps(json.loads(line.decode("utf-8", "replace")), ensure_ascii=False)
        return json.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def tail(path: Path) -> tuple[str, ...]:
    """The lines that are not blank within the final bytes of a log."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def shortened(text: str, limit: int = 400) -> str:
    """`text` on one line, of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
