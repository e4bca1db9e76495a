"""Text that people hostile to a reader would put into a repository."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.core.sharing.findings import Analysis

PAYLOAD = (
    "</script></title></style></textarea><script>alert(1)</script>"
    "<img src=x onerror=alert(2)>\"' onmouseover='alert(3)' {{style}} ${x} `b` |p| @team\n"
    "\u202edesrever\u2066\u200b\ufeff\x1b[31m\x00\u2028 [l](javascript:alert(4)) --> ]]>"
)
#: Keys whose values are from a closed set, so that they cannot carry text.
_CLOSED = {"severity", "confidence", "category", "exposure", "status", "scope"}


def hostile(analysis: Analysis) -> Analysis:
    """`analysis` with PAYLOAD in every free text, keys included."""
    return msgspec.convert(_spoiled(msgspec.to_builtins(analysis)), Analysis)


def _spoiled(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return value if key in _CLOSED else f"{value} {PAYLOAD}"
    if isinstance(value, list | tuple):
        return [_spoiled(each, key) for each in value]
    if isinstance(value, dict):
        open_ended = key in {"languages", "properties"}
        return {
            f"{name} {PAYLOAD}" if open_ended else name: _spoiled(each, name)
            for name, each in value.items()
        }
    return value
