"""Standard output and error of a command, kept in files that cannot grow without bound."""

from __future__ import annotations

import os
from collections import deque

from orchestrate.adapters.system.redaction import Redaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

READ_BYTES = 1 << 16
#: Of the end of each output, at most; it is held in memory until the command has ended.
TAIL_BYTES = 1 << 20


class Tail:
    """The last `size` bytes, or a little more, of what it was given.

    Attributes:
        dropped: bytes that came before them.
    """

    def __init__(self, size: int) -> None:
        self.dropped = 0
        self._size = size
        self._held = 0
        self._parts: deque[bytes] = deque()

    def add(self, data: bytes) -> None:
        """Take `data`, and let go of what is no longer near the end."""
        self._parts.append(data)
        self._held += len(data)
        while self._parts and self._held - len(self._parts[0]) >= self._size:
            self._let_go(len(self._parts.popleft()))

    def take(self) -> bytes:
        """The last `size` bytes; what else was held counts as dropped."""
        data = b"".join(self._parts)
        end = data[max(0, len(data) - self._size) :]
        self._let_go(len(data) - len(end))
        return end

    def _let_go(self, size: int) -> None:
        self._held -= size
        self.dropped += size


class OutputLogs:
    """Pipes on one side, log files on the other; together they keep at most `limit` bytes.

    What comes after the limit is read and dropped, so that a command that is being stopped is not
    stuck in a write. With `truncate` the logs keep the beginning and the end, with a line between
    them that says how much is missing; that line itself is not counted. `secrets` are blanked
    before anything is kept.

    Attributes:
        kept: bytes in the logs so far.
        dropped: bytes read and not kept; with `truncate`, known once finished.
        exceeded: whether the command wrote more than `limit`.
        problem: why the logs could not be written; empty when they could.
    """

    def __init__(
        self, folder: str, limit: int, truncate: bool = False, secrets: Sequence[str] = ()
    ) -> None:
        self.kept = 0
        self.dropped = 0
        self.exceeded = False
        self.problem = ""
        self._folder = folder
        self._limit = limit
        self._files: dict[int, int] = {}
        self._tail_bytes = min(TAIL_BYTES, limit // 4) if truncate else 0
        self._tails: dict[int, Tail] = {}
        self._truncate = truncate
        self._secrets = secrets
        self._redactions: dict[int, Redaction] = {}

    def open(self, name: str) -> tuple[int, int]:
        """Start the log `name`; returns the pipe's end to poll and the end to write to."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        file = os.open(f"{self._folder}/{name}", flags, 0o600)
        pipe, writer = os.pipe()
        os.set_blocking(pipe, False)
        self._files[pipe] = file
        self._redactions[pipe] = Redaction(self._secrets)
        if self._truncate:
            # Taken off the limit from the start, so that there is room for it in the end.
            self._limit -= self._tail_bytes
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
        self._store(pipe, self._redactions[pipe].feed(data))
        return data != b""

    def _store(self, pipe: int, data: bytes) -> None:
        tail = self._tails.get(pipe)
        if tail is None:
            room = self._limit - self.kept
            self._keep(self._files[pipe], data[:room])
            if len(data) > room:
                self._beyond(pipe, data[room:])
        else:
            tail.add(data)

    def finish(self) -> None:
        """Take what the pipes still hold and put the files on disk.

        Reads until a pipe is empty rather than until its end: a process elsewhere may have been
        handed the other end, and is none of ours to wait for.
        """
        for pipe, file in self._files.items():
            while self.read(pipe):
                pass
            self._store(pipe, self._redactions[pipe].finish())
            os.close(pipe)
            if pipe in self._tails:
                self._append_tail(file, self._tails[pipe])
            os.fsync(file)
            os.close(file)
        self._files.clear()

    def _beyond(self, pipe: int, data: bytes) -> None:
        self.exceeded = True
        if self._truncate:
            self._tails[pipe] = Tail(self._tail_bytes)
            self._tails[pipe].add(data)
        else:
            self.dropped += len(data)

    def _append_tail(self, file: int, tail: Tail) -> None:
        data = tail.take()
        self.dropped += tail.dropped
        if tail.dropped:
            kept = self.kept
            self._keep(file, b"\n[%d bytes are left out here]\n" % tail.dropped)
            self.kept = kept
        self._keep(file, data)

    def _keep(self, file: int, data: bytes) -> None:
        try:
            while data:
                written = os.write(file, data)
                self.kept += written
                data = data[written:]
        except OSError as error:
            self.problem = f"the output cannot be kept: {error.strerror}"
