"""File names as text that is safe to print and to encode, and back.

A backslash, a control or invisible formatting character, and a byte that is not UTF-8 are written
as escapes; everything else stands for itself.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def safe_name(name: str) -> str:
    """`name` as `os.fsdecode` gives it, with everything unprintable escaped; see `disk_name`."""
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    return "".join(map(_escaped, name))


def disk_name(path: str) -> str:
    """The name on disk of an escaped path: the inverse of `safe_name`."""
    return _ESCAPE.sub(_unescaped, path) if "\\" in path else path


def _escaped(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() and unicodedata.category(character) != "Cf":
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long = match.groups()
    if byte:
        return chr(0xDC00 + int(byte, 16))
    return chr(int(short or long, 16)) if short or long else "\\"
