"""Positions of nodes and of characters within them."""

from __future__ import annotations

import pytest

from orchestrate.adapters.files.yaml_nodes import Node, read_yaml


def _node(text: str, *path: str | int) -> Node:
    return read_yaml(text.encode()).at(iter(path))


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("k: abc def\n", 4, (1, 8)),
        ("k: 'abc def'\n", 4, (1, 9)),
        ('k: "abc def"\n', 4, (1, 9)),
        ("k: |\n  abc\n  def\n", 5, (3, 4)),
        ("a:\n  k: |\n\n      abc\n", 1, (4, 7)),
        ("k: |2\n    abc\n", 2, (2, 5)),
        # Rewritten on the way: only the beginning is certain.
        ('k: "a\\tb c"\n', 3, (1, 4)),
        ("k: >\n  abc\n  def\n", 5, (1, 4)),
        ("k: abc\n  def\n", 5, (1, 4)),
    ],
)
def test_character_of_a_scalar_is_found_in_the_file(
    text: str, offset: int, place: tuple[int, int]
) -> None:
    node = _node(text, "a", "k") if text.startswith("a:") else _node(text, "k")
    assert node.place(offset) == place


def test_nodes_know_where_they_begin() -> None:
    text = "a:\n  - x\n  - {b: [y]}\n'c d': 1\n"
    root = read_yaml(text.encode())
    assert (root.keys["c d"].line, root.keys["c d"].column) == (4, 1)
    for path, place in [
        (("a",), (2, 3)),
        (("a", 1), (3, 5)),
        (("a", 1, "b", 0), (3, 10)),
        (("c d",), (4, 8)),
    ]:
        node = root.at(iter(path))
        assert (node.line, node.column) == place


def test_value_that_is_not_written_stands_at_its_key() -> None:
    node = _node("a:\n  b:\nc: 1\n", "a", "b")
    assert (node.value, node.line, node.column) == (None, 2, 3)


def test_first_of_equal_keys_wins_and_the_others_are_kept() -> None:
    root = read_yaml(b"a: 1\nb: 2\na: 3\n")
    assert root.plain() == {"a": 1, "b": 2}
    assert [(key.text, key.line) for key in root.repeated] == [("a", 3)]
