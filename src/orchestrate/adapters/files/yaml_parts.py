"""Cutting front matter that is not valid YAML into parts, one per key."""

from __future__ import annotations

import re

import msgspec

from orchestrate.adapters.files.front_matter import KEY_LINE
from orchestrate.adapters.files.profile_keys import PROFILE_SPELLINGS
from orchestrate.adapters.files.profile_notes import ProfileNotes

#: The header of a block scalar: its text stands below, not beside.
BLOCK_SCALAR = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(#.*)?$")
_UNSPACED = re.compile(rf"[ \t]*(?P<key>{'|'.join(PROFILE_SPELLINGS.accepted)}):(?P<value>\S.*)")


class Part(msgspec.Struct):
    """The lines of one key. `start` is the offset in the first line after the key's colon;
    `examples` how many `<example>` tags are open."""

    key: str
    line: int
    column: int
    start: int
    lines: list[str]
    examples: int

    def extend(self, line: str) -> None:
        """Take a further line in."""
        self.lines.append(line)
        self.examples += _opened_examples(line)

    @property
    def inline(self) -> str:
        """What stands beside the key, without a comment that stands there alone."""
        beside = self.lines[0][self.start :].strip()
        return "" if beside.startswith("#") else beside

    @property
    def is_text(self) -> bool:
        """Whether the value is written beside its key, so that lines below only continue it."""
        return bool(self.inline) and not BLOCK_SCALAR.match(self.inline)


def cut_parts(lines: tuple[str, ...], first_line: int, notes: ProfileNotes) -> list[Part]:
    """The parts of a block whose first line is line `first_line` of its file."""
    parts: list[Part] = []
    for number, line in enumerate(lines, first_line):
        part = _begun(line, number, parts, notes)
        if part is not None:
            parts.append(part)
        elif parts:
            parts[-1].extend(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            notes.warn("stray-line", number)
    return parts


def _begun(line: str, number: int, parts: list[Part], notes: ProfileNotes) -> Part | None:
    """The part that `line` begins, if it begins one."""
    if parts and _inside_example(parts[-1]):
        return None
    base = parts[0].column if parts else None
    found = KEY_LINE.match(line)
    if found is None:
        return _begun_without_space(line, number, base, notes)
    key, column = found["key"], len(found["indent"]) + 1
    if base is not None and column != base:
        if PROFILE_SPELLINGS.meant(key) is None or not parts[-1].is_text:
            return None
        notes.warn("indentation", number, column, key=key)
    kept = without_tabs(line, number, notes)
    return Part(key, number, column, found.end(), [kept], _opened_examples(line))


def _begun_without_space(
    line: str, number: int, base: int | None, notes: ProfileNotes
) -> Part | None:
    found = _UNSPACED.match(line)
    if found is None or base not in (None, found.start("key") + 1):
        return None
    start = found.start("value")
    notes.warn("missing-space", number, start, key=found["key"])
    spaced = f"{line[:start]} {line[start:]}"
    column = found.start("key") + 1
    return Part(found["key"], number, column, start, [spaced], _opened_examples(line))


def _opened_examples(line: str) -> int:
    return line.count("<example>") - line.count("</example>")


def without_tabs(line: str, number: int, notes: ProfileNotes, width: int = 1) -> str:
    """`line` with `width` spaces for each tab of its indentation; 1 keeps the columns."""
    indent = len(line) - len(line.lstrip(" \t"))
    tab = line.find("\t", 0, indent)
    if tab < 0:
        return line
    notes.warn("tab-indentation", number, tab + 1)
    return line[:indent].replace("\t", " " * width) + line[indent:]


def _inside_example(part: Part) -> bool:
    """Whether a description has an `<example>` open: the dialogue in it has lines like keys."""
    return part.examples > 0 and PROFILE_SPELLINGS.meant(part.key) == "description"
