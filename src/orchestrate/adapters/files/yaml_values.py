"""YAML text as values that know their place, with bounds on depth and number.

Values are built from the parser's events instead of its document tree: nesting is counted as the
events arrive, so nothing recurses, and no tag is ever turned into an object. Scalars stay text
until a reader decides what a key should hold: a description that looks like a date is still a
description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from orchestrate.adapters.files.profile_text import find_control, without_control

MAX_DEPTH = 20
#: Of one document with its anchors expanded: values, and characters of text.
MAX_VALUES = 5_000
MAX_CHARACTERS = 256 * 1024

_STANDARD_TAG = re.compile(r"tag:yaml\.org,2002:(str|int|float|bool|null|seq|map|timestamp)$")
#: The core schema of YAML 1.2; numbers that msgspec cannot hold, or that are not finite, are text.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(
    r"[-+]?(?=[0-9]*[.eE])(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?"
)
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Scalar = str | int | float | bool | None


class YamlProblem(Exception):
    """The text is not valid YAML; `problem` says why, in the parser's words."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class YamlExcess(Exception):
    """The text goes beyond a bound: `code` is `too-deep` or `too-many-values`."""

    def __init__(self, code: Literal["too-deep", "too-many-values"], line: int) -> None:
        super().__init__(code)
        self.code: Literal["too-deep", "too-many-values"] = code
        self.line = line


class Oddity(msgspec.Struct, frozen=True):
    """A `tag-ignored` or `control-character` inside valid YAML, for a warning."""

    code: str
    line: int
    column: int
    fact: str


class Value(msgspec.Struct):
    """A scalar, list or map. `source` is how it is written; `plain` means without quotes.

    `weight` counts itself and everything below it, `size` the characters.
    """

    kind: Literal["scalar", "list", "map"]
    line: int
    column: int
    text: str = ""
    plain: bool = False
    source: str = ""
    items: list[Value] = []
    pairs: list[tuple[Value, Value]] = []
    weight: int = 1
    size: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is written, or null."""
        return self.kind == "scalar" and self.plain and _WORDS.get(self.text, True) is None


def parse_yaml(text: str, first_line: int = 1) -> tuple[Value | None, list[Oddity]]:
    """The only document in `text`, whose first line is `first_line` of its file.

    None stands for an empty document. Raises YamlProblem and YamlExcess.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    tree = _Tree(text, first_line)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            tree.take(event)
    except MarkedYAMLError as error:
        raise YamlProblem(str(error.problem or error.context or "not valid YAML")) from None
    except YAMLError as error:
        raise YamlProblem(str(error).partition("\n")[0]) from None
    except ValueError:
        # The scanner passes an escape beyond U+10FFFF to chr(), and a long version to int().
        raise YamlProblem("a number is out of range") from None
    return tree.root, tree.oddities


class _Tree:
    """Grows with the parser's events."""

    def __init__(self, text: str, first_line: int) -> None:
        self.root: Value | None = None
        self.oddities: list[Oddity] = []
        self._text = text
        self._first_line = first_line
        self._open: list[Value] = []
        self._starts: list[tuple[int, str | None]] = []
        self._keys: list[Value | None] = []
        self._anchors: dict[str, Value] = {}

    def take(self, event: Any) -> None:
        """Add what `event` says. Raises YamlProblem and YamlExcess."""
        # By name: importing the event classes here would load the parser (90 ms) at start-up.
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._attach(self._scalar(event), event.anchor)
        elif kind == "AliasEvent":
            self._attach(self._aliased(event), None)
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            self._begin("list" if kind == "SequenceStartEvent" else "map", event)
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            self._finish(event)
        elif kind == "DocumentStartEvent" and self.root is not None:
            raise YamlProblem("a second document begins")

    def _place(self, event: Any) -> tuple[int, int]:
        return self._first_line + event.start_mark.line, event.start_mark.column + 1

    def _scalar(self, event: Any) -> Value:
        line, column = self._place(event)
        tag = self._tag(event)
        # Two escapes can make one character, as in JSON.
        text = event.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        control = find_control(text)
        if control is not None:
            self.oddities.append(Oddity("control-character", line, column, control[1]))
            text = without_control(text)
        source = self._text[event.start_mark.index : event.end_mark.index]
        plain = event.style is None and not tag
        return Value("scalar", line, column, text, plain, source.strip(), size=len(text))

    def _tag(self, event: Any) -> str:
        """The explicit tag, "" if there is none; notes one that is not standard."""
        tag = str(event.tag or "")
        if tag and tag != "!" and not _STANDARD_TAG.match(tag):
            self.oddities.append(Oddity("tag-ignored", *self._place(event), tag[:60]))
        return tag

    def _aliased(self, event: Any) -> Value:
        if event.anchor not in self._anchors:
            raise YamlProblem(f"*{event.anchor[:60]} names no anchor")
        return self._anchors[event.anchor]

    def _begin(self, kind: Literal["list", "map"], event: Any) -> None:
        self._tag(event)
        if len(self._open) >= MAX_DEPTH:
            raise YamlExcess("too-deep", self._place(event)[0])
        self._open.append(Value(kind, *self._place(event), items=[], pairs=[]))
        self._starts.append((event.start_mark.index, event.anchor))
        self._keys.append(None)

    def _finish(self, event: Any) -> None:
        value = self._open.pop()
        start, anchor = self._starts.pop()
        self._keys.pop()
        value.source = self._text[start : event.end_mark.index].strip()
        self._attach(value, anchor)

    def _attach(self, value: Value, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._open:
            self.root = value
            return
        parent, key = self._open[-1], self._keys[-1]
        parent.weight += value.weight
        parent.size += value.size
        if parent.weight > MAX_VALUES or parent.size > MAX_CHARACTERS:
            raise YamlExcess("too-many-values", value.line)
        if parent.kind == "list":
            parent.items.append(value)
        elif key is None:
            self._keys[-1] = value
        else:
            parent.pairs.append((key, value))
            self._keys[-1] = None


def resolved(value: Value) -> Scalar:
    """What a scalar means by the core schema of YAML 1.2."""
    if not value.plain:
        return value.text
    if value.text in _WORDS:
        return _WORDS[value.text]
    if _INTEGER.fullmatch(value.text):
        return int(value.text)
    if _FLOAT.fullmatch(value.text):
        number = float(value.text)
        return number if math.isfinite(number) else value.text
    return value.text


def as_data(value: Value) -> Any:
    """`value` as JSON-like data: dict, list and scalars; a key that is no scalar is its source."""
    if value.kind == "list":
        return [as_data(item) for item in value.items]
    if value.kind == "map":
        return {key_text(key): as_data(item) for key, item in value.pairs}
    return resolved(value)


def key_text(key: Value) -> str:
    """How a map's key is called."""
    return key.text if key.kind == "scalar" else key.source


def scalars(value: Value) -> Iterator[Value]:
    """The scalars of a list, or the scalar itself."""
    members = value.items if value.kind == "list" else [value]
    return (member for member in members if member.kind == "scalar")
