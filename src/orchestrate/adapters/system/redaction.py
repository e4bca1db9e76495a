"""Secrets taken out of output before it is stored, however the pipe cuts it into portions."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLANK = b"[redacted]"
#: Shorter values are not looked for: they would occur by chance and make the output unreadable.
SHORTEST = 8
#: The same for the value in a line `NAME: value`: headers say `application/json` as well.
SHORTEST_VALUE = 20
#: How often a value is spelled as JSON: what a command printed is told in a line of JSON, and some
#: programs tell it as JSON in that.
_NESTED = 2


class Redaction:
    """Replaces every occurrence of `secrets` in a stream of bytes by `BLANK`.

    Each is looked for as it is and as JSON spells it; of several lines (`NAME: value`, as headers
    are given in one variable), each line and its value as well.

    Only what may be the beginning of a secret is held back, so that whoever follows the log sees
    each line as soon as it is written.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets for form in _forms(secret)}
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


def _forms(secret: str) -> Iterator[bytes]:
    """Everything `secret` may be printed as."""
    lines = secret.splitlines()
    values = (line.partition(": ")[2].strip() for line in lines)
    long_ones = (value for value in values if len(value) >= SHORTEST_VALUE)
    for part in (secret, secret.strip(), *lines, *long_ones):
        for ascii_only in (True, False):
            spelled = part
            for _ in range(_NESTED + 1):
                if len(part) >= SHORTEST:
                    yield spelled.encode("utf-8", "surrogateescape")
                spelled = json.dumps(spelled, ensure_ascii=ascii_only)[1:-1]


def _overlap(data: bytes, secret: bytes) -> int:
    """The length of the longest end of `data` that `secret` begins with."""
    for size in range(min(len(data), len(secret) - 1), 0, -1):
        if secret.startswith(data[-size:]):
            return size
    return 0
