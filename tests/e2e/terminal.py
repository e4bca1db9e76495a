"""Commands at a terminal of their own, where questions are asked and answered. Not a test."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.e2e.command import PATIENCE_S

#: Lines and columns of the terminal.
SIZE = (40, 110)
_CONTROL = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|\x1b[=>]")


class Shown(NamedTuple):
    """A command that ended: its exit code, and what is left on the screen, line by line."""

    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


def at_terminal(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    answers: Mapping[str, str] | None = None,
) -> Shown:
    """Run a command to its end with a terminal on its three standard streams.

    Args:
        argv: the program and its arguments.
        cwd: where it runs.
        env: all of its environment.
        answers: what is typed, each once, if and as soon as the text it belongs to is shown.

    Raises:
        AssertionError: it did not end in time.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        written = _conversation(ours, dict(answers or {}))
        return Shown(process.wait(PATIENCE_S), screen(written))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(ours)


def _conversation(terminal: int, answers: dict[str, str]) -> str:
    """Everything that was shown until the last program left the terminal."""
    deadline = time.monotonic() + 3 * PATIENCE_S
    shown, answered = b"", 0
    while True:
        assert time.monotonic() < deadline, f"it does not end: {shown[-2000:].decode()}"
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            shown += os.read(terminal, 65_536)
        except OSError:  # how Linux says that nobody has the other end open any more
            break
        for question in [each for each in answers if each.encode() in shown[answered:]]:
            answered = len(shown)
            os.write(terminal, answers.pop(question).encode() + b"\n")
    return shown.decode()


def screen(written: str) -> list[str]:
    """What a terminal shows after `written`, without colours and with nothing scrolled away."""
    lines = [""]
    row = column = 0
    for control, text in _pieces(written):
        if control is None:
            row, column = _put(lines, row, column, text)
        elif control[2] == "A":
            row = max(0, row - int(control[1] or 1))
        elif control[2] == "K":
            lines[row] = "" if control[1] == "2" else lines[row][:column]
    return [line.rstrip() for line in lines]


def _pieces(written: str) -> Iterator[tuple[re.Match[str] | None, str]]:
    """The text between control sequences, and the sequences."""
    start = 0
    for found in _CONTROL.finditer(written):
        yield None, written[start : found.start()]
        yield found, ""
        start = found.end()
    yield None, written[start:]


def _put(lines: list[str], row: int, column: int, text: str) -> tuple[int, int]:
    for character in text:
        if character == "\r":
            column = 0
        elif character == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + character + line[column + 1 :]
            column += 1
    return row, column
