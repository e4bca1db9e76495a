"""Where the text of a request comes from."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrate.errors import RequestError

#: Longest request in characters; a longer text is a document and belongs into the repository.
MAX_CHARACTERS = 100_000


def read_request(argument: str | None, file: str | None, *, default: str) -> str:
    """The request: the argument, or the contents of `file` (`-` is standard input).

    Raises:
        RequestError: both are given, the file is unreadable, empty, too long, or not UTF-8.
    """
    if argument is not None and file is not None:
        raise RequestError("the request is given twice", remedy="drop the argument or --file")
    if argument == "-":
        argument, file = None, "-"
    if file is None:
        text = argument if argument is not None else default
    else:
        text = _read(file)
        if not text.strip():
            raise RequestError(f"{file}: the request is empty", remedy="write what you want done")
    if len(text) > MAX_CHARACTERS:
        raise RequestError(f"the request has {len(text)} characters; at most {MAX_CHARACTERS}")
    return text.strip()


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"the request cannot be read from {file}: {error}") from None
