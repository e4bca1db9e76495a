"""The files of a repository as detection sees them: listed once, read with limits, never followed.

Whatever cannot be read becomes a note with its place. Links are not followed, so nothing outside of
the repository is read and no loop is walked.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

#: Larger files are no configuration, and no test somebody wrote.
MAX_FILE_BYTES = 1_000_000
MAX_ENTRIES = 100_000
MAX_DEPTH = 20
#: Folders without files of the project's own: environments, caches, build output, other projects.
_SKIPPED = frozenset(
    [
        "node_modules",
        "bower_components",
        "venv",
        "env",
        "site-packages",
        "__pycache__",
        "build",
        "dist",
        "target",
        "vendor",
        "vendored",
        "_vendor",
        "third_party",
        "thirdparty",
        "htmlcov",
        "eggs",
        "wheels",
    ]
)
_TOML_LINE = re.compile(r"\(at line (\d+)")


class Sources:
    """A repository's files below `root`.

    `paths` are relative, `/`-separated, and sorted shallowest first. `notes` collects what could
    not be made out, each once.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self._texts: dict[str, str | None] = {}
        listed = sorted(self._walk(), key=lambda path: (path.count("/"), path))
        self.paths: tuple[str, ...] = tuple(listed)
        self._known = frozenset(listed)
        self._folders = frozenset(
            parent.as_posix() for path in listed for parent in PurePosixPath(path).parents
        )

    def has(self, path: str) -> bool:
        """Whether `path` is a regular file."""
        return path in self._known

    def has_folder(self, path: str) -> bool:
        """Whether `path` is a folder with a file in it."""
        return path.rstrip("/") in self._folders

    def note(self, text: str) -> None:
        """Add a note, unless it is there."""
        if text not in self.notes:
            self.notes.append(text)

    def text(self, path: str) -> str | None:
        """The text of a listed file with `\\n` line ends; None if there is none to read.

        Anything that is not UTF-8 is noted and read as Latin-1, which all keywords survive.
        """
        if path not in self._texts:
            self._texts[path] = self._read(path) if path in self._known else None
        return self._texts[path]

    def toml(self, path: str) -> dict[str, Any]:
        """A TOML file; empty if there is none, or with a note if it is malformed."""
        text = self.text(path)
        if text is None:
            return {}
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            line = _TOML_LINE.search(str(error))
            self.note(f"{path}:{line[1] if line else 1}: not read, it is no TOML: {error}")
            return {}

    def json(self, path: str) -> dict[str, Any]:
        """A JSON object; empty if there is none, or with a note if it is malformed."""
        text = self.text(path)
        if text is None:
            return {}
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            self.note(f"{path}:{error.lineno}: not read, it is no JSON: {error.msg}")
            return {}
        except (RecursionError, ValueError) as error:
            self.note(f"{path}:1: not read: {error}")
            return {}
        if not isinstance(value, dict):
            self.note(f"{path}:1: not read, it holds no object")
            return {}
        return value

    def ini(self, path: str) -> configparser.ConfigParser:
        """An INI file; empty if there is none, or with a note if it is malformed."""
        parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
        text = self.text(path)
        if text is None:
            return parser
        try:
            parser.read_string(text, source=path)
        except configparser.MissingSectionHeaderError as error:
            self.note(f"{path}:{error.lineno}: not read, there is no section before this line")
        except configparser.ParsingError as error:
            line = error.errors[0][0] if error.errors else 1
            self.note(f"{path}:{line}: cannot be made out; the rest of the file is used")
        except (configparser.Error, ValueError, AttributeError) as error:
            self.note(f"{path}:1: not read: {error}")
        return parser

    def line(self, path: str, pattern: str) -> str:
        """`path:line` of the first line of `path` in which `pattern` is found, else of line 1."""
        text = self.text(path) or ""
        found = re.search(pattern, text, re.M)
        return f"{path}:{text.count(chr(10), 0, found.start()) + 1 if found else 1}"

    def _read(self, path: str) -> str | None:
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
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
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.note(f"{path}:{data.count(10, 0, error.start) + 1}: it is not UTF-8")
            text = data.decode("latin-1")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _walk(self) -> Iterator[str]:
        pending, seen = [("", 0)], 0
        while pending:
            folder, depth = pending.pop()
            for entry in self._entries(folder):
                seen += 1
                path = f"{folder}/{entry.name}" if folder else entry.name
                if seen > MAX_ENTRIES:
                    self.note(f"{path}:1: not looked at, nor anything after {MAX_ENTRIES} entries")
                    return
                if entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH and not self._is_skipped(path, entry.name):
                        pending.append((path, depth + 1))
                elif entry.is_file(follow_symlinks=False) and _printable(path):
                    yield path

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.note(f"{folder or '.'}:1: not looked at: {error.strerror}")
            return []

    def _is_skipped(self, path: str, name: str) -> bool:
        hidden = name.startswith(".") or name.endswith(".egg-info")
        return hidden or name in _SKIPPED or (self.root / path / "pyvenv.cfg").is_file()


def _printable(path: str) -> bool:
    """Whether a path can be put into a command and shown; names that are not text are left out."""
    return path.isprintable()
