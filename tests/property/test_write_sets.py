"""Forecast write sets: whether two may name one file is never answered with a wrong no."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrate.core.planning.write_set import covers, meetings, overlap

MORE = settings(max_examples=6 * settings.default.max_examples)  # type: ignore[union-attr]

_names = st.text("abc.", min_size=1, max_size=3)
_paths = st.lists(_names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4)


@st.composite
def _patterns(draw: st.DrawFn, path: list[str]) -> str:
    """A pattern made from `path` by making parts of it vaguer, or of something else altogether."""
    parts: list[str] = []
    for part in path:
        how = draw(st.integers(0, 6))
        if how == 0:
            parts.append("**")
        elif how == 1:
            at = draw(st.integers(0, len(part) - 1))
            parts.append(
                part[:at] + draw(st.sampled_from(("?", "*", "[ab]", "[!a]"))) + part[at + 1 :]
            )
        elif how == 2:
            parts.append(part[: draw(st.integers(0, len(part)))] + "*")
        elif how == 3:
            parts.append("*" + part[draw(st.integers(0, len(part))) :])
        else:
            parts.append(part)
    cut = draw(st.integers(1, len(parts)))
    text = "/".join(parts[:cut])
    return text + draw(st.sampled_from(("", "", "/", "/**")))


def matches(pattern: str, path: list[str]) -> bool:
    """Whether a pattern names a path, by trying every way to divide it."""
    parts = [part for part in pattern.split("/") if part]
    if pattern.endswith("/"):
        parts.append("**")

    def meet(left: list[str], right: list[str]) -> bool:
        if not left:
            return not right
        if left[0] == "**":
            return any(meet(left[1:], right[skip:]) for skip in range(len(right) + 1))
        return bool(right) and fnmatchcase(right[0], left[0]) and meet(left[1:], right[1:])

    return meet(parts, path)


@MORE
@given(st.data())
def test_two_patterns_that_name_one_path_overlap(data: st.DataObject) -> None:
    path = data.draw(_paths)
    one, other = data.draw(_patterns(path)), data.draw(_patterns(path))
    assume(matches(one, path) and matches(other, path))
    assert overlap((one,), (other,)) == other
    assert covers((one,), "/".join(path))


@MORE
@given(st.data())
def test_what_is_covered_is_what_is_named(data: st.DataObject) -> None:
    path, elsewhere = data.draw(_paths), data.draw(_paths)
    pattern = data.draw(_patterns(path))
    assert covers((pattern,), "/".join(elsewhere)) == matches(pattern, elsewhere)


@MORE
@given(st.data())
def test_overlap_is_symmetric_and_grows_with_the_sets(data: st.DataObject) -> None:
    patterns = st.lists(_paths.flatmap(_patterns), max_size=3)
    one, other, more = data.draw(patterns), data.draw(patterns), data.draw(patterns)
    assert bool(overlap(one, other)) == bool(overlap(other, one))
    if overlap(one, other):
        assert overlap([*one, *more], other)
        assert overlap(one, other) in other


@MORE
@given(st.lists(st.lists(_paths.flatmap(_patterns), min_size=1, max_size=3), max_size=5))
def test_meetings_of_many_are_those_of_each_two(sets: list[list[str]]) -> None:
    owners: dict[str, int] = {}
    for number, patterns in enumerate(sets):
        for pattern in patterns:
            owners[pattern] = owners.get(pattern, 0) | 1 << number
    met = meetings(owners)
    for one in owners:
        expected = 0
        for other, mask in owners.items():
            expected |= mask if overlap((one,), (other,)) else 0
        assert met[one] == expected


@given(_paths.flatmap(_patterns))
def test_a_set_overlaps_itself(pattern: str) -> None:
    assert overlap((pattern,), (pattern,)) == pattern
    assert overlap((pattern,), ("**",)) == "**"
