"""Which files git tracks, read from its index.

The index is read directly, in the format of gitformat-index(5) (versions 2 to 4): asking git would
run with the repository's own configuration. An index that is split, damaged or larger than
MAX_INDEX_BYTES gives None, and then all files count.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path

MAX_INDEX_BYTES = 64_000_000
_HEADER = struct.Struct(">4sII")
#: Times, device, inode, mode, owner and size, in front of the object id.
_STAT_BYTES = 40
_EXTENDED = 0x4000
_NAME_BITS = 0x0FFF


class _DamagedError(Exception):
    """The bytes are no index that can be read here."""


def tracked_paths(root: Path) -> frozenset[str] | None:
    """Paths that git tracks in the working tree at `root`; None where that cannot be told.

    Paths that are not UTF-8 are left out.
    """
    folder = _git_folder(root / ".git")
    data = _read(folder / "index") if folder is not None else None
    if data is None:
        return None
    try:
        return frozenset(_names(data))
    except (_DamagedError, struct.error, IndexError):
        return None


def _git_folder(entry: Path) -> Path | None:
    """The folder with the index: `.git` itself, or what the file `.git` of a worktree names."""
    if entry.is_dir():
        return entry
    data = _read(entry, limit=4096)
    if data is None:
        return None
    label, _, path = data.decode("utf-8", "surrogateescape").partition(": ")
    return entry.parent / path.rstrip("\r\n") if label == "gitdir" and "\0" not in path else None


def _read(path: Path, limit: int = MAX_INDEX_BYTES) -> bytes | None:
    """The bytes of a regular file, None if it is something else, or has more than `limit`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(limit + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= limit else None


def _names(data: bytes) -> list[str]:
    mark, version, count = _HEADER.unpack_from(data)
    if mark != b"DIRC" or version not in (2, 3, 4):
        raise _DamagedError
    digest_bytes = _digest_bytes(data)
    offset, name = _HEADER.size, b""
    found: list[str] = []
    for _ in range(count):
        start = offset
        offset += _STAT_BYTES + digest_bytes
        (flags,) = struct.unpack_from(">H", data, offset)
        offset += 4 if flags & _EXTENDED else 2
        name, offset = _name(data, offset, flags, version, name)
        if version < 4:  # entries are filled up with 1 to 8 NUL bytes
            offset = start + (offset - start + 8) // 8 * 8
        try:
            found.append(name.decode("utf-8"))
        except UnicodeDecodeError:
            continue
    if _has_link(data, offset, digest_bytes):
        raise _DamagedError  # most entries are in another file
    return found


def _digest_bytes(data: bytes) -> int:
    """Length of an object id, told by the checksum; a checksum that was skipped is all zero."""
    for length, digest in ((20, hashlib.sha1), (32, hashlib.sha256)):
        if digest(data[:-length]).digest() == data[-length:]:
            return length
    if not any(data[-20:]):
        return 20
    raise _DamagedError


def _name(data: bytes, offset: int, flags: int, version: int, before: bytes) -> tuple[bytes, int]:
    """The entry's path, and the offset behind it; version 4 leaves out what it shares."""
    kept = b""
    if version == 4:
        strip, offset = _varint(data, offset)
        if strip > len(before):
            raise _DamagedError
        kept = before[: len(before) - strip]
    length = flags & _NAME_BITS
    short = version < 4 and length < _NAME_BITS
    end = offset + length if short else data.find(b"\0", offset)
    if end < offset or end > len(data):
        raise _DamagedError
    return kept + data[offset:end], end + 1 if version == 4 else end


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Git's offset encoding: seven bits a byte, each continuation adds one."""
    byte = data[offset]
    offset += 1
    value = byte & 0x7F
    while byte & 0x80:
        byte = data[offset]
        offset += 1
        value = (value + 1) << 7 | (byte & 0x7F)
        if value > MAX_INDEX_BYTES:
            raise _DamagedError
    return value, offset


def _has_link(data: bytes, offset: int, digest_bytes: int) -> bool:
    """Whether this is only one part of a split index."""
    while offset + 8 <= len(data) - digest_bytes:
        mark, size = struct.unpack_from(">4sI", data, offset)
        if mark == b"link":
            return True
        offset += 8 + size
    return False
