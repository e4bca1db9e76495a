"""Prompts with values put in."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.template import TemplateError, references, render

SCOPE = {
    "inputs": {
        "request": "look",
        "flag": True,
        "n": 3,
        "x": 2.5,
        "hostile": "{{ inputs.request }}",
    },
    "tasks": {"scan": {"summary": "done", "metrics": {"findings.high": 2.0}, "outputs": {}}},
}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("plain { } }} text", "plain { } }} text"),
        ("{{inputs.request}} {{ inputs.request }}{{\n inputs.request }}", "look looklook"),
        ("{{ inputs.flag }} {{ inputs.n }} {{ inputs.x }}", "true 3 2.5"),
        ("{{ tasks.scan.metrics.findings.high }}", "2"),
        ("{{{{ inputs.request }}", "{{ inputs.request }}"),
        ('{ "a": {{ inputs.n }} }', '{ "a": 3 }'),
    ],
)
def test_rendered_text(text: str, rendered: str) -> None:
    assert render(text, SCOPE) == rendered


def test_value_is_inserted_as_it_is() -> None:
    assert render("{{ inputs.hostile }}", SCOPE) == "{{ inputs.request }}"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("a {{ }}", 2),
        ("{{ inputs.request", 0),
        ("{{ inputs.request | upper }}", 0),
        ("{{ inputs.request() }}", 0),
        ("{{{ inputs.n }}}", 0),
        ("x\n{{ 'text' }}", 2),
    ],
)
def test_braces_without_a_name_are_refused_where_they_are(text: str, offset: int) -> None:
    with pytest.raises(TemplateError) as caught:
        references(text)
    assert caught.value.offset == offset
    assert "{{{{" in caught.value.remedy


def test_missing_value_and_group_are_refused_where_they_are() -> None:
    with pytest.raises(TemplateError, match="has no value") as missing:
        render("see {{ tasks.scan.outputs.log.path }}", SCOPE)
    assert missing.value.offset == 7
    with pytest.raises(TemplateError, match="group") as group:
        render("{{ tasks.scan }}", SCOPE)
    assert group.value.offset == 3


def test_references_are_listed_in_order() -> None:
    found = references("{{ inputs.a }} {{{{ {{ tasks['a.b'].summary }}")
    assert [name.path for name in found] == [("inputs", "a"), ("tasks", "a.b", "summary")]
