"""A diff told of the scanned files: the lines it replaces are the lines that are there."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.backends.local.fix_changes import replacements
from orchestrate.core.sharing.remediation import Replacement

OLD = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"


def diff(old: str, new: str, path: str = "x.py") -> str:
    """As a fix writes it: lines split at line feeds alone, so a last empty one is a line."""
    lines = difflib.unified_diff(
        old.split("\n"), new.split("\n"), f"a/{path}", f"b/{path}", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def applied(text: str, changes: tuple[Replacement, ...]) -> str:
    lines = text.split("\n")
    for change in sorted(changes, key=lambda each: -each.line):
        new = change.text.split("\n")[:-1]
        lines[change.line - 1 : change.line - 1 + change.lines] = new
    return "\n".join(lines)


def test_changed_lines_are_named_without_their_surroundings() -> None:
    made = diff(OLD, OLD.replace("b", "B").replace("h\n", "h\nnew\n"))

    assert replacements(made, lambda _: OLD.split("\n")) == (
        Replacement("x.py", 2, 1, "B\n"),
        Replacement("x.py", 9, 0, "new\n"),
    )


def test_lines_are_found_where_the_scanned_file_has_them() -> None:
    made = diff(OLD, OLD.replace("f", "F"))
    scanned = f"one\ntwo\n{OLD}"

    (change,) = replacements(made, lambda _: scanned.split("\n"))

    assert (change.line, change.text) == (8, "F\n")
    assert applied(scanned, (change,)) == scanned.replace("f", "F")


def test_of_two_equal_places_the_nearer_one_is_meant() -> None:
    block = "def f():\n    return 1\n\n\n"
    made = diff(block * 3, block * 2 + block.replace("1", "2"))

    (change,) = replacements(made, lambda _: ("# added\n" + block * 3).split("\n"))

    assert change.line == 11


def test_a_file_that_is_another_one_by_now_is_not_spoken_of() -> None:
    made = diff(OLD, OLD.replace("b", "B"))

    assert replacements(made, lambda _: ["something", "else"]) == ()
    assert replacements(made, lambda _: []) == ()
    assert replacements("", lambda _: []) == ()


def test_several_files_are_told_apart() -> None:
    made = diff(OLD, OLD.replace("b", "B"), "one.py") + diff(OLD, "new\n" + OLD, "two/three.py")

    assert replacements(made, lambda _: OLD.split("\n")) == (
        Replacement("one.py", 2, 1, "B\n"),
        Replacement("two/three.py", 1, 0, "new\n"),
    )


@pytest.mark.parametrize(
    ("old", "new"), [("", "a\n"), ("a", "b"), ("a\n", ""), ("-- a\n", "++ b\n")]
)
def test_the_edges_of_a_file_survive(old: str, new: str) -> None:
    changes = replacements(diff(old, new), lambda _: old.split("\n"))
    assert applied(old, changes) == new


@given(
    st.lists(st.sampled_from(["a", "b", "", "-", "+ x", "@@ -1 +1 @@", "--- a/y"]), max_size=30),
    st.lists(st.sampled_from(["a", "b", "", "-", "+ x", "@@ -1 +1 @@", "--- a/y"]), max_size=30),
)
def test_replacing_makes_the_new_file_of_the_old_one(old: list[str], new: list[str]) -> None:
    before, after = "\n".join(old), "\n".join(new)
    changes = replacements(diff(before, after), lambda _: before.split("\n"))
    assert applied(before, changes) == after
