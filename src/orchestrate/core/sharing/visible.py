"""Text of unknown origin with nothing in it that hides or reorders.

Names and code come from people we do not know. Control characters can rewrite a terminal,
bidirectional ones reorder what a reviewer reads (CVE-2021-42574), invisible ones hide text. All of
them are shown by name instead of being rendered.
"""

from __future__ import annotations

import re
import unicodedata

#: Categories never rendered: control, format (bidi, zero width, tags), surrogate, private use,
#: unassigned, and the two separators that break lines.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")


def visible(text: str) -> str:
    """`text` with hidden characters as `⟨U+202E⟩`; line feeds and tabs stay."""
    return _SUSPECT.sub(_named, text)


def one_line(text: str, limit: int = 400) -> str:
    """`visible` text on one line of at most `limit` characters."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _named(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) in _HIDDEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character
