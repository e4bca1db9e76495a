"""From the bytes of an agent file to its text."""

from __future__ import annotations

import codecs
import re

from orchestrate.adapters.files.profile_notes import ProfileNotes

#: Some 20 times the longest of 395 agent files from 4 public collections (48 548 bytes).
MAX_FILE_BYTES = 1024 * 1024

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: `surrogateescape` maps an undecodable byte b to U+DC00 + b; here is what b means in Windows-1252.
_WINDOWS = {0xDC00 + b: bytes([b]).decode("cp1252", "replace") for b in range(0x80, 0x100)}
#: Not allowed in YAML, or a line break to YAML alone, which would shift line numbers.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def decode(data: bytes, notes: ProfileNotes) -> str:
    """The text of `data`, without a byte order mark; line ends as they are.

    Bytes that are not UTF-8 are taken for Windows-1252. Raises ProfileError for what is no text.
    """
    if len(data) > MAX_FILE_BYTES:
        raise notes.refuse("too-large", 0, limit=MAX_FILE_BYTES)
    if data.startswith(_UTF16):
        return _decode_utf16(data, notes)
    if b"\0" in data:
        line, column = _place(data, data.index(b"\0"))
        raise notes.refuse("binary", line, column, reason="it contains a NUL byte")
    if data.startswith(codecs.BOM_UTF8):
        notes.warn("byte-order-mark", 1)
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        notes.warn("encoding", *_place(data, error.start), encoding="Windows-1252")
    return data.decode("utf-8", "surrogateescape").translate(_WINDOWS)


def _decode_utf16(data: bytes, notes: ProfileNotes) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:
        raise notes.refuse("binary", 1, reason="it begins like UTF-16 and is not") from None
    if "\0" in text:
        raise notes.refuse("binary", 1, reason="it contains a NUL character")
    notes.warn("encoding", 1, encoding="UTF-16")
    return text


def _place(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return line, column


def find_control(text: str) -> tuple[int, str] | None:
    """Offset and name of the first control character or lone surrogate, if there is one."""
    found = _CONTROL.search(text)
    return (found.start(), f"U+{ord(found.group()):04X}") if found else None


def without_control(text: str) -> str:
    """`text` with each control character replaced by a space, so that columns stay."""
    return _CONTROL.sub(" ", text)
