"""What can be told about a condition before any run."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.core.planning.definition import InputSpec
from orchestrate.core.planning.expression import parse
from orchestrate.core.planning.inference import misfits, settled
from orchestrate.core.planning.reference import Reference

INPUTS = {
    spec.name: spec
    for spec in (
        InputSpec(name="n", type="integer"),
        InputSpec(name="s"),
        InputSpec(name="b", type="boolean"),
    )
}


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("inputs.b", []),
        ("inputs.n > 3 and inputs.s == 'x'", []),
        ("tasks.a.metrics.m > 1 or tasks.a.ok", []),
        ("inputs.unknown == 3", []),
        ("item.a == 3", []),
        ("inputs.n == '3'", [9]),
        ("inputs.n and inputs.b", [0]),
        ("inputs.s", [0]),
        ("tasks.a.status", [0]),
        ("not tasks.a.attempts", [4]),
        ("len(inputs.s)", [0]),
        ("tasks.a.ok == 'true' or 3", [11, 24]),
    ],
)
def test_values_of_the_wrong_kind_are_found(text: str, offsets: list[int]) -> None:
    assert sorted({each.offset for each in misfits(parse(text), INPUTS)}) == offsets


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("1 > 2", False),
        ("inputs.b", None),
        ("inputs.b or true", True),
        ("inputs.b and false", False),
        ("not (inputs.b and false)", True),
        ("inputs.b or false", None),
        ("tasks.a.ok", True),
        ("inputs.b and not tasks.a.ok", False),
        ("tasks.a.ok or inputs.b", True),
        ("tasks.a.ok == 3", None),
    ],
)
def test_truth_that_holds_in_every_run(text: str, value: bool | None) -> None:
    def known(name: Reference) -> tuple[Any] | None:
        return (True,) if name.path == ("tasks", "a", "ok") else None

    assert settled(parse(text), known) is value
