"""Where advisories come from: a folder of OSV files, or a service that answers for given packages.

Nothing is sent anywhere unless a service is named, and what is sent is returned to be recorded.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.local.osv import Advisory, read_advisory

MAX_FILE_BYTES = 4_000_000
MAX_RESPONSE_BYTES = 32_000_000
REQUEST_TIMEOUT_S = 20.0
#: Queries per request; the public protocol allows 1000.
BATCH = 500
_SHOWN_BROKEN = 3
_SUFFIXES = {".json", ".yaml", ".yml"}


class Unreachable(Exception):
    """The source gave no usable answer; the text says why. `sent` is what left the machine."""

    def __init__(self, reason: str, sent: str = "") -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(slots=True)
class Advisories:
    """Advisories by the name of the package they affect. `broken` are files that cannot be used."""

    by_package: dict[str, list[Advisory]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    count: int = 0
    sent: str = ""

    def add(self, advisory: Advisory) -> None:
        """Keep an advisory, unless it was withdrawn."""
        self.count += 1
        if advisory.withdrawn:
            self.withdrawn.append(advisory.id)
            return
        for name in sorted({affected.package for affected in advisory.affected}):
            known = self.by_package.setdefault(name, [])
            if all(each.id != advisory.id for each in known):
                known.append(advisory)

    def broken_reason(self) -> str:
        """A sentence about the broken files."""
        shown = "; ".join(sorted(self.broken)[:_SHOWN_BROKEN])
        return f"{len(self.broken)} advisories cannot be read: {shown}"


def read_folder(folder: Path, wanted: Iterable[str]) -> Advisories:
    """Every OSV file below `folder` that speaks of a wanted (normalised) package name.

    A file that mentions none of the names is not parsed: a whole database has tens of thousands.
    One that has not even the outline of an advisory counts as broken whatever it mentions, since
    nobody knows what it was to say.

    Raises:
        Unreachable: there is no such folder, or no advisory in it.
    """
    advisories = Advisories()
    mentions = _mentions(wanted)
    files = _files(folder)
    if not files:
        raise Unreachable(f"{folder} holds no advisories (.json, .yaml)")
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            text = _text(path)
            outlined = "affected" in text or "withdrawn" in text
            if outlined and not mentions.search(text):
                advisories.count += 1
                continue
            advisories.add(read_advisory(_decode(path, text)))
        except (OSError, ValueError) as error:
            advisories.broken.append(f"{name} ({' '.join(str(error).split())[:120]})")
    return advisories


def ask_service(url: str, packages: Sequence[tuple[str, str]], deadline_s: float) -> Advisories:
    """Ask an OSV service about `packages`: (normalised name, version or "" for any).

    Sends the names and versions to `URL/v1/querybatch`, then fetches each advisory named in the
    answer from `URL/v1/vulns/ID`. Redirects are not followed.

    Raises:
        Unreachable: no usable answer; its `sent` says what had left the machine by then.
    """
    base = _checked(url)
    advisories = Advisories()
    ids: set[str] = set()
    for start in range(0, len(packages), BATCH):
        batch = packages[start : start + BATCH]
        advisories.sent = _sent(base, packages[: start + len(batch)])
        ids |= _ask(base, batch, advisories.sent, deadline_s)
    for each in sorted(ids):
        raw = _get(f"{base}/v1/vulns/{urllib.parse.quote(each, safe='')}", None, advisories.sent)
        try:
            advisories.add(read_advisory(raw))
        except ValueError as error:
            advisories.broken.append(f"{each} ({error})")
    return advisories


def _ask(base: str, batch: Sequence[tuple[str, str]], sent: str, timeout_s: float) -> set[str]:
    queries: list[dict[str, Any]] = [
        {"package": {"name": name, "ecosystem": "PyPI"}} | ({"version": version} if version else {})
        for name, version in batch
    ]
    ids: set[str] = set()
    while queries:
        answer = _get(f"{base}/v1/querybatch", {"queries": queries}, sent, timeout_s)
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(queries):
            raise Unreachable(f"{base} answered something that is not OSV", sent)
        further = []
        for query, result in zip(queries, results, strict=True):
            result = result if isinstance(result, dict) else {}
            ids |= {str(each["id"]) for each in result.get("vulns") or () if each.get("id")}
            if result.get("next_page_token"):
                further.append(query | {"page_token": result["next_page_token"]})
        queries = further
    return ids


def _sent(base: str, packages: Sequence[tuple[str, str]]) -> str:
    listed = ", ".join(f"{name} {version}".strip() for name, version in packages)
    return f"to {base}: {len(packages)} package names and versions: {listed}"


def _checked(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unreachable(f"{url!r} is not an http or https address")
    if parts.username or parts.query or parts.fragment:
        raise Unreachable(f"the address of {parts.hostname} must be plain: no user, query or #")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Unreachable(f"{parts.hostname} must be asked over https")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Refuse: names must not reach a host nobody named."""


def _get(url: str, body: object, sent: str, timeout_s: float = REQUEST_TIMEOUT_S) -> Any:
    """Decoded JSON from `url`; posts `body` unless it is None."""
    data = None if body is None else msgspec.json.encode(body)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - _checked
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=min(timeout_s, REQUEST_TIMEOUT_S)) as response:
            text = response.read(MAX_RESPONSE_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise Unreachable(f"{url} answered {error.code} {error.reason}", sent) from None
    except urllib.error.URLError as error:
        # Without a connection nothing was sent.
        refused = isinstance(error.reason, ConnectionRefusedError)
        reason = f"{url} cannot be reached: {error.reason}"
        raise Unreachable(reason, "" if refused else sent) from None
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url} cannot be reached: {error}", sent) from None
    if len(text) > MAX_RESPONSE_BYTES:
        raise Unreachable(f"{url} answered more than {MAX_RESPONSE_BYTES} bytes", sent)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Unreachable(f"{url} answered something that is not JSON", sent) from None


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Unreachable(f"there is no folder {folder}")
    return sorted(p for p in folder.rglob("*") if p.suffix in _SUFFIXES and p.is_file())


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES} bytes")
    return path.read_text(encoding="utf-8")


def _mentions(wanted: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the names however it is written (PEP 503)."""
    written = (re.escape(name).replace(r"\-", "[-_.]+") for name in sorted(wanted))
    names = "|".join(written) or r"(?!)"
    return re.compile(rf"(?<![a-z0-9])({names})(?![a-z0-9])", re.IGNORECASE)


def _decode(path: Path, text: str) -> Any:
    if path.suffix == ".json":
        return msgspec.json.decode(text)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    # The base loader keeps every scalar as text: 3.10 is a version here, never the number 3.1.
    loader = YAML(typ="base", pure=True)
    try:
        return loader.load(text)
    except (YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ValueError(f"not YAML: {problem}") from None
