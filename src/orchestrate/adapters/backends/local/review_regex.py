"""A rule about regular expressions whose matching time can explode.

A backtracking matcher takes exponential time when a repetition contains another one and the same
text can be divided between them in many ways, as in `(a+)+$`. Two shapes are recognised in the
parsed pattern:

- an unbounded repeat whose body, apart from items that may match nothing, is itself a repeat of
  varying length;
- an unbounded repeat over alternatives that begin with the same character class and are one
  character long.

Neither is reported when nothing after the repeat can fail, because then nothing is retried.
"""

from __future__ import annotations

import ast
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as patterns  # type: ignore[import-not-found]
import warnings
from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import argument, identifiers, text_of
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

BACKTRACKING = Rule(
    "ORC-PY-705",
    "Regular expression that can take exponential time",
    1333,
    "medium",
    "low",
    "Make the parts exclude each other, use a possessive or atomic group, or limit the input.",
)

_FUNCTIONS = {
    f"re.{name}"
    for name in ("compile", "match", "search", "fullmatch", "split", "sub", "subn", "findall",
                 "finditer")
}  # fmt: skip
#: Longer patterns are generated, and not worth the time a hostile one could take.
_LONGEST_PATTERN = 4_000
_Item = tuple[Any, Any]


def check_pattern(site: Site) -> Iterator[Hit]:
    """`re.compile(r"(a+)+$")` and the other functions of `re`."""
    if site.called not in _FUNCTIONS:
        return
    text = text_of(argument(site.call, 0, "pattern"), site.scope)
    flags = argument(site.call, None, "flags") or (site.call.args[-1] if site.call.args else None)
    verbose = bool({"VERBOSE", "X"} & set(identifiers(flags)))
    if text and len(text) <= _LONGEST_PATTERN and has_explosive_repeat(text, verbose=verbose):
        message = "A repeated part can match the same text in many ways, each of which is tried."
        yield Hit(BACKTRACKING, site.call, message)


def has_explosive_repeat(pattern: str, *, verbose: bool = False) -> bool:
    """Whether one of the two shapes occurs; False for patterns that do not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = list(patterns.parse(pattern, re.VERBOSE if verbose else 0))
        return _search(items, can_fail_after=False)
    except (re.error, RecursionError, OverflowError, ValueError):
        return False


def _search(items: list[_Item], *, can_fail_after: bool) -> bool:
    for index, (code, value) in enumerate(items):
        fails = can_fail_after or any(not _is_optional(item) for item in items[index + 1 :])
        if code is codes.MAX_REPEAT or code is codes.MIN_REPEAT:
            _, most, body = value
            inner = list(body)
            if most is codes.MAXREPEAT and fails and _is_ambiguous(inner):
                return True
            if _search(inner, can_fail_after=fails):
                return True
        else:
            if any(_search(body, can_fail_after=fails) for body in _bodies(code, value)):
                return True
    return False


def _bodies(code: Any, value: Any) -> list[list[_Item]]:
    """The sub-patterns of an item that backtracking can enter."""
    if code is codes.SUBPATTERN:
        return [list(value[3])]
    if code is codes.BRANCH:
        return [list(option) for option in value[1]]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [list(value[1])]
    return []


def _is_ambiguous(body: list[_Item]) -> bool:
    """Whether repeating `body` can divide one text in several ways."""
    body = _unwrap(body)
    needed = [item for item in body if not _is_optional(item)]
    repeats = [item for item in body if _varies(item)]
    if repeats and (not needed or (len(needed) == 1 and _varies(needed[0]))):
        return True
    if len(body) == 1 and body[0][0] is codes.BRANCH:
        options = [_unwrap(list(option)) for option in body[0][1][1]]
        if any(_is_ambiguous(option) for option in options):
            return True
        singles = [option[0] for option in options if len(option) == 1]
        return any(
            _overlap(left, right) for i, left in enumerate(singles) for right in singles[i + 1 :]
        )
    return False


def _unwrap(body: list[_Item]) -> list[_Item]:
    while len(body) == 1 and body[0][0] is codes.SUBPATTERN:
        body = list(body[0][1][3])
    return body


def _varies(item: _Item) -> bool:
    """Whether an item repeats something a number of times that can be chosen, two or more."""
    code, value = item
    if code is codes.SUBPATTERN:
        inner = _unwrap([item])
        return len(inner) == 1 and _varies(inner[0])
    repeats = code is codes.MAX_REPEAT or code is codes.MIN_REPEAT
    return repeats and value[1] > max(value[0], 1)


def _is_optional(item: _Item) -> bool:
    """Whether an item can match the empty text, so that it never makes a match fail."""
    code, value = item
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return value[0] == 0 or all(_is_optional(inner) for inner in value[2])
    if code is codes.SUBPATTERN:
        return all(_is_optional(inner) for inner in value[3])
    if code is codes.BRANCH:
        return any(all(_is_optional(inner) for inner in option) for option in value[1])
    return False


def _overlap(left: _Item, right: _Item) -> bool:
    """Whether two single-character items share a character of ASCII."""
    return bool(_characters(left) & _characters(right))


def _characters(item: _Item) -> frozenset[int]:
    code, value = item
    if code is codes.LITERAL:
        return frozenset({value})
    if code is codes.NOT_LITERAL:
        return frozenset(range(128)) - {value}
    if code is codes.ANY:
        return frozenset(range(128)) - {10}
    if code is codes.RANGE:
        return frozenset(range(value[0], min(value[1], 127) + 1))
    if code is codes.CATEGORY:
        return _category(value)
    if code is codes.IN:
        negated = bool(value) and value[0][0] is codes.NEGATE
        members = value[1:] if negated else value
        found = frozenset().union(*(_characters(member) for member in members))
        return frozenset(range(128)) - found if negated else found
    return frozenset()


def _category(value: Any) -> frozenset[int]:
    classes = {
        codes.CATEGORY_DIGIT: r"\d",
        codes.CATEGORY_NOT_DIGIT: r"\D",
        codes.CATEGORY_SPACE: r"\s",
        codes.CATEGORY_NOT_SPACE: r"\S",
        codes.CATEGORY_WORD: r"\w",
        codes.CATEGORY_NOT_WORD: r"\W",
    }
    written = classes.get(value)
    if written is None:
        return frozenset()
    return frozenset(c for c in range(128) if re.match(written, chr(c)))


RULES = RuleSet(rules=(BACKTRACKING,), checks={ast.Call: (check_pattern,)})
