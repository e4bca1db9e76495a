"""Secrets taken out of output before it is stored, however the pipe cuts it into portions."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BLANK = b"[redacted]"
#: Shorter values are not looked for: they would occur by chance and make the output unreadable.
SHORTEST = 8


class Redaction:
    """Replaces every occurrence of `secrets` in a stream of bytes by `BLANK`.

    Only what may be the beginning of a secret is held back, so that whoever follows the log sees
    each line as soon as it is written.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {secret.encode() for secret in secrets if len(secret) >= SHORTEST}
        # The longest first: one secret may contain another.
        self._secrets = sorted(found, key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be stored of everything given so far and not returned yet."""
        if not self._secrets:
            return data
        data = self._held + data
        for secret in self._secrets:
            data = data.replace(secret, BLANK)
        keep = max(_overlap(data, secret) for secret in self._secrets)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def finish(self) -> bytes:
        """What was held back: it was the beginning of no secret after all."""
        rest, self._held = self._held, b""
        return rest


def _overlap(data: bytes, secret: bytes) -> int:
    """The length of the longest end of `data` that `secret` begins with."""
    for size in range(min(len(data), len(secret) - 1), 0, -1):
        if secret.startswith(data[-size:]):
            return size
    return 0
