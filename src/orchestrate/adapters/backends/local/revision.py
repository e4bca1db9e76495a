"""Which revision a repository is at, read from its files.

No git program runs: a repository that is being scanned may carry configuration that makes git start
commands of its choosing. What cannot be read (no git, no commits, the reftable format) is "".
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

_HASH = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_ORIGIN = re.compile(r'^\[remote "origin"\]\s*$(?P<body>[^\[]*)', re.MULTILINE)
_URL = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)\s*$", re.MULTILINE)
_LARGEST_BYTES = 4_000_000


def head_revision(repository: Path) -> str:
    """The commit HEAD names, in hex, or "". Uncommitted changes are not part of it."""
    folder = _git_folder(repository)
    if folder is None:
        return ""
    head = _text(folder / "HEAD").strip()
    if not head.startswith("ref:"):
        return head if _HASH.match(head) else ""
    name = head.removeprefix("ref:").strip()
    if ".." in name or name.startswith("/"):
        return ""
    shared = _shared_folder(folder)
    for place in (folder, shared):
        value = _text(place / name).strip()
        if _HASH.match(value):
            return value
    packed = re.search(rf"^([0-9a-f]+) {re.escape(name)}$", _text(shared / "packed-refs"), re.M)
    return packed[1] if packed and _HASH.match(packed[1]) else ""


def origin_url(repository: Path) -> str:
    """The URL of the remote `origin` without user name and password, or ""."""
    folder = _git_folder(repository)
    if folder is None:
        return ""
    section = _ORIGIN.search(_text(_shared_folder(folder) / "config"))
    found = _URL.search(section["body"]) if section else None
    return _public(found["url"]) if found else ""


def _public(url: str) -> str:
    """An absolute URL others can use: `git@host:path` becomes `ssh://host/path`."""
    short = re.match(r"^(?:[^@/:]+@)?(?P<host>[\w.-]+):(?P<path>[^/\\].*)$", url)
    if short and "://" not in url:
        return f"ssh://{short['host']}/{quote(short['path'])}"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "ssh", "git"} or not parts.hostname:
        return ""
    path = quote(parts.path, safe="/%~:@+")
    return urlunsplit((parts.scheme, f"{parts.hostname}{port}", path, "", ""))


def _git_folder(repository: Path) -> Path | None:
    """`.git`, followed when it is the file a worktree or submodule has instead of a folder."""
    place = repository / ".git"
    if place.is_file():
        pointer = _text(place).strip()
        if not pointer.startswith("gitdir:"):
            return None
        place = repository / pointer.removeprefix("gitdir:").strip()
    return place if place.is_dir() else None


def _shared_folder(folder: Path) -> Path:
    """Where a worktree's shared refs and configuration are; `folder` itself for a plain clone."""
    pointer = _text(folder / "commondir").strip()
    return folder / pointer if pointer else folder


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
