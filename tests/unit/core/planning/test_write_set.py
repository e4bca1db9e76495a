"""Which forecast write sets may name the same file."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.write_set import covers, overlap


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "src/a.py"),
        ("src/**", "src/a/b.py"),
        ("src/", "src/a/b.py"),
        ("**", "anything"),
        ("src/*.py", "src/a*"),
        ("src/?.py", "src/a.py"),
        ("src/[ab].py", "src/b.py"),
        ("./src/a.py", "src//a.py"),
        ("**/test_*.py", "tests/**"),
        ("*.md", "*.md"),
    ],
)
def test_patterns_that_may_meet_are_found_from_both_sides(one: str, other: str) -> None:
    assert overlap([one], [other]) == other
    assert overlap([other], [one]) == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "src/b.py"),
        ("src/", "tests/"),
        ("src/*", "src/a/b"),
        ("*.py", "a.md"),
        ("a*", "b*"),
        ("*.md", "*.py"),
        ("src/**", "docs/src/a.py"),
    ],
)
def test_patterns_that_cannot_meet_keep_nobody_away(one: str, other: str) -> None:
    assert overlap([one], [other]) == ""
    assert overlap([other], [one]) == ""


def test_the_pattern_that_is_in_the_way_is_named() -> None:
    assert overlap(["src/a.py", "docs/"], ["tests/", "docs/x.md", "src/**"]) == "src/**"


def test_path_is_covered_by_a_pattern_or_not() -> None:
    assert covers(["src/**", "README.md"], "src/a/b.py")
    assert not covers(["src/*"], "src/a/b.py")
    assert not covers([], "src/a.py")
