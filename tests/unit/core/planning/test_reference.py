"""The shape of names."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.reference import misspelling, reference


@pytest.mark.parametrize(
    "text",
    [
        "inputs.a",
        "inputs.a.b",
        "inputs",
        "item.a",
        "item.a.b",
        "run.id",
        "run.request",
        "phases.x.status",
        "tasks.x.ok",
        "tasks.x.metrics",
        "tasks.x.metrics.findings.high",
        "tasks.x.outputs",
        "tasks.x.outputs.o.path",
        "tasks['x.y'].outputs['a.b'].digest",
    ],
)
def test_shape_that_can_have_a_value(text: str) -> None:
    assert misspelling(reference(text).path) == ""


@pytest.mark.parametrize(
    "text",
    [
        "input.a",
        "item",
        "run",
        "run.started",
        "phases.x",
        "phases.x.ok",
        "tasks",
        "tasks.x",
        "tasks.x.duration",
        "tasks.x.ok.really",
        "tasks.x.outputs.o",
        "tasks.x.outputs.o.size",
        "tasks.x.outputs.report.html.path",
    ],
)
def test_shape_that_never_has_a_value(text: str) -> None:
    assert misspelling(reference(text).path) != ""


@pytest.mark.parametrize(
    "text", ["inputs.a.b", "item.a.b", "tasks['a.b'].metrics.c.d", "tasks.a-b.ok"]
)
def test_written_form_reads_back(text: str) -> None:
    assert str(reference(text)) == text
    assert reference(str(reference(text))).path == reference(text).path
