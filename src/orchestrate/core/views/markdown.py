"""Text of unknown origin inside a Markdown document that a code host shows and acts on.

A host finds more in a description than Markdown has: `@name` notifies people, `fixes #1` closes
issues, `!1`, `GH-1` and bare addresses become links, and on some a line that begins with a slash is
a command. It looks for these in the rendered text, where a backslash in front of them no longer
shows, but never inside a code span. Therefore words that are nothing but letters and ordinary
punctuation stay as they are, and all others become code: nothing is left to interpret, and what a
reader sees and copies is exactly what was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from orchestrate.core.sharing.visible import one_line

#: Hosts cut longer titles off.
MAX_TITLE = 72
_TICKS = re.compile(r"`+")
#: Code spans that the text brought along are kept whole: `like this`.
_SPAN = re.compile(r"(?<!\S)`([^`]+)`(?=[.,;:!?)]*(?:\s|$))")
#: Letters and digits, joined by single hyphens or apostrophes; numbers with points; `e.g`.
_WORD = re.compile(
    r"[^\W_]+(?:[-'’][^\W_]+)*|\d+(?:[.,]\d+)+|[^\W\d_](?:\.[^\W\d_])+",
)
_CLOSING = tuple(".,;:!?)")
_AROUND = re.compile(r"([(\"'“‘]*)(.*?)([.,;:!?)%\"'”’…]*)")
#: References that hosts and trackers know (GH-1, KEY-12), and the beginnings of commit ids.
_REFERENCE = re.compile(r"[^\W\d_][^\W_]*-\d|(?<![^\W_])[0-9a-f]{7,64}(?![^\W_])")
#: In front of a text these would begin a list.
_MARKER = re.compile(r"\d+[.)]+|[-–—]+")
_DASH = re.compile(r"[-–—…]+")
_NOT_TITLE = re.compile(r"[^\w .,:;()’'\"/+=?-]")


class _Word(NamedTuple):
    """A word and the punctuation around it. `plain`: it may stand as it is."""

    before: str
    word: str
    after: str
    plain: bool


def prose(text: str, limit: int = 600) -> str:
    """`text` on one line that renders as itself; never empty."""
    words: list[_Word] = []
    for number, part in enumerate(_SPAN.split(one_line(text, limit))):
        if number % 2:
            words.append(_Word("", part, "", plain=False))
            continue
        if words and part[:1] in _CLOSING:
            end, _, part = part.partition(" ")
            words[-1] = words[-1]._replace(after=end)
        words += map(_taken_apart, part.split())
    if words and _MARKER.fullmatch("".join(words[0][:3])):
        words[0] = _Word("", "".join(words[0][:3]), "", plain=False)
    return " ".join(_written(words, limit)) or "(nothing)"


def _taken_apart(text: str) -> _Word:
    match = _AROUND.fullmatch(text)
    before, word, after = match.groups() if match is not None else ("", text, "")
    while after and ")" in after and word.count("(") > word.count(")"):
        head, _, after = after.partition(")")
        word += head + ")"
    if not word:
        return _Word("", text, "", plain=_DASH.fullmatch(text) is not None)
    plain = _WORD.fullmatch(word) is not None and _REFERENCE.search(word) is None
    return _Word(before, word, after, plain or _DASH.fullmatch(text) is not None)


def _written(words: list[_Word], limit: int) -> Iterator[str]:
    """The words with code marked as such; neighbours that are code share one span."""
    held: list[_Word] = []
    for word in words:
        if held and (word.plain or word.before or held[-1].after):
            yield _spanned(held, limit)
            held = []
        if word.plain:
            yield "".join(word[:3])
        else:
            held.append(word)
    if held:
        yield _spanned(held, limit)


def _spanned(words: list[_Word], limit: int) -> str:
    return words[0].before + code(" ".join(word.word for word in words), limit) + words[-1].after


def code(text: str, limit: int = 200) -> str:
    """An inline code span; its fence is longer than any run of backticks inside."""
    flat = one_line(text, limit) or "(empty)"
    longest = max((len(run) for run in _TICKS.findall(flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def code_block(lines: list[str], limit: int = 1_000) -> list[str]:
    """Lines of a code block. Indented: unlike a fence, nothing inside can close it."""
    return [f"    {one_line(line, limit)}" for line in lines]


def title(text: str, fallback: str) -> str:
    """A title of one line, which is plain text: without what a host would act on in it.

    A title is the subject of a squashed commit, and those close issues as well.
    """
    flat = _NOT_TITLE.sub(" ", one_line(text, 4 * MAX_TITLE))
    flat = re.sub(r"://|/{2,}|www\.", " ", flat, flags=re.IGNORECASE)
    flat = re.sub(r"([^\W\d_])-(?=\d)", r"\1 ", flat)
    flat = re.sub(r"[0-9a-f]{7,64}", lambda found: found[0][:6] + "…", flat)
    return one_line(flat.strip(" /-+=.,:;"), MAX_TITLE) or fallback
