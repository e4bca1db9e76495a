"""The shape of the answer, in the subset of JSON Schema that OpenAI's strict mode takes.

There every property is required and no other is allowed. A property that may be absent becomes one
that may be null, and is taken out of the answer again where it is.
"""

from __future__ import annotations

from typing import Any

#: Not known in strict mode. What they demand is checked by whoever validates the answer.
_UNKNOWN = frozenset(
    {"$schema", "$id", "$comment", "default", "examples", "title", "uniqueItems", "contains"}
    | {"minLength", "maxLength", "minContains", "maxContains", "minProperties", "maxProperties"}
    | {"patternProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems"}
    | {"dependentRequired", "dependentSchemas", "if", "then", "else", "not", "readOnly"}
)
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with every property required, no others allowed, and unknown keywords left out."""
    found = {key: _inside(key, value) for key, value in schema.items() if key not in _UNKNOWN}
    if "oneOf" in found:
        found["anyOf"] = [*found.get("anyOf", ()), *found.pop("oneOf")]
    if schema.get("type") != "object" and "properties" not in schema:
        return found
    required = schema.get("required", ())
    properties = found.get("properties", {})
    return found | {
        "properties": {
            name: each if name in required else _nullable(each) for name, each in properties.items()
        },
        "required": list(properties),
        "additionalProperties": False,
    }


def without_nulls(answer: Any, schema: Any) -> Any:
    """`answer` less the properties that are null because `strict` made them so."""
    if not isinstance(schema, dict):
        return answer
    if isinstance(answer, list):
        return [without_nulls(each, schema.get("items")) for each in answer]
    if not isinstance(answer, dict):
        return answer
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    return {
        name: without_nulls(value, properties.get(name))
        for name, value in answer.items()
        if not (value is None and name in properties and name not in required)
        or _takes_null(properties[name])
    }


def _inside(key: str, value: Any) -> Any:
    if key in _NAMED and isinstance(value, dict):
        return {name: _each(schema) for name, schema in value.items()}
    if key in _LISTED and isinstance(value, list):
        return [_each(schema) for schema in value]
    return _each(value) if key == "items" else value


def _each(schema: Any) -> Any:
    return strict(schema) if isinstance(schema, dict) else schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if _takes_null(schema):
        return schema
    if isinstance(schema.get("type"), str) and not schema.keys() & {"enum", "const", "$ref"}:
        return schema | {"type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _takes_null(schema: dict[str, Any]) -> bool:
    types = schema.get("type", ())
    among = schema.get("anyOf", ())
    return (
        types == "null"
        or (isinstance(types, list) and "null" in types)
        or any(isinstance(each, dict) and _takes_null(each) for each in among)
    )
