"""Predicted write sets: patterns of paths, and whether two of them may name the same file.

Patterns are relative to the repository and `/`-separated. `*`, `?` and `[…]` match within one part
of a path, `**` any number of parts; a pattern that names a folder (`src/`) stands for all in it.
The answer errs towards yes: two tasks kept apart needlessly cost time, a conflict costs work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

#: The write set of a task of which nothing is known. It keeps nobody away: serialising everything
#: would cost more than the merge train, which finds what really overlaps.
UNKNOWN = "**"

_WILD = frozenset("*?[")


def overlap(first: Sequence[str], second: Sequence[str]) -> str:
    """A pattern of `second` that may match a path which one of `first` matches; empty if none."""
    for one in first:
        for other in second:
            if _meet(_parts(one), _parts(other)):
                return other
    return ""


def meetings(owners: Mapping[str, int]) -> dict[str, int]:
    """Who meets whom, for many patterns at once.

    Args:
        owners: pattern -> bit set of those who write what it names.

    Returns:
        pattern -> bit set of the owners of every pattern that may name the same file, its own
        included. Plain paths are looked up; only patterns are compared with all others, for a list
        of a thousand files would otherwise be compared a million times.
    """
    by_path: dict[tuple[str, ...], int] = {}
    for pattern, mask in owners.items():
        by_path[_parts(pattern)] = by_path.get(_parts(pattern), 0) | mask
    found = {pattern: by_path[_parts(pattern)] for pattern in owners}
    for vague in owners:
        if not _is_path(vague):
            for other in owners:
                if _meet(_parts(vague), _parts(other)):
                    found[vague] |= owners[other]
                    found[other] |= owners[vague]
    return found


def _is_path(pattern: str) -> bool:
    """Whether it names one file and no more."""
    return not pattern.endswith("/") and bool(_parts(pattern)) and not _WILD & set(pattern)


def covers(patterns: Sequence[str], path: str) -> bool:
    """Whether one of `patterns` matches `path`."""
    return any(_meet(_parts(pattern), tuple(path.split("/"))) for pattern in patterns)


@lru_cache(maxsize=4096)
def _parts(pattern: str) -> tuple[str, ...]:
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    return (*parts, "**") if pattern.endswith("/") or not parts else parts


@lru_cache(maxsize=4096)
def _meet(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    if not first or not second:
        return all(part == "**" for part in (*first, *second))
    if first[0] == "**":
        return _meet(first[1:], second) or _meet(first, second[1:])
    if second[0] == "**":
        return _meet(first, second[1:]) or _meet(first[1:], second)
    return _may_be_equal(first[0], second[0]) and _meet(first[1:], second[1:])


def _may_be_equal(one: str, other: str) -> bool:
    wild_one, wild_other = bool(_WILD & set(one)), bool(_WILD & set(other))
    if wild_one and wild_other:
        return _ends_agree(one, other) and _ends_agree(one[::-1], other[::-1])
    if wild_one:
        return fnmatchcase(other, one)
    return fnmatchcase(one, other) if wild_other else one == other


def _ends_agree(one: str, other: str) -> bool:
    """Whether the literal beginnings of two patterns do not contradict each other."""
    for left, right in zip(one, other, strict=False):
        if left in "*?[]" or right in "*?[]":
            return True
        if left != right:
            return False
    return True
