"""JSON values with their lines."""

from __future__ import annotations

import pytest

from orchestrate.adapters.files.json_places import BrokenJsonError, JsonValue, values


def test_every_value_has_its_path_and_line() -> None:
    text = '{\n "a": ["x,]", {"b": null}],\n "a": 1.5e3, "c": {}\n}'
    assert list(values(text)) == [
        JsonValue((), "object", 1),
        JsonValue(("a",), "array", 2),
        JsonValue(("a", 0), "string", 2, "x,]"),
        JsonValue(("a", 1), "object", 2),
        JsonValue(("a", 1, "b"), "other", 2, "null"),
        JsonValue(("a",), "other", 3, "1.5e3"),
        JsonValue(("c",), "object", 3),
    ]


def test_keys_and_strings_are_unescaped() -> None:
    assert list(values('{"\\u0061\\"": "\\\\\\n"}'))[1] == JsonValue(('a"',), "string", 1, "\\\n")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1\n"b": 2}', (2, 1)),
        ("", (1, 1)),
        ("// no\n{}", (1, 1)),
        ("{} {}", (1, 4)),
        ("[" * 200_000, (1, 1)),
        ("9" * 10_000, (1, 1)),
    ],
    ids=["comma", "empty", "comment", "two", "deep", "digits"],
)
def test_what_is_not_json_says_where(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(BrokenJsonError) as caught:
        list(values(text))
    assert (caught.value.line, caught.value.column) == place
