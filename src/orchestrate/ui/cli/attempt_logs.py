"""Reading what attempts printed, from where the last look ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrate.ui.cli.output import printable

#: Most bytes read of one file at one look; the rest comes with the next.
CHUNK_BYTES = 1 << 20


class LogReader:
    """Lines of stdout and stderr of all attempts in a run's `attempts` folder."""

    def __init__(self, folder: Path, task: str | None) -> None:
        self._folder = folder
        self._task = task
        self._offsets: dict[Path, int] = {}

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """(attempt, stream, line) of everything printed since the last call."""
        if not self._folder.is_dir():
            return
        attempts = [path for path in self._folder.iterdir() if path.is_dir()]
        for path in sorted(attempts, key=lambda path: path.stat().st_mtime):
            task = path.name.rpartition(".")[0]
            if self._task is None or task == self._task:
                for stream in ("stdout", "stderr"):
                    yield from self._read(path / f"{stream}.log", path.name, stream)

    def _read(self, path: Path, attempt: str, stream: str) -> Iterator[tuple[str, str, str]]:
        while True:
            try:
                with path.open("rb") as file:
                    file.seek(self._offsets.get(path, 0))
                    data = file.read(CHUNK_BYTES)
            except OSError:
                return
            whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == CHUNK_BYTES else b"")
            if not whole:
                return
            self._offsets[path] = self._offsets.get(path, 0) + len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                yield attempt, stream, printable(line)
