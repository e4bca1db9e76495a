"""The project's own instructions for agents: `CLAUDE.md` and `AGENTS.md`, read from a commit.

They are given to agents as material. Only what the commit holds is read, never the user's folder:
what is not committed, personal notes for instance, stays with the user.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrate.ports.performer import ContextFile

#: The contents of a file of the commit, by its path from the top; None if it has none.
Read = Callable[[str], bytes | None]

#: For all files together. More would crowd out the task, and be paid for with every model call.
MAX_BYTES = 64 * 1024
MAX_DEPTH = 5
#: Paths that are looked at; each costs a few milliseconds.
MAX_READS = 200
_NAMES = ("CLAUDE.md", "AGENTS.md")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_SPAN = re.compile(r"`[^`]*`")
_IMPORT = re.compile(r"(?:^|(?<=\s))@((?:\\ |\S)+)")
#: A link's blob is its target; longer ones are no path of a file of instructions.
_MAX_LINK = 300


def standards(read: Read, targets: Sequence[str] = ()) -> tuple[ContextFile, ...]:
    """The instruction files that concern work on `targets`, those at the top first.

    Args:
        read: reads a file of the commit.
        targets: folders or patterns of paths the task works on; their folders' files are added.

    Returns:
        Each file once, with the digest of all of it. What does not fit into `MAX_BYTES` is left
        out, and the text says so. A file without a path is a note of what was not looked for.
    """
    gathering = _Gathering(read)
    for path in ("CLAUDE.md", ".claude/CLAUDE.md", "AGENTS.md"):
        gathering.add(path)
    for folder in _folders(targets):
        for name in _NAMES:
            gathering.add(f"{folder}/{name}")
    if gathering.passed_over:
        note = f"[{gathering.passed_over} more paths were not looked at for instructions]"
        return (*gathering.found, ContextFile("", note))
    return tuple(gathering.found)


@dataclass
class _Gathering:
    """What was found so far, how many bytes may still be added, and what was not looked at."""

    read: Read
    found: list[ContextFile] = field(default_factory=list)
    room: int = MAX_BYTES
    seen: set[str] = field(default_factory=set)
    passed_over: int = 0

    def add(self, path: str, depth: int = 0) -> None:
        """Add the file at `path` and then what it imports, depth first, each file once."""
        if path in self.seen:
            return
        if len(self.seen) >= MAX_READS:
            self.passed_over += 1
            return
        self.seen.add(path)
        data = self.read(path)
        if data is None:
            return
        target = _link_target(path, data)
        if target is not None and (target in self.seen or self.read(target) is not None):
            self.add(target, depth)
            return
        if b"\0" in data:
            return
        self.found.append(self._file(path, data))
        if depth < MAX_DEPTH:
            for imported in _imports(data.decode("utf-8", "replace"), posixpath.dirname(path)):
                self.add(imported, depth + 1)

    def _file(self, path: str, data: bytes) -> ContextFile:
        kept = data[: self.room]
        self.room -= len(kept)
        # Cutting may halve a character; what is whole stays.
        text = data.decode("utf-8", "replace")
        if len(kept) < len(data):
            text = kept.decode("utf-8", "ignore")
            text += f"\n[{len(data) - len(kept)} of {len(data)} bytes of this file are left out:"
            text += f" at most {MAX_BYTES} of instructions are given]\n"
        return ContextFile(path, text, hashlib.sha256(data).hexdigest())


def _link_target(path: str, data: bytes) -> str | None:
    """Where `data` leads if it is what a symbolic link holds, inside the repository.

    The file's mode is not at hand. A file that holds nothing but the path of another one, without
    a line end, means the same thing.
    """
    if not data or len(data) > _MAX_LINK or b"\n" in data or b"\0" in data:
        return None
    return _joined(posixpath.dirname(path), data.decode("utf-8", "replace"))


def _imports(text: str, folder: str) -> Iterator[str]:
    """Paths that `@path` names outside of code, relative to `folder`, inside the repository."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
            continue
        if fence or line.startswith(("    ", "\t")):
            continue
        for match in _IMPORT.finditer(_SPAN.sub(" ", line)):
            written = match[1].replace("\\ ", " ")
            for path in dict.fromkeys((written, written.rstrip(".,;:!?)"))):
                joined = _joined(folder, path)
                if joined is not None:
                    yield joined


def _joined(folder: str, path: str) -> str | None:
    """`path` from `folder`, from the top of the repository; None if it leads out of it."""
    if path.startswith(("/", "~")) or not path:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined in (".", "..") or joined.startswith("../") else joined


def _folders(targets: Sequence[str]) -> list[str]:
    """Folders that `targets` name or lie in, without the top: fewest parts first, then by name."""
    found: set[tuple[str, ...]] = set()
    for target in targets:
        parts: list[str] = []
        for part in target.split("/"):
            if part == ".." or set(part) & set("*?["):
                break
            if part not in ("", "."):
                parts.append(part)
                found.add(tuple(parts))
    return ["/".join(parts) for parts in sorted(found, key=lambda parts: (len(parts), parts))]
