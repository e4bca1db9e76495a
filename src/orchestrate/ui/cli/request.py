"""Where the text of a request comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrate.errors import RequestError

#: Longest request in characters; a longer text is a document and belongs into the repository.
MAX_CHARACTERS = 100_000
#: A character has at most four bytes in UTF-8; reading stops just after what could still fit.
_MAX_BYTES = 4 * MAX_CHARACTERS + 1


def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the optional argument REQUEST and --file to a command."""
    option = click.option(
        "-f",
        "--file",
        "request_file",
        default=None,
        metavar="FILE",
        help="Read the request from FILE; - is standard input.",
    )
    return click.argument("request", required=False)(option(function))


def read_request(argument: str | None, file: str | None, *, default: str) -> str:
    """The request: the argument, or the contents of `file`; `-` is standard input in both.

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
        raise RequestError(
            f"the request has more than {MAX_CHARACTERS} characters",
            remedy="put it into a file of the repository and refer to that",
        )
    return text.strip()


def _read(file: str) -> str:
    try:
        if file == "-":
            return _decoded(sys.stdin.buffer.read(_MAX_BYTES))
        with Path(file).open("rb") as source:
            return _decoded(source.read(_MAX_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"the request cannot be read from {file}: {error}") from None


def _decoded(data: bytes) -> str:
    # Cut in the middle of a character it is too long anyway, and that is what will be said.
    return data.decode("utf-8", "ignore" if len(data) == _MAX_BYTES else "strict")
