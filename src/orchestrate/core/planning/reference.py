"""Names that conditions and prompts refer to, and how they are looked up in a run's values.

A name is a path: `inputs.request`, `tasks.scan.metrics.findings.high`. Segments are separated by
dots; `-` belongs to a segment, since nothing subtracts. A segment that itself contains a dot is
written in brackets: `tasks['scan.python'].ok`. The names of inputs, metrics and the values of an
item are everything that follows, dots included, so they need no brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

#: What stands after `tasks.<id>.`; those that are True go on with a name.
TASK_FIELDS: Mapping[str, bool] = {
    "status": False,
    "ok": False,
    "attempts": False,
    "summary": False,
    "metrics": True,
    "outputs": True,
}
OUTPUT_FIELDS = ("path", "digest")
RUN_FIELDS = ("id", "request")
ITEM = "item"
ROOTS = ("inputs", "tasks", "phases", "run", ITEM)
#: Roots after which everything is one name.
_OPEN_ROOTS = ("inputs", ITEM)

#: One path, as a regular expression without groups.
PATH = (
    r"[A-Za-z_][A-Za-z0-9_-]*"
    r"(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*|\[\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*\])*"
)
_SEGMENT = re.compile(r"\.?([A-Za-z0-9_][A-Za-z0-9_-]*)|\[\s*(?:'([^'\n]*)'|\"([^\"\n]*)\")\s*\]")


class Reference(msgspec.Struct, frozen=True):
    """A path as written at character `offset` (from 0) of its text; `path` has joined names."""

    path: tuple[str, ...]
    offset: int = 0

    def __str__(self) -> str:
        last = len(self.path) - 1
        # Names that take in everything that follows are readable without brackets.
        takes_all = self.path[0] in _OPEN_ROOTS or self.path[2:3] == ("metrics",)
        open_ended = last if takes_all else -1
        return "".join(
            segment
            if number == 0
            else f".{segment}"
            if "." not in segment or number == open_ended
            else f"['{segment}']"
            for number, segment in enumerate(self.path)
        )


class UnknownNameError(LookupError):
    """A name that has no value now.

    `at` is the number of the segment that was not found, `known` are some that are there instead.
    """

    def __init__(self, reference: Reference, at: int, known: tuple[str, ...]) -> None:
        super().__init__(f"{reference} has no value: there is no {reference.path[at]!r}")
        self.reference = reference
        self.at = at
        self.known = known


def reference(text: str, offset: int = 0) -> Reference:
    """The path in `text`, which matches `PATH`."""
    segments = tuple(plain or single or double for plain, single, double in _SEGMENT.findall(text))
    return Reference(_joined(segments), offset)


def _joined(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Segments with what belongs to one name put together."""
    fixed = 1 if segments[0] in _OPEN_ROOTS else 3 if segments[2:3] == ("metrics",) else None
    if fixed is None or len(segments) <= fixed + 1:
        return segments
    return (*segments[:fixed], ".".join(segments[fixed:]))


def misspelling(path: tuple[str, ...]) -> str:
    """Why no run can ever have a value of this shape; empty when the shape is right.

    Looks at the shape alone: whether the task or input exists is another question.
    """
    root, rest = path[0], path[1:]
    if root not in ROOTS:
        return f"names begin with one of {', '.join(ROOTS)}"
    if root == "inputs":
        return ""
    if root == ITEM:
        return "" if rest else f"write {ITEM}.<name>"
    if root == "run":
        return "" if len(rest) == 1 and rest[0] in RUN_FIELDS else "write run.id or run.request"
    if root == "phases":
        return "" if len(rest) == 2 and rest[1] == "status" else "write phases.<name>.status"
    if len(rest) < 2 or rest[1] not in TASK_FIELDS:
        return f"write tasks.<id>. and one of {', '.join(TASK_FIELDS)}"
    if rest[1] == "outputs" and len(rest) > 2:
        right = len(rest) == 4 and rest[3] in OUTPUT_FIELDS
        return "" if right else "write tasks.<id>.outputs.<name>.path, or .digest"
    if not TASK_FIELDS[rest[1]] and len(rest) > 2:
        return f"nothing follows tasks.<id>.{rest[1]}"
    return ""


def lookup(scope: Mapping[str, Any], wanted: Reference) -> Any:
    """The value `wanted` names in `scope`, a nest of mappings.

    Raises:
        UnknownNameError: some segment is not there.
    """
    value: Any = scope
    for number, segment in enumerate(wanted.path):
        if not isinstance(value, Mapping):
            raise UnknownNameError(wanted, number, ())
        try:
            value = value[segment]
        except KeyError:
            raise UnknownNameError(wanted, number, tuple(islice(value, 8))) from None
    return value
