"""Standard output and error of a command, kept in files that cannot grow without bound."""

from __future__ import annotations

import os

READ_BYTES = 1 << 16


class OutputLogs:
    """Pipes on one side, log files on the other; together they keep at most `limit` bytes.

    What comes after the limit is read and dropped, so that a command that is being stopped is not
    stuck in a write.

    Attributes:
        kept: bytes in the logs so far.
        exceeded: whether something was dropped.
        problem: why the logs could not be written; empty when they could.
    """

    def __init__(self, folder: str, limit: int) -> None:
        self.kept = 0
        self.exceeded = False
        self.problem = ""
        self._folder = folder
        self._limit = limit
        self._files: dict[int, int] = {}

    def open(self, name: str) -> tuple[int, int]:
        """Start the log `name`; returns the pipe's end to poll and the end to write to."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        file = os.open(f"{self._folder}/{name}", flags, 0o600)
        pipe, writer = os.pipe()
        os.set_blocking(pipe, False)
        self._files[pipe] = file
        return pipe, writer

    def __contains__(self, pipe: int) -> bool:
        return pipe in self._files

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Everything this object holds open."""
        return (*self._files, *self._files.values())

    def read(self, pipe: int) -> bool:
        """Move one portion from `pipe` to its file; False when there is nothing there (now)."""
        try:
            data = os.read(pipe, READ_BYTES)
        except BlockingIOError:
            return False
        room = self._limit - self.kept
        self.exceeded = self.exceeded or len(data) > room
        try:
            self._append(self._files[pipe], data[:room])
        except OSError as error:
            self.problem = f"the output cannot be kept: {error.strerror}"
        return data != b""

    def finish(self) -> None:
        """Take what the pipes still hold and put the files on disk.

        Reads until a pipe is empty rather than until its end: a process elsewhere may have been
        handed the other end, and is none of ours to wait for.
        """
        for pipe, file in self._files.items():
            while self.read(pipe):
                pass
            os.close(pipe)
            os.fsync(file)
            os.close(file)
        self._files.clear()

    def _append(self, file: int, data: bytes) -> None:
        while data:
            written = os.write(file, data)
            self.kept += written
            data = data[written:]
