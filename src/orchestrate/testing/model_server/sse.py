"""Server-sent events, as bytes."""

from __future__ import annotations

import json
from typing import Any

#: One event, complete with its empty line.
Event = bytes

DONE: Event = b"data: [DONE]\n\n"
#: What kind "malformed" sends: well formed as an event, but not as JSON.
MALFORMED: Event = b'data: {"type": "content\n\n'


def as_json(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data_event(value: Any, kind: str = "") -> Event:
    """An event with a JSON value, named `kind` if that is given."""
    head = f"event: {kind}\n" if kind else ""
    return f"{head}data: {as_json(value)}\n\n".encode()
