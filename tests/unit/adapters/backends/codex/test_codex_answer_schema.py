"""Schemas for strict mode, and answers without what only strict mode asked for."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.adapters.backends.codex.answer_schema import strict, without_nulls

TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "summary": {"type": "string", "maxLength": 400},
        "kind": {"enum": ["a", "b"]},
        "nothing": {"type": ["string", "null"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {"x": TEXT}}},
        "default": TEXT,
    },
    "required": ["summary"],
}


def test_all_properties_are_required_and_no_others_allowed() -> None:
    found = strict(SCHEMA)
    assert found == {
        "type": "object",
        "properties": {
            "summary": TEXT,
            "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
            "nothing": {"type": ["string", "null"]},
            "items": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "properties": {"x": {"type": ["string", "null"]}},
                    "required": ["x"],
                    "additionalProperties": False,
                },
            },
            "default": {"type": ["string", "null"]},
        },
        "required": ["summary", "kind", "nothing", "items", "default"],
        "additionalProperties": False,
    }
    assert strict(found) == found


def test_choices_are_gone_into() -> None:
    inner = {"type": "object", "properties": {"x": TEXT}, "required": ["x"]}
    found = strict({"oneOf": [inner, TEXT], "$defs": {"d": inner}})
    assert found["anyOf"][0]["additionalProperties"] is False
    assert found["$defs"]["d"]["additionalProperties"] is False
    assert "oneOf" not in found


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"summary": "s", "kind": None, "items": None}, {"summary": "s"}),
        ({"summary": None}, {"summary": None}),
        ({"nothing": None}, {"nothing": None}),
        ({"items": [{"x": None}, {"x": "y"}]}, {"items": [{}, {"x": "y"}]}),
        ({"unknown": None}, {"unknown": None}),
        (["not", "an", "object"], ["not", "an", "object"]),
    ],
)
def test_only_nulls_that_strict_mode_brought_are_taken_out(answer: Any, left: Any) -> None:
    assert without_nulls(answer, SCHEMA) == left
