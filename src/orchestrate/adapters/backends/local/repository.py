"""What there is to look at in a repository, and reading it without trusting it.

Decisions:
- The folder on disk is surveyed, not git's index: it works without git, in mid-rebase and on an
  unpacked archive, and no git program meets a repository's configuration.
- `.gitignore` is not honoured. An ignored file can still be shipped or hold a secret; what is
  usually ignored (environments, caches, build output) is recognised by what it is.
- Checked-out submodules and nested repositories are other projects: listed, not examined.
- Symbolic links are never followed and are listed, so nothing outside the root is ever read.
- Version-control data (`.git` and relatives) is not part of the subject and not listed.

Paths are text that is safe to print and to encode; `disk_name` leads back to the file.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.file_kinds import (
    VERSION_CONTROL,
    classify,
    line_count,
    skipped_folder,
)
from orchestrate.adapters.backends.local.languages import PYTHON, exposure_of, is_code
from orchestrate.adapters.backends.local.path_names import disk_name as disk_name
from orchestrate.adapters.backends.local.path_names import safe_name as safe_name
from orchestrate.core.sharing.findings import Exposure, Inventory, NotExamined

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 200_000
MAX_DEPTH = 100
#: Paths shown per reason; the count is always complete.
SHOWN_PATHS = 20
#: Longest line of an excerpt.
MAX_EXCERPT_COLUMNS = 240


class SourceFile(msgspec.Struct, frozen=True):
    """One text file. `path` is relative to the root, `/`-separated and escaped (see module)."""

    path: str
    size_bytes: int
    language: str
    exposure: Exposure
    lines: int


@dataclass(frozen=True, slots=True)
class Survey:
    """A repository at one look: `files` are the Python sources that can be examined, `other` every
    other readable text file, both in path order."""

    root: Path
    files: tuple[SourceFile, ...]
    other: tuple[SourceFile, ...]
    not_examined: tuple[NotExamined, ...]
    inventory: Inventory

    @property
    def texts(self) -> tuple[SourceFile, ...]:
        """All readable text files in path order."""
        return tuple(sorted((*self.files, *self.other), key=lambda file: file.path))


def survey(
    root: Path,
    *,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_files: int = MAX_FILES,
    max_depth: int = MAX_DEPTH,
) -> Survey:
    """Walk `root` and sort its files into what can be examined and what cannot, with reasons.

    Reads each file once, at most `max_file_bytes` of it, and keeps no contents. Never raises for
    anything inside `root`.

    Raises:
        NotADirectoryError: `root` is not a folder.
    """
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder")
    found = _Found()
    for index, (path, entry) in enumerate(_walk(root, found, max_depth)):
        if index >= max_files:
            found.leave_out(f"beyond the first {max_files} files", path)
        else:
            _sort_in(found, path, entry, max_file_bytes)
    return found.survey(root)


def read_text(root: Path, file: SourceFile) -> str:
    """The text of `file` with `\\n` line ends and without a byte-order mark.

    Decoded as the file declares (PEP 263), else UTF-8, else Latin-1. Never raises for content; a
    file that has gone or can no longer be read gives "".
    """
    try:
        data = read_bytes(root, file.path)
    except OSError:
        return ""
    return decode(data)


def read_bytes(root: Path, path: str, limit: int = MAX_FILE_BYTES * 8) -> bytes:
    """At most `limit` bytes of the file that a survey calls `path`.

    Raises:
        OSError: it cannot be read, or is no longer a regular file.
    """
    # A file may have become a link or a FIFO since the survey; neither may be followed or block.
    name = os.path.join(root, disk_name(path))  # noqa: PTH118 - names may hold surrogates
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        return stream.read(limit)


def decode(data: bytes) -> str:
    """`data` as text with `\\n` line ends: declared encoding, else UTF-8, else Latin-1."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return _line_ends(data.decode(encoding, "replace"))
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return _line_ends(data.decode(encoding))
    except (SyntaxError, LookupError, UnicodeError, ValueError):
        pass
    try:
        return _line_ends(data.decode("utf-8-sig"))
    except UnicodeError:
        return _line_ends(data.decode("latin-1"))


def excerpt(text: str, line: int, *, before: int = 2, after: int = 2) -> tuple[str, int]:
    """Lines around `line` (from 1) of `text`, and the number of the first one.

    Long lines are cut at MAX_EXCERPT_COLUMNS. A `line` outside `text` gives the nearest lines.
    """
    lines = text.split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    line = min(max(line, 1), len(lines))
    first = max(1, line - before)
    shown = lines[first - 1 : line + after]
    cut = [
        each if len(each) <= MAX_EXCERPT_COLUMNS else each[: MAX_EXCERPT_COLUMNS - 1] + "…"
        for each in shown
    ]
    return "\n".join(cut), first


@dataclass(slots=True)
class _Found:
    """What a survey has come across so far."""

    files: list[SourceFile] = field(default_factory=list)
    other: list[SourceFile] = field(default_factory=list)
    omitted: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    seen: int = 0

    def leave_out(self, reason: str, path: str, count: int = 1) -> None:
        """Note that `count` files at `path` are not examined."""
        total, paths = self.omitted.setdefault(reason, (0, []))
        if len(paths) < SHOWN_PATHS:
            paths.append(path)
        self.omitted[reason] = (total + count, paths)

    def survey(self, root: Path) -> Survey:
        """The result, in path order."""
        languages: dict[str, tuple[int, int]] = {}
        for file in (*self.files, *self.other):
            files, lines = languages.get(file.language, (0, 0))
            languages[file.language] = (files + 1, lines + file.lines)
        return Survey(
            root=root,
            files=tuple(sorted(self.files, key=lambda file: file.path)),
            other=tuple(sorted(self.other, key=lambda file: file.path)),
            not_examined=tuple(
                NotExamined(reason, count, tuple(sorted(paths)))
                for reason, (count, paths) in sorted(self.omitted.items())
            ),
            inventory=Inventory(
                files=self.seen,
                lines=sum(lines for _, lines in languages.values()),
                python_files=len(self.files),
                python_lines=sum(file.lines for file in self.files),
                languages=dict(sorted(languages.items())),
            ),
        )


def _walk(root: Path, found: _Found, max_depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Regular files below `root` with their escaped paths; everything else is left out."""
    stack: list[tuple[str, str, int]] = [(os.fspath(root), "", 0)]
    while stack:
        folder, prefix, depth = stack.pop()
        entries = _entries(folder)
        if entries is None:
            found.leave_out("unreadable", prefix.rstrip("/") or ".")
            continue
        below: list[tuple[str, str, int]] = []
        for entry in entries:
            path = prefix + safe_name(entry.name)
            if entry.name in VERSION_CONTROL:
                continue
            if entry.is_symlink():
                found.leave_out("symbolic link, not followed", path)
            elif entry.is_dir(follow_symlinks=False):
                names = {each.name for each in _entries(entry.path) or ()}
                reason = skipped_folder(entry.name, names, prefix)
                if depth + 1 > max_depth:
                    reason = f"nested deeper than {max_depth} folders"
                if reason:
                    found.leave_out(reason, path + "/", _count(entry.path))
                else:
                    below.append((entry.path, path + "/", depth + 1))
            elif entry.is_file(follow_symlinks=False):
                yield path, entry
            else:
                found.leave_out("not a regular file (pipe, socket or device)", path)
        stack.extend(reversed(below))


def _entries(folder: str) -> list[os.DirEntry[str]] | None:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return None


def _count(folder: str) -> int:
    """Number of files below `folder`, links not followed, counting stops at MAX_FILES."""
    total = 0
    stack = [folder]
    while stack and total < MAX_FILES:
        for entry in _entries(stack.pop()) or ():
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            else:
                total += 1
    return total


def _sort_in(found: _Found, path: str, entry: os.DirEntry[str], max_file_bytes: int) -> None:
    found.seen += 1
    try:
        size = entry.stat(follow_symlinks=False).st_size
        data = _read(entry.path, max_file_bytes) if size <= max_file_bytes else b""
    except OSError:
        found.leave_out("unreadable", path)
        return
    if size > max_file_bytes:
        found.leave_out(f"larger than {max_file_bytes} bytes", path)
        return
    reason, language = classify(path, data)
    if reason:
        found.leave_out(reason, path)
        return
    if is_code(language):
        found.leave_out(f"{language}: no analysis for this language", path)
    file = SourceFile(path, size, language, exposure_of(path), line_count(data))
    (found.files if language == PYTHON else found.other).append(file)


def _read(name: str, limit: int) -> bytes:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        return stream.read(limit)


def _line_ends(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
