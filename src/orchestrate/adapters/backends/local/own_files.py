"""Recognising what this program wrote itself, when it lies in the repository.

A report quotes findings and a baseline is made of fingerprints: looked at as any other file, each
scan would find the one before. They are told by their form, not by their name or place, which the
user chooses; whatever deviates from the form is looked at.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from orchestrate.core.sharing.baseline import Baseline
from orchestrate.core.sharing.summary import Generator, ReportDocument

_OUR_NAME = "orchestrate"
#: How far into a file its kind shows; saves decoding every other JSON file.
_HEAD_BYTES = 2_000
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


class _Tool(msgspec.Struct):
    driver: Generator


class _SarifRun(msgspec.Struct):
    tool: _Tool


class _Sarif(msgspec.Struct):
    runs: tuple[_SarifRun, ...]


def is_own_file(path: str, data: bytes) -> bool:
    """Whether the file is a report or a baseline of this program."""
    head, tail = data[:_HEAD_BYTES], data[-_HEAD_BYTES:]
    match PurePosixPath(path).suffix.lower():
        case ".html":
            # The page's script stands between its last line and the end.
            return b"<title>Security report: " in head and b">Written by orchestrate " in data
        case ".md":
            return head.startswith(b"# Security report: ") and b"\nWritten by orchestrate " in tail
        case ".sarif" if b'"runs"' in head and _OUR_NAME.encode() in head:
            return _is_sarif(data)
        case ".json" if b'"fingerprints"' in head or b'"generator"' in head:
            return _is_baseline(data) or _is_report(data)
        case _:
            return False


def _is_sarif(data: bytes) -> bool:
    try:
        runs = msgspec.json.decode(data, type=_Sarif).runs
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return bool(runs) and all(run.tool.driver.name == _OUR_NAME for run in runs)


def _is_report(data: bytes) -> bool:
    try:
        return msgspec.json.decode(data, type=ReportDocument).generator.name == _OUR_NAME
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _is_baseline(data: bytes) -> bool:
    try:
        entries = msgspec.json.decode(data, type=Baseline).entries
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return all(_FINGERPRINT.fullmatch(one) for entry in entries for one in entry.fingerprints)
