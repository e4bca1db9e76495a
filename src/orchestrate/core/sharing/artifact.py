"""Immutable outputs, known by digest."""

from __future__ import annotations

import msgspec


class Artifact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One output file. `digest` is lower-case hex SHA-256 of its bytes; `size_bytes` its length."""

    name: str
    digest: str
    size_bytes: int
    path: str
    media_type: str = "application/octet-stream"
