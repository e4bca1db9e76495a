"""The form of an answer is one that both kinds of providers take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrate.core.agents.answer import RESERVED, answer_schema, words
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.errors import DefinitionError

REPORT = OutputSpec("report", "report.md", media_type="text/markdown")
DATA = OutputSpec("data", "data.json", media_type="application/json")
PICTURE = OutputSpec("picture", "p.png", media_type="image/png")


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object that `schema` describes."""
    if isinstance(schema, list):
        for item in schema:
            yield from objects(item)
    elif isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for item in schema.values():
            yield from objects(item)


def test_every_answer_has_the_four_fields_and_no_others() -> None:
    schema = answer_schema({}, ())
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) == set(schema["properties"]) == RESERVED
    assert schema["additionalProperties"] is False


def test_text_outputs_may_be_given_in_the_answer_and_others_may_not() -> None:
    properties = answer_schema({}, (REPORT, DATA, PICTURE))["properties"]
    assert properties["report"]["type"] == properties["data"]["type"] == ["string", "null"]
    assert "picture" not in properties


def test_output_named_like_a_field_of_every_answer_is_left_a_file() -> None:
    output = OutputSpec("summary", "summary.md", media_type="text/markdown")
    assert answer_schema({}, (output,)) == answer_schema({}, ())


def test_output_that_returns_describes_keeps_its_form() -> None:
    properties = answer_schema({"data": {"type": "array", "items": {"type": "string"}}}, (DATA,))
    assert properties["properties"]["data"]["type"] == "array"


def test_nested_objects_are_closed_and_what_was_optional_may_be_null() -> None:
    remark = {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "line": {"type": "integer", "default": 1},
            "kind": {"enum": ["bug", "style"]},
        },
        "required": ["path"],
    }
    schema = answer_schema({"remarks": {"type": "array", "items": remark}}, ())
    for found in objects(schema):
        assert found["required"] == list(found["properties"])
        assert found["additionalProperties"] is False
    item = schema["properties"]["remarks"]["items"]
    assert item["properties"]["line"] == {"type": ["integer", "null"]}
    answer = {"path": "a.py", "line": None, "kind": None}
    assert Draft202012Validator(item).is_valid(answer)
    assert not Draft202012Validator(item).is_valid({"path": "a.py"})


@pytest.mark.parametrize(
    ("returns", "where"),
    [
        ({"summary": {"type": "string"}}, "returns.summary"),
        ({"x": {"type": "string", "minLength": 1}}, "minLength"),
        ({"x": {"type": "object"}}, "returns.x"),
        ({"x": {"type": "strange"}}, "strange"),
        ({"x": {"type": 5}}, "returns.x"),
        ({"x": {}}, "returns.x"),
        ({"x": {"type": "array"}}, "returns.x.items"),
        ({"x": {"anyOf": 5}}, "returns.x.anyOf[0]"),
        ({"x": {"$ref": "#/y"}}, "$ref"),
        ({"x": "string"}, "returns.x"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_its_place(
    returns: dict[str, Any], where: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        answer_schema(returns, ())
    assert where in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t", 0),
        ("one", 1),
        ("Fixed src/a.py: 3 tests added.", 5),
        ("no\u00a0break\u2003em\u3000ideographic", 4),
        ("zero\u200bwidth", 1),
        ("修正しました", 1),
        ("naïve café – ok", 4),
    ],
)
def test_words_are_what_white_space_separates(text: str, count: int) -> None:
    assert words(text) == count
