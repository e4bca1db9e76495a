"""XML reports as a stream of elements, read without trusting them.

expat is driven directly, because ElementTree's own parser cannot be told to refuse entities. An
entity declaration ends the reading, so none is ever expanded; nothing outside of the file is
fetched (expat has no handler for it); size, depth and number of elements are limited. A document
type alone is let through: Cobertura reports have one.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from orchestrate.core.sharing.outcomes import UnreadableReportError

MAX_XML_BYTES = 256 * 1024 * 1024
MAX_ELEMENTS = 10_000_000
MAX_DEPTH = 200
_CHUNK_BYTES = 1 << 20

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str, str], None]


def read_elements(data: bytes, what: str, start: Start, end: End, *, keep: frozenset[str]) -> None:
    """Call `start(tag, attributes)` and `end(tag, text)` for every element, in document order.

    Args:
        what: names the report in errors.
        keep: tags whose text is collected, at most 1 MiB each; `text` is empty for all others.

    Raises:
        UnreadableReportError: no well-formed XML, an entity declaration, or over a limit.
    """
    if len(data) > MAX_XML_BYTES:
        raise UnreadableReportError(what, f"it has more than {MAX_XML_BYTES} bytes")
    stream = _Stream(what, start, end, keep)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = stream.opened
    parser.EndElementHandler = stream.closed
    parser.CharacterDataHandler = stream.said
    parser.EntityDeclHandler = stream.declared
    try:
        for offset in range(0, max(len(data), 1), _CHUNK_BYTES):
            chunk = data[offset : offset + _CHUNK_BYTES]
            parser.Parse(chunk, offset + _CHUNK_BYTES >= len(data))
    except (expat.ExpatError, ValueError, LookupError, RecursionError) as error:
        raise UnreadableReportError(what, str(error)) from error


class _Stream:
    def __init__(self, what: str, start: Start, end: End, keep: frozenset[str]) -> None:
        self._what, self._start, self._end, self._keep = what, start, end, keep
        self._depth = self._elements = 0
        self._text: list[str] | None = None
        self._room = 0

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise UnreadableReportError(self._what, "it has too many elements, or too deep ones")
        if tag in self._keep:
            self._text, self._room = [], _CHUNK_BYTES
        self._start(tag, attributes)

    def closed(self, tag: str) -> None:
        self._depth -= 1
        text = "".join(self._text) if self._text is not None and tag in self._keep else ""
        if tag in self._keep:
            self._text = None
        self._end(tag, text)

    def said(self, text: str) -> None:
        if self._text is not None and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    def declared(self, name: str, *_: object) -> None:
        raise UnreadableReportError(self._what, f"it declares the entity {name[:40]!r}")
