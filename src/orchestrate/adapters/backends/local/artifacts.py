"""Writing a specialist's outputs: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from orchestrate.core.sharing.findings import SpecialistReport


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` through a temporary file beside it; mode 0600."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_report(folder: Path, report: SpecialistReport) -> Path:
    """Write `findings.json` into `folder` and return its path."""
    path = folder / "findings.json"
    write_whole(path, msgspec.json.format(msgspec.json.encode(report, order="deterministic")))
    return path
