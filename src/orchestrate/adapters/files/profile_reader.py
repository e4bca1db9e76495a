"""Agent files: Markdown with YAML front matter, as Claude Code and others read and people write it.

Every file with a recoverable name and description becomes a profile, with one located warning for
each repair; every other file is refused at a line. Nothing in a file is executed, and the work per
file is bounded: see the limits in `profile_text`, `front_matter`, `yaml_values` and `yaml_repair`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from orchestrate.adapters.files.front_matter import FrontMatter, locate
from orchestrate.adapters.files.profile_fields import build_profile
from orchestrate.adapters.files.profile_notes import ProfileError, ProfileNotes
from orchestrate.adapters.files.profile_text import MAX_FILE_BYTES, decode
from orchestrate.adapters.files.yaml_repair import Entry, read_parts, report
from orchestrate.adapters.files.yaml_values import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_VALUES,
    YamlExcess,
    YamlProblem,
    key_text,
    parse_yaml,
)
from orchestrate.core.agents.profile import Profile

__all__ = ["ProfileError", "parse_profile", "read_profile"]

_LIMITS = {"too-deep": MAX_DEPTH, "too-many-values": MAX_VALUES}


def read_profile(path: Path) -> Profile:
    """The profile in the file at `path`. Raises ProfileError."""
    return parse_profile(_read(path), str(path))


def parse_profile(data: bytes, path: str) -> Profile:
    """The profile in `data`, which are the contents of `path`. Raises ProfileError."""
    notes = ProfileNotes(path)
    block = locate(decode(data, notes), notes)
    try:
        entries = _entries(block, notes)
    except YamlExcess as excess:
        raise notes.refuse(
            excess.code, excess.line, limit=_LIMITS[excess.code], characters=MAX_CHARACTERS
        ) from None
    if not entries:
        raise notes.refuse("not-a-mapping", block.fence_line)
    return build_profile(entries, body=block.body, fence_line=block.fence_line, notes=notes)


def _entries(block: FrontMatter, notes: ProfileNotes) -> list[Entry]:
    """The keys of the block: at once if it is valid YAML, else one by one."""
    try:
        root, oddities = parse_yaml("\n".join(block.lines), block.first_line)
    except YamlProblem:
        return read_parts(block.lines, block.first_line, notes)
    if root is None or root.kind != "map":
        return read_parts(block.lines, block.first_line, notes)
    report(oddities, notes)
    return [Entry(key_text(key), key.line, key.column, value) for key, value in root.pairs]


def _read(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than allowed."""
    notes = ProfileNotes(str(path))
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise notes.refuse("not-a-file", 0)
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise notes.refuse("unreadable", 0, reason=error.strerror or error) from None
    except ValueError:
        raise notes.refuse("unreadable", 0, reason="its name contains a NUL") from None
