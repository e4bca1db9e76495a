"""Where a remote's address leads: which code host, and which repository there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from orchestrate.ports.code_host import HostedRepository

#: `user@host:path`, which is no address of a file because the colon comes before any slash.
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!//)(.+)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?")
_PATH = re.compile(r"[\w.][\w.-]*(?:/[\w.][\w.-]*)+")
#: Hosts that answer at other names where only port 443 is open.
_ALSO = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}


def hosted(url: str) -> HostedRepository | None:
    """The repository behind an address; None where that is at no code host, a folder for one."""
    if "://" in url:
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
        except ValueError:
            return None
        if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh"):
            return None
        host, path = f"{parts.hostname or ''}{port}", parts.path
    else:
        match = _SCP.fullmatch(url)
        if match is None:
            return None
        host, path = match[1].lower(), match[2]
    host = _ALSO.get(host, host)
    path = path.strip("/").removesuffix(".git")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or ".." in path:
        return None
    return HostedRepository(host, path)
