"""Where output goes: data on stdout, messages on stderr, JSON on request, nothing when quiet."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import PurePath
from typing import Any

import click

#: Version of the JSON envelope that every command prints with --json.
JSON_SCHEMA = "orchestrate/1"


class Output:
    """What one command prints.

    Attributes:
        json: data is printed as one JSON document instead of text.
        quiet: messages are not printed; data and errors are.
    """

    def __init__(self, command: str, *, as_json: bool, quiet: bool) -> None:
        self.command = command
        self.json = as_json
        self.quiet = quiet

    def data(self, value: Any, text: str | Callable[[], str]) -> None:
        """Print the command's result: `value` as JSON, or `text` for people."""
        if self.json:
            print_envelope(self.command, value)
        else:
            self.line(text if isinstance(text, str) else text())

    def line(self, text: str) -> None:
        """Print a part of the result, unless it is empty.

        A reader that went away early (`| head`) has what it wanted: what the command does and its
        exit code stay the same.
        """
        if text:
            _write(text + "\n")

    def message(self, text: str) -> None:
        """Tell the user something that is not data. A terminal that is gone ends no run."""
        if self.quiet:
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:
            self.quiet = True

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to be asked: a terminal on both ends, and no --json."""
        return not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def lively(self) -> bool:
        """Whether a view that redraws itself makes sense."""
        return (
            not self.json
            and not self.quiet
            and sys.stderr.isatty()
            and os.environ.get("TERM", "") not in ("dumb", "")
        )


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Whatever is still in the buffer would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def print_envelope(command: str, data: Any, *, error: dict[str, Any] | None = None) -> None:
    """Print the one JSON document of a command to stdout."""
    import msgspec

    envelope: dict[str, Any] = {"schema": JSON_SCHEMA, "command": command}
    if error is not None:
        envelope["error"] = error
    else:
        envelope["data"] = data
    encoded = msgspec.json.encode(envelope, enc_hook=_encode, order="deterministic")
    _write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def _encode(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in the JSON output")


def with_output(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json and --quiet to a command and hand it an `Output` as first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @click.option("-q", "--quiet", is_flag=True, help="Print no messages, only data and errors.")
    @wraps(function)
    def wrapped(*args: Any, as_json: bool, quiet: bool, **kwargs: Any) -> Any:
        path = click.get_current_context().command_path
        output = Output(path.partition(" ")[2], as_json=as_json, quiet=quiet)
        return function(output, *args, **kwargs)

    return wrapped


def repo_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --repo to a command."""
    return click.option(
        "--repo",
        type=click.Path(path_type=str),
        default=None,
        metavar="PATH",
        help="The repository; by default the one around the current folder.",
    )(function)


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def printable(text: str) -> str:
    """`text` with control characters and lone surrogates made visible, safe for a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )
