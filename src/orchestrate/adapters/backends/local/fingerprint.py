"""Fingerprints that survive moved lines, and the counter that tells equals apart."""

from __future__ import annotations

import hashlib
from collections import Counter

#: Hexadecimal characters kept of the SHA-256; 128 bits make a chance collision irrelevant.
LENGTH = 32


def fingerprint(rule: str, path: str, source_line_text: str, ordinal: int) -> str:
    """Identify a finding by what the line says instead of where it stands.

    Args:
        rule: our rule id.
        path: relative to the repository root.
        source_line_text: the line (or a secret-free stand-in for it); white space is normalised.
        ordinal: 0 for the first finding with these three in file order, 1 for the next.
    """
    text = " ".join(source_line_text.split())
    parts = "\0".join((rule, path, text, str(ordinal)))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


class Ordinals:
    """Counts equals in the order they are asked for; ask in file order."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def fingerprint(self, rule: str, path: str, source_line_text: str) -> str:
        """The fingerprint with the next free ordinal."""
        key = (rule, path, " ".join(source_line_text.split()))
        ordinal = self._seen[key]
        self._seen[key] += 1
        return fingerprint(*key, ordinal)
