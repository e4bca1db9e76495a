"""Reading what attempts printed, from where the last look ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from orchestrate.ui.cli.data import LogLine
from orchestrate.ui.cli.output import printable

#: Most bytes read of one file at one look; the rest comes with the next.
CHUNK_BYTES = 1 << 20


class LogReader:
    """Lines of stdout and stderr of all attempts in a run's `attempts` folder."""

    def __init__(self, folder: Path, task: str | None) -> None:
        self._folder = folder
        self._task = task
        self._offsets: dict[Path, int] = {}

    def lines(self, *, whole_only: bool) -> Iterator[LogLine]:
        """Everything printed since the last call, oldest attempt first.

        `whole_only`: leave a last line without its end for the next call; more of it may come.
        """
        if not self._folder.is_dir():
            return
        attempts = [path for path in self._folder.iterdir() if path.is_dir()]
        for path in sorted(attempts, key=_begun_at):
            task = path.name.rpartition(".")[0]
            if self._task is None or task == self._task:
                yield from self._read(path, "stdout", whole_only)
                yield from self._read(path, "stderr", whole_only)

    def _read(
        self, attempt: Path, stream: Literal["stdout", "stderr"], whole_only: bool
    ) -> Iterator[LogLine]:
        path = attempt / f"{stream}.log"
        while True:
            try:
                with path.open("rb") as file:
                    file.seek(self._offsets.get(path, 0))
                    data = file.read(CHUNK_BYTES)
            except OSError:
                return
            taken = data.rfind(b"\n") + 1
            if not taken and (len(data) == CHUNK_BYTES or not whole_only):
                taken = len(data)
            if not taken:
                return
            self._offsets[path] = self._offsets.get(path, 0) + taken
            for line in data[:taken].decode("utf-8", "replace").removesuffix("\n").split("\n"):
                yield LogLine(attempt.name, stream, printable(line.removesuffix("\r")))


def _begun_at(attempt: Path) -> int:
    """When the attempt's request was written, in nanoseconds; the folder itself changes later."""
    try:
        return (attempt / "request.json").stat().st_mtime_ns
    except OSError:
        return 0
