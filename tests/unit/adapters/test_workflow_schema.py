"""The published JSON Schema and the reader agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from orchestrate.adapters.files import workflow_schema as module
from orchestrate.adapters.files.workflow_reader import check_workflow
from orchestrate.adapters.files.workflow_schema import workflow_schema
from orchestrate.adapters.files.yaml_nodes import UnreadableYamlError, read_yaml
from orchestrate.core.ids import is_name
from orchestrate.core.planning.definition import FailureCause, GateKind, InputType, TriggerRule
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
    assert len(objects) == 9
    assert all(each["additionalProperties"] is False for each in objects)


def test_lists_of_words_are_those_of_the_definition() -> None:
    parts = workflow_schema()["$defs"]
    assert parts["retry"]["properties"]["on"]["items"]["enum"] == list(get_args(FailureCause))
    assert parts["task"]["properties"]["trigger"]["enum"] == list(get_args(TriggerRule))
    assert parts["gate"]["properties"]["kind"]["enum"] == list(get_args(GateKind))
    assert parts["input"]["properties"]["type"]["enum"] == list(get_args(InputType))


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
