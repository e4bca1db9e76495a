"""The published JSON Schema and the reader agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from orchestrate.adapters.files import workflow_schema as module
from orchestrate.adapters.files.workflow_gates import GATE_KEYS
from orchestrate.adapters.files.workflow_reader import check_workflow
from orchestrate.adapters.files.workflow_schema import workflow_schema
from orchestrate.adapters.files.workflow_tasks import RETRIED, SENT_BACK
from orchestrate.adapters.files.yaml_nodes import UnreadableYamlError, read_yaml
from orchestrate.core.ids import is_name
from orchestrate.core.planning.definition import (
    EachSpec,
    FailureCause,
    GateKind,
    GateSpec,
    InputType,
    TaskSpec,
    TriggerRule,
    Workflow,
)
from orchestrate.core.sharing.findings import SEVERITY_ORDER
from tests.unit.adapters.workflow_mistakes import MISTAKES

#: Codes for what the schema itself refuses.
STRUCTURE = {
    "agent-or-run",
    "bad-value",
    "duplicate-item",
    "empty",
    "empty-phase",
    "missing-key",
    "out-of-range",
    "too-many",
    "unknown-key",
    "wrong-type",
}
#: Codes some of whose mistakes the schema refuses.
BOTH = {"bad-duration", "bad-name"}


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and "additionalProperties" in node:
            yield node
        for child in node.values():
            yield from _objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from _objects(child)


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(workflow_schema())


def test_no_object_takes_unknown_keys() -> None:
    objects = list(_objects(workflow_schema()))
    assert len(objects) == 14
    assert all(each["additionalProperties"] is False for each in objects)


def test_lists_of_words_are_those_of_the_definition() -> None:
    parts = workflow_schema()["$defs"]
    assert parts["retry"]["properties"]["on"]["items"]["enum"] == list(RETRIED)
    assert set(get_args(FailureCause)) == {*RETRIED, *SENT_BACK}
    assert parts["task"]["properties"]["trigger"]["enum"] == list(get_args(TriggerRule))
    assert parts["gate"]["properties"]["kind"]["enum"] == list(get_args(GateKind))
    assert parts["gate"]["properties"]["severity"]["enum"] == list(SEVERITY_ORDER)
    assert parts["input"]["properties"]["type"]["enum"] == list(get_args(InputType))


def test_defaults_it_names_are_those_of_the_definition() -> None:
    parts = workflow_schema()["$defs"]
    gate, task = GateSpec(name="g", kind="human"), TaskSpec(id="t", phase="p")
    each, flow = EachSpec(task="t", output="o"), Workflow(name="w")
    for properties, value in (
        (parts["gate"]["properties"], gate),
        (parts["task"]["properties"], task),
        (parts["each"]["properties"], each),
        (workflow_schema()["properties"], flow),
    ):
        named = {key: each["default"] for key, each in properties.items() if "default" in each}
        assert named == {key: getattr(value, key) for key in named}
        assert named


def test_keys_of_a_resolver_are_keys_of_a_task() -> None:
    parts = workflow_schema()["$defs"]
    resolver, task = parts["resolver"]["properties"], parts["task"]["properties"]
    assert set(resolver) < set(task)
    place = {"id", "needs", "outputs", "writes", "when", "trigger", "each", "split", "must_change"}
    assert not place & set(resolver)
    assert parts["resolver"]["oneOf"] == parts["task"]["oneOf"]


def test_an_answer_is_what_a_json_schema_may_be() -> None:
    returned = workflow_schema()["$defs"]["returned"]
    keywords = {*Draft202012Validator.VALIDATORS, "description"}
    assert set(returned["properties"]) <= keywords
    assert returned["properties"]["type"]["enum"] == [
        "string",
        "integer",
        "number",
        "boolean",
        "array",
        "object",
    ]


def test_every_key_of_a_gate_belongs_to_a_kind() -> None:
    assert set(GATE_KEYS) == set(get_args(GateKind))
    shared = {"name", "kind", "message", "when"}
    own = {key for keys in GATE_KEYS.values() for key in keys}
    assert own | shared == set(workflow_schema()["$defs"]["gate"]["properties"])


@pytest.mark.parametrize("name", ["a", "a-b_c.d", "0", "x" * 64])
def test_names_of_the_schema_are_names(name: str) -> None:
    assert Draft202012Validator(workflow_schema()["$defs"]["name"]).is_valid(name)
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "A", "a.", "-a", "a..b", "a b", "x" * 65, "a/b"])
def test_other_names_are_refused_by_both(name: str) -> None:
    assert not Draft202012Validator(workflow_schema()["$defs"]["name"]).is_valid(name)
    assert not is_name(name)


def test_every_keyword_that_can_fail_has_words() -> None:
    used = {
        key
        for each in _schemas(workflow_schema())
        for key in each
        if key in Draft202012Validator.VALIDATORS
    }
    structural = {"properties", "$ref", "items", "propertyNames", "allOf", "if", "then"}
    assert used - structural == set(module._TRANSLATE)


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema within `node`; names of properties are not keywords."""
    if not isinstance(node, dict):
        return
    yield node
    for key, child in node.items():
        if key in ("properties", "$defs"):
            for each in child.values():
                yield from _schemas(each)
        elif isinstance(child, list):
            for each in child:
                yield from _schemas(each)
        elif key != "const":
            yield from _schemas(child)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.code}-{m.says[:20]}")
def test_schema_refuses_exactly_what_the_reader_calls_a_mistake_of_structure(mistake: Any) -> None:
    text = mistake.text.replace("⟦", "")
    result = check_workflow(text.encode(), "w.yaml", known_agents=None)
    codes = {problem.code for problem in result.problems}
    try:
        plain = read_yaml(text.encode()).plain()
    except UnreadableYamlError:
        # Not YAML as it is read here, so there is nothing to validate.
        assert not codes & (STRUCTURE | BOTH)
        return
    valid = Draft202012Validator(workflow_schema()).is_valid(plain)
    if codes & STRUCTURE:
        assert not valid
    elif not codes & BOTH:
        assert valid
