"""Finding the front matter of an agent file, also where it is not quite where it should be.

The rule is a line `---` at the very top and another one after the keys. People also put a heading
or a code fence before it, indent the whole file, or forget one of the two lines. Nothing is taken
for front matter inside a code fence further down, because documents *about* agents show examples.
"""

from __future__ import annotations

import re

import msgspec

from orchestrate.adapters.files.profile_notes import ProfileNotes
from orchestrate.adapters.files.profile_text import find_control, without_control

#: More than 50 times the longest front matter of the same 395 files (1 160 characters).
MAX_FRONT_MATTER_CHARS = 64 * 1024
#: How far down the opening fence is looked for.
_SEARCHED_LINES = 100

#: `key:`, perhaps quoted, followed by a space or the end of the line.
KEY_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?P<quote>[\"']?)(?P<key>[A-Za-z_][\w.-]*)(?P=quote)[ \t]*:(?=[ \t]|$)"
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<mark>-{3,}|\.{3})[ \t]*$")
_GLUED = re.compile(r".*\S(?P<mark>---)[ \t]*$")
_CODE_FENCE = re.compile(r"[ \t]*(```|~~~)")
_HEADING = re.compile(r"#{1,6} \S")


class FrontMatter(msgspec.Struct, frozen=True):
    """The block between the fences, and what follows it.

    `lines` have no line ends and no control characters; the first of them is line `first_line` of
    the file, `fence_line` the one to blame when something is missing. `body` is exact.
    """

    lines: tuple[str, ...]
    first_line: int
    fence_line: int
    body: str


class _Opening(msgspec.Struct, frozen=True):
    """Index of the first line after the fence; `indent` of the fence; `wrapped` in a code fence."""

    content: int
    indent: int = 0
    wrapped: bool = False


def locate(text: str, notes: ProfileNotes) -> FrontMatter:
    """The front matter of `text`. Raises ProfileError when there is none, or too much of it."""
    raw = _LINE.findall(text)
    lines = [line.rstrip("\r\n") for line in raw]
    opening = _opening(lines, notes)
    end, resume = _closing(lines, opening, notes)
    block = lines[opening.content : end]
    if sum(map(len, block)) > MAX_FRONT_MATTER_CHARS:
        raise notes.refuse("front-matter-too-large", opening.content, limit=MAX_FRONT_MATTER_CHARS)
    if opening.wrapped and _CODE_FENCE.match(lines[-1]):
        raw.pop()
    _warn_about_second(lines, resume, notes)
    return FrontMatter(
        lines=tuple(_printable(block, opening.content + 1, notes)),
        first_line=opening.content + 1,
        fence_line=max(opening.content, 1),
        body="".join(raw[resume:]),
    )


def _opening(lines: list[str], notes: ProfileNotes) -> _Opening:
    first = _next_filled(lines, 0)
    if first is None:
        raise notes.refuse("empty", 1)
    fence = _FENCE.match(lines[first])
    if fence and (fence["mark"] == "---" or _opens_keys(lines, first)):
        return _opened_at(first, lines, notes)
    if _CODE_FENCE.match(lines[first]) and _opens_keys(lines, first + 1):
        notes.warn("code-fence", first + 1)
        return _Opening(content=first + 2, wrapped=True)
    if _starts_with_keys(lines, first):
        notes.warn("missing-opening-fence", first + 1)
        return _Opening(content=first)
    below = _fence_below(lines, first)
    if below is None:
        raise notes.refuse("no-front-matter", first + 1)
    return _opened_at(below, lines, notes)


def _opened_at(index: int, lines: list[str], notes: ProfileNotes) -> _Opening:
    fence = _FENCE.match(lines[index])
    assert fence is not None
    indent = len(fence["indent"])
    if index > 0:
        notes.warn("front-matter-not-first", index + 1, indent + 1)
    if indent:
        notes.warn("indented-front-matter", index + 1, indent + 1)
    if fence["mark"] != "---":
        notes.warn("odd-fence", index + 1, indent + 1, fence=fence["mark"][:10])
    return _Opening(content=index + 1, indent=indent)


def _fence_below(lines: list[str], first: int) -> int | None:
    """Index of a fence further down that opens a block with a name or description in it."""
    in_code = False
    for index in range(first, min(len(lines), first + _SEARCHED_LINES)):
        if _CODE_FENCE.match(lines[index]):
            in_code = not in_code
        elif not in_code and _opens_keys(lines, index):
            return index
    return None


def _opens_keys(lines: list[str], index: int) -> bool:
    """Whether a fence stands at `index` and agent keys follow it."""
    if index >= len(lines) or not _FENCE.match(lines[index]):
        return False
    return bool(_agent_keys(lines, index + 1))


def _starts_with_keys(lines: list[str], first: int) -> bool:
    """Whether both required keys stand at the top, before a fence that would be the closing one."""
    key = KEY_LINE.match(lines[first])
    return key is not None and {"name", "description"} <= _agent_keys(lines, first, fenced=True)


def _agent_keys(lines: list[str], start: int, *, fenced: bool = False) -> set[str]:
    """Which of the two required keys occur from `start` to the next fence.

    With `fenced`, none unless there is such a fence within reach.
    """
    found: set[str] = set()
    for line in lines[start : start + _SEARCHED_LINES]:
        if _FENCE.match(line):
            return found
        key = KEY_LINE.match(line)
        if key and key["key"].lower() in ("name", "description"):
            found.add(key["key"].lower())
    return set() if fenced else found


def _closing(lines: list[str], opening: _Opening, notes: ProfileNotes) -> tuple[int, int]:
    """Index after the last line of the block, and index where the body begins."""
    size = 0
    for index in range(opening.content, len(lines)):
        fence = _FENCE.match(lines[index])
        if fence and len(fence["indent"]) <= opening.indent:
            if _prose_before(lines, opening.content, index):
                break
            if fence["mark"] != "---":
                notes.warn("odd-fence", index + 1, fence=fence["mark"][:10])
            return index, index + 1
        size += len(lines[index])
        if size > MAX_FRONT_MATTER_CHARS:
            break
    return _end_of_keys(lines, opening, notes)


def _prose_before(lines: list[str], start: int, end: int) -> bool:
    """Whether a heading with prose under it stands in the block: its fence is a mere rule then."""
    for index in range(start + 1, end):
        if not lines[index - 1].strip() and _HEADING.match(lines[index]):
            below = _next_filled(lines, index + 1)
            if below is not None and below < end and not _belongs(lines[below]):
                return True
    return False


def _end_of_keys(lines: list[str], opening: _Opening, notes: ProfileNotes) -> tuple[int, int]:
    """Where the keys end that no fence closes: before the first line that looks like a body."""
    end = opening.content
    for index in range(opening.content, len(lines)):
        line = lines[index]
        if line.strip() and (not _belongs(line) or _HEADING.match(line)):
            break
        if line.strip():
            end = index + 1
        glued = _GLUED.match(line)
        if glued and KEY_LINE.match(line):
            notes.warn("glued-fence", index + 1, glued.start("mark") + 1)
            lines[index] = line[: glued.start("mark")]
            return index + 1, index + 1
    if end == opening.content:
        raise notes.refuse("no-front-matter", max(opening.content, 1))
    notes.warn("unclosed-front-matter", max(opening.content, 1), last=end)
    return end, end


def _belongs(line: str) -> bool:
    """Whether `line` can be a line of YAML keys: a key, an item, a comment, or indented."""
    return line[:1] in " \t#" or line.startswith("- ") or KEY_LINE.match(line) is not None


def _next_filled(lines: list[str], start: int) -> int | None:
    return next((i for i in range(start, len(lines)) if lines[i].strip()), None)


def _warn_about_second(lines: list[str], resume: int, notes: ProfileNotes) -> None:
    """Point at a second block right at the start of the body; generators leave them behind."""
    second = _next_filled(lines, resume)
    if second is not None and _opens_keys(lines, second):
        notes.warn("second-front-matter", second + 1)


def _printable(block: list[str], first_line: int, notes: ProfileNotes) -> list[str]:
    """`block` without control characters; one warning for each line that had any."""
    for offset, line in enumerate(block):
        control = find_control(line)
        if control is not None:
            notes.warn(
                "control-character", first_line + offset, control[0] + 1, character=control[1]
            )
            block[offset] = without_control(line)
    return block
