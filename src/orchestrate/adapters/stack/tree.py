"""The files of a repository as stack detection sees them: listed once, read with limits.

Only regular files that git tracks count, or all where git cannot tell. Links are never followed,
so nothing outside of the repository is read. What cannot be read or made out becomes a note.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrate.adapters.stack.git_index import tracked_paths

#: Larger files are no manifests.
MAX_FILE_BYTES = 1_000_000
MAX_ENTRIES = 200_000
MAX_DEPTH = 30
#: Notes beyond this number say nothing new.
MAX_NOTES = 50
#: Folders whose files are not the project's own, even where they are tracked.
_FOREIGN = frozenset(
    [
        *("node_modules", "bower_components", "site-packages", "venv", "__pycache__"),
        *("vendor", "vendored", "_vendor", "third_party", "thirdparty", "htmlcov"),
    ]
)
#: The same, but real source folders have these names as well: they count where git tracks them.
_BUILT = frozenset(["build", "dist", "target", "out", "env", "eggs", "wheels"])
_TOML_LINE = re.compile(r"\(at line (\d+)")


class Tree:
    """A repository's files below `root`: path -> size in bytes, shallowest first, then by name.

    Paths are relative and `/`-separated. `notes` collects what could not be made out, each once.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self._tracked = tracked_paths(root)
        self._texts: dict[str, str | None] = {}
        listed = sorted(self._walk(), key=lambda item: (item[0].count("/"), item[0]))
        self.sizes: dict[str, int] = dict(listed)

    @property
    def tracked(self) -> bool:
        """Whether git told which files count."""
        return self._tracked is not None

    def named(self, *names: str) -> list[str]:
        """Paths of all files with one of these names, shallowest first."""
        wanted = frozenset(names)
        return [path for path in self.sizes if path.rpartition("/")[2] in wanted]

    def has(self, path: str) -> bool:
        """Whether `path` is a file that counts."""
        return path in self.sizes

    def note(self, text: str) -> None:
        """Add a note, unless it is there or there are enough."""
        if text not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes.append(text)

    def text(self, path: str) -> str | None:
        """The text of a file with `\\n` line ends; None, with a note, if it cannot be read."""
        if path not in self._texts:
            self._texts[path] = self._read(path) if path in self.sizes else None
        return self._texts[path]

    def toml(self, path: str) -> dict[str, Any]:
        """A TOML file; empty if there is none, or with a note if it is malformed."""
        try:
            return tomllib.loads(self.text(path) or "")
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            line = _TOML_LINE.search(str(error))
            self.note(f"{path}:{line[1] if line else 1}: not read, it is no TOML")
            return {}

    def json(self, path: str) -> dict[str, Any]:
        """A JSON object; empty if there is none, or with a note if it is something else."""
        text = self.text(path)
        try:
            value = json.loads(text) if text is not None else {}
        except (RecursionError, ValueError) as error:
            line = getattr(error, "lineno", 1)
            self.note(f"{path}:{line}: not read, it is no JSON")
            return {}
        if not isinstance(value, dict):
            self.note(f"{path}:1: not read, it holds no object")
            return {}
        return value

    def line(self, path: str, pattern: str) -> str:
        """`path:line` of the first line of `path` in which `pattern` is found, else of line 1."""
        text = self.text(path) or ""
        found = re.search(pattern, text, re.M | re.I)
        return f"{path}:{text.count(chr(10), 0, found.start()) + 1 if found else 1}"

    def _read(self, path: str) -> str | None:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self.root / path, flags)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            self.note(f"{path}:1: not read: {error.strerror}")
            return None
        if len(data) > MAX_FILE_BYTES:
            self.note(f"{path}:1: not read, it has more than {MAX_FILE_BYTES} bytes")
            return None
        text = data.decode("utf-8-sig", "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _walk(self) -> Iterator[tuple[str, int]]:
        within = _folders_of(self._tracked) if self._tracked is not None else None
        pending, seen = [("", 0)], 0
        while pending:
            folder, depth = pending.pop()
            for entry in self._entries(folder):
                seen += 1
                if seen > MAX_ENTRIES:
                    self.note(f"only the first {MAX_ENTRIES} entries were looked at")
                    return
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_symlink() or not path.isprintable():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    wanted = within is None or path in within
                    if wanted and depth < MAX_DEPTH and not self._is_foreign(path, entry.name):
                        pending.append((path, depth + 1))
                elif entry.is_file(follow_symlinks=False) and self._counts(path):
                    yield path, _size(entry)

    def _counts(self, path: str) -> bool:
        return self._tracked is None or path in self._tracked

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.note(f"{folder or '.'}:1: not looked at: {error.strerror}")
            return []

    def _is_foreign(self, path: str, name: str) -> bool:
        if name.startswith(".") or name.endswith(".egg-info") or name in _FOREIGN:
            return True
        if self._tracked is None and name in _BUILT:
            return True
        return (self.root / path / "pyvenv.cfg").is_file()


def _folders_of(paths: frozenset[str]) -> frozenset[str]:
    """Every folder that leads to one of `paths`."""
    found: set[str] = set()
    for path in paths:
        for parent in PurePosixPath(path).parents:
            if parent.as_posix() in found:
                break
            found.add(parent.as_posix())
    return frozenset(found)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
