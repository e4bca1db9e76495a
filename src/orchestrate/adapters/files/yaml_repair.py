"""Reading front matter that is not valid YAML, key by key.

Theory of operation. The block is cut into parts, one per key, and each part is read on its own, so
that a mistake costs no other key. A part that is not valid YAML is either *text* (a value begins
beside its key) or *structure* (items below its key). Text becomes one quoted value, whatever it
holds; structure is mended line by line. Each mend is one warning at the character that was wrong.
When nothing helps, the value is what is written there, as text.
"""

from __future__ import annotations

import re

import msgspec

from orchestrate.adapters.files.profile_notes import ProfileNotes
from orchestrate.adapters.files.yaml_parts import BLOCK_SCALAR, Part, cut_parts, without_tabs
from orchestrate.adapters.files.yaml_values import (
    MAX_CHARACTERS,
    MAX_VALUES,
    Oddity,
    Value,
    YamlExcess,
    YamlProblem,
    parse_yaml,
)

#: More than 20 times what Claude Code knows; bounds the work on a broken block, whose keys are
#: parsed one by one at 0.3 ms each.
MAX_KEYS = 500

_ITEM = re.compile(r"(?P<lead>[ \t]*(?:-[ \t]+)*(?:[A-Za-z_][\w.-]*:[ \t]+)?)(?P<value>\S.*)")
_COLON = re.compile(r":(?=[ \t]|$)", re.MULTILINE)
_DOUBLE_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'(?:''|[^'])*'")
_BAD_ESCAPE = re.compile(r'(?<!\\)(?:\\\\)*(?P<escape>\\[^0abt\tnvfre "/\\N_LPxuU\n])')
_CLOSERS = {"[": "]", "{": "}"}


class Entry(msgspec.Struct, frozen=True):
    """One key of the front matter and its value."""

    key: str
    line: int
    column: int
    value: Value


class _Fault(msgspec.Struct, frozen=True):
    """What is wrong with a value, `offset` characters into it; `escape` if it is one."""

    code: str
    offset: int = 0
    escape: str = ""


def read_parts(lines: tuple[str, ...], first_line: int, notes: ProfileNotes) -> list[Entry]:
    """The entries of a block that is not valid YAML as a whole. Raises YamlExcess."""
    entries: list[Entry] = []
    weight = size = 0
    for part in cut_parts(lines, first_line, notes):
        entry = _entry(part, notes)
        weight += entry.value.weight
        size += entry.value.size
        if weight > MAX_VALUES or size > MAX_CHARACTERS or len(entries) >= MAX_KEYS:
            raise YamlExcess("too-many-values", part.line)
        entries.append(entry)
    return entries


def report(oddities: list[Oddity], notes: ProfileNotes) -> None:
    """Turn what was odd inside valid YAML into warnings."""
    for odd in oddities:
        fact = "tag" if odd.code == "tag-ignored" else "character"
        notes.warn(odd.code, odd.line, odd.column, **{fact: odd.fact})


def _entry(part: Part, notes: ProfileNotes) -> Entry:
    value = _parsed(part.lines, part, notes)
    if value is None:
        value = _text(part, notes) if part.is_text else _structure(part, notes)
    return Entry(part.key, part.line, part.column, value)


def _parsed(lines: list[str], part: Part, notes: ProfileNotes) -> Value | None:
    """The value if `lines` are a valid map of one key."""
    try:
        root, oddities = parse_yaml("\n".join(lines), part.line)
    except YamlProblem:
        return None
    if root is None or root.kind != "map" or len(root.pairs) != 1:
        return None
    report(oddities, notes)
    return root.pairs[0][1]


def _text(part: Part, notes: ProfileNotes) -> Value:
    """A value beside its key, taken as it is written, lines below included."""
    written = "\n".join([part.inline, *(line.strip() for line in part.lines[1:])]).rstrip()
    fault = _fault(written) or _Fault("unreadable-value")
    line, column = _place(part, written, fault.offset)
    notes.warn(
        fault.code,
        line,
        column,
        character=written[fault.offset],
        escape=fault.escape,
        problem=_problem(part.lines),
    )
    return _as_text(_unquoted(written, fault.code), part, written)


def _place(part: Part, written: str, offset: int) -> tuple[int, int]:
    """Line and column in the file of a character of a part's text."""
    before = written[:offset]
    below = before.count("\n")
    line = part.lines[below]
    beginning = part.start if below == 0 else 0
    indent = len(line[beginning:]) - len(line[beginning:].lstrip())
    return part.line + below, beginning + indent + len(before) - before.rfind("\n")


def _unquoted(written: str, code: str) -> str:
    """Without the quotes that were meant as quotes."""
    if code == "unclosed-quote":
        return written[1:]
    return written[1:-1] if code == "bad-escape" else written


def _as_text(text: str, part: Part, source: str) -> Value:
    column = part.start + 2
    return Value("scalar", part.line, column, text.strip(), source=source, size=len(text))


def _structure(part: Part, notes: ProfileNotes) -> Value:
    """Items or keys below their key, mended line by line; their text if that does not help."""
    mends = ProfileNotes(notes.path)
    mended = [part.lines[0]]
    for number, line in enumerate(part.lines[1:], part.line + 1):
        # Two spaces, as most files indent: a list may mix lines with tabs and lines without.
        mended.append(without_tabs(_mended(line, number, mends), number, mends, width=2))
    value = _parsed(mended, part, mends)
    if value is not None:
        notes.adopt(mends)
        return value
    written = "\n".join(line.strip() for line in part.lines[1:]).strip()
    notes.warn(
        "unreadable-value", part.line, part.start + 1, problem=_problem(mended), character=""
    )
    return _as_text(written, part, written)


def _mended(line: str, number: int, mends: ProfileNotes) -> str:
    """`line` with its value in quotes if it cannot stand without."""
    item = _ITEM.match(line)
    if item is None or line.lstrip().startswith("#"):
        return line
    value = item["value"].rstrip()
    fault = _fault(value)
    closed = value[-1] == _CLOSERS.get(value[0])
    if fault is None or closed or BLOCK_SCALAR.match(value):
        return line
    mends.warn(
        fault.code,
        number,
        item.start("value") + 1 + fault.offset,
        character=value[fault.offset],
        escape=fault.escape,
    )
    return item["lead"] + "'" + _unquoted(value, fault.code).replace("'", "''") + "'"


def _problem(lines: list[str]) -> str:
    """What the parser says against `lines`."""
    try:
        parse_yaml("\n".join(lines))
    except YamlProblem as problem:
        return problem.problem
    return "not a value of its key"


def _fault(value: str) -> _Fault | None:
    """Why `value` cannot stand as it is after a key or hyphen, if the reason is a known one."""
    first = value[0]
    if first in "\"'":
        return _quote_fault(value)
    if first in "[{":
        return _Fault("stray-bracket")
    if first in "@`%*&!]},|>":
        return _Fault("reserved-character")
    colon = _COLON.search(value)
    return _Fault("unquoted-colon", colon.start()) if colon else None


def _quote_fault(value: str) -> _Fault | None:
    quoted = (_DOUBLE_QUOTED if value[0] == '"' else _SINGLE_QUOTED).match(value)
    if quoted is None:
        return _Fault("unclosed-quote")
    after = value[quoted.end() :].lstrip()
    if after and not after.startswith("#"):
        return _Fault("text-after-quote", len(value) - len(after))
    bad = _BAD_ESCAPE.search(value) if value[0] == '"' else None
    return _Fault("bad-escape", bad.start("escape"), bad["escape"]) if bad else None
