"""Terminal output as text: decoded, without colours, with a bound on its length."""

from __future__ import annotations

import re

from orchestrate.core.sharing.outcomes import UnreadableReportError

#: Bytes of a log that are read: the summaries that are looked for stand at its end.
MAX_LOG_BYTES = 16 * 1024 * 1024

# CSI and OSC sequences of ECMA-48, and the carriage returns of progress bars.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")


def plain(output: bytes | str) -> str:
    """`output` as text: its last MAX_LOG_BYTES, UTF-8 with replacements, escapes removed."""
    if isinstance(output, bytes):
        output = output[-MAX_LOG_BYTES:].decode("utf-8", errors="replace")
    return _ESCAPES.sub("", output).replace("\r\n", "\n").replace("\r", "\n")


def whole(output: bytes | str, what: str) -> str:
    """`output` as text, for readers that need all of it.

    Raises:
        UnreadableReportError: it is longer than MAX_LOG_BYTES.
    """
    if len(output) > MAX_LOG_BYTES:
        raise UnreadableReportError(what, f"it has more than {MAX_LOG_BYTES} bytes")
    return plain(output)
