"""The form of an agent's answer, and the rule for its summary.

Every answer is one JSON object: what was done in at most 50 words, whether it was done, why not,
what should follow, and the fields the task asks for. The schema keeps to what both `--json-schema`
of Claude Code and OpenAI's strict mode take: every property is required, no other is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrate.core.planning.definition import OutputSpec
from orchestrate.errors import DefinitionError

MAX_SUMMARY_WORDS = 50
#: Some scripts put no white space between words; fifty long words in Latin script stay below it.
MAX_SUMMARY_CHARACTERS = 1_000
#: These are kept in the run's log and shown to other agents.
MAX_REASON_CHARACTERS = 2_000
MAX_FOLLOW_UPS = 20
MAX_FOLLOW_UP_CHARACTERS = 500

#: Fields of every answer, in the order an agent is asked for them.
_OWN: dict[str, dict[str, Any]] = {
    "summary": {
        "type": "string",
        "description": f"What you did and found, in at most {MAX_SUMMARY_WORDS} words. It is all"
        " that others read of your work besides its files.",
    },
    "outcome": {
        "type": "string",
        "enum": ["done", "cannot"],
        "description": "`cannot` if the task is not done and you see no way to do it.",
    },
    "reason": {
        "type": "string",
        "description": "With `cannot`: why, and what would have to be different. Else empty.",
    },
    "follow_ups": {
        "type": "array",
        "items": {"type": "string"},
        "description": "What somebody should do after this, one sentence each; may be empty.",
    },
}
RESERVED = frozenset(_OWN)

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
#: What both providers take, besides what describes objects and arrays.
_KEYWORDS = frozenset(
    {
        *("type", "description", "title", "enum", "const", "anyOf", "format", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems"),
        *("properties", "required", "additionalProperties", "items"),
    }
)
#: They say something to readers only, and one provider refuses them.
_DROPPED = frozenset({"default", "examples", "$comment"})
_ALSO_TEXT = frozenset({"application/yaml", "application/xml"})


def words(text: str) -> int:
    """How many words `text` has: what white space (as Unicode has it) separates."""
    return len(text.split())


def is_text(output: OutputSpec) -> bool:
    """Whether the contents of `output` can be given in a field of the answer."""
    kind = _media_type(output)
    return is_json(output) or kind.startswith("text/") or kind in _ALSO_TEXT


def is_json(output: OutputSpec) -> bool:
    """Whether `output` is JSON."""
    kind = _media_type(output)
    return kind == "application/json" or kind.endswith("+json")


def _media_type(output: OutputSpec) -> str:
    return output.media_type.partition(";")[0].strip().lower()


def answer_schema(returns: Mapping[str, Any], outputs: tuple[OutputSpec, ...]) -> dict[str, Any]:
    """The JSON Schema of a task's answer.

    Args:
        returns: further fields, each with its JSON Schema.
        outputs: what the task leaves; those that are text may be given in a field of their name.
            For an output that `returns` describes, its field holds the contents.

    Raises:
        DefinitionError: a field of `returns` has a name or a schema that cannot be asked for.
    """
    properties = {name: dict(schema) for name, schema in _OWN.items()}
    for name, schema in returns.items():
        if name in RESERVED:
            raise DefinitionError(
                f"returns.{name}: every answer has a field of this name", remedy="rename it"
            )
        properties[name] = _strict(schema, f"returns.{name}")
    for output in outputs:
        if output.name not in properties and is_text(output):
            properties[output.name] = _contents(output)
    return _object(properties)


def _contents(output: OutputSpec) -> dict[str, Any]:
    what = "JSON text" if is_json(output) else "text"
    return {
        "type": ["string", "null"],
        "description": f"The {what} of the output {output.name}, in full; null if you wrote the"
        " file" + ("." if output.required else " or have none."),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _strict(schema: Any, where: str) -> dict[str, Any]:
    """`schema` with every object closed; what was optional may be null instead."""
    if not isinstance(schema, dict):
        raise DefinitionError(f"{where}: a JSON Schema is an object", remedy="write `type: …`")
    kept = {key: value for key, value in schema.items() if key not in _DROPPED}
    strange = sorted(str(key) for key in kept.keys() - _KEYWORDS)
    if strange:
        raise DefinitionError(
            f"{where}: {', '.join(strange)}: not every model provider takes this in a schema",
            remedy=f"use only {', '.join(sorted(_KEYWORDS))}",
        )
    kinds = _types(kept, where)
    if "array" in kinds:
        kept["items"] = _strict(kept.get("items"), f"{where}.items")
    if "anyOf" in kept:
        choices = kept["anyOf"] if isinstance(kept["anyOf"], list) else [kept["anyOf"]]
        kept["anyOf"] = [
            _strict(item, f"{where}.anyOf[{number}]") for number, item in enumerate(choices)
        ]
    return {**kept, **_closed(kept, where)} if "object" in kinds else kept


def _types(schema: dict[str, Any], where: str) -> tuple[str, ...]:
    given = schema.get("type", ())
    kinds = tuple(given) if isinstance(given, list | tuple) else (given,)
    wrong = [str(kind) for kind in kinds if str(kind) not in _TYPES]
    if wrong or not (kinds or schema.keys() & {"anyOf", "enum", "const"}):
        raise DefinitionError(
            f"{where}: {f'there is no type {wrong[0]}' if wrong else 'it says no type'}",
            remedy=f"write one of {', '.join(sorted(_TYPES))}",
        )
    return kinds


def _closed(schema: dict[str, Any], where: str) -> dict[str, Any]:
    """What makes an object strict: its properties, all of them required, and no others."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        raise DefinitionError(
            f"{where}: an object needs `properties`: a model is asked for named fields",
            remedy="name them, or use a list of objects with a key and a value",
        )
    needed = schema.get("required")
    needed = needed if isinstance(needed, list) else list(properties)
    strict = {name: _strict(item, f"{where}.{name}") for name, item in properties.items()}
    closed = _object(
        {name: item if name in needed else _nullable(item) for name, item in strict.items()}
    )
    closed["type"] = schema["type"]
    return closed


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if kinds is None or "enum" in schema or "const" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    listed = [kinds] if isinstance(kinds, str) else list(kinds)
    return {**schema, "type": listed if "null" in listed else [*listed, "null"]}
