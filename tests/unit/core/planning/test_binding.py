"""Inputs of a run."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.binding import InputError, bind_inputs
from orchestrate.core.planning.definition import InputSpec, InputValue, Workflow
from orchestrate.errors import ExitCode

WORKFLOW = Workflow(
    name="w",
    inputs=(
        InputSpec(name="request", required=True),
        InputSpec(name="count", type="integer", default=3),
        InputSpec(name="ratio", type="number"),
        InputSpec(name="deep", type="boolean", default=False),
        InputSpec(name="level", choices=("low", "high"), default="low"),
        InputSpec(name="folder", type="path", default=""),
    ),
)


def test_texts_become_the_declared_types_in_declared_order() -> None:
    given = {"deep": "True", "ratio": "2.5", "count": "-7", "request": "x", "level": "high"}
    bound = bind_inputs(WORKFLOW, given)
    assert list(bound.items()) == [
        ("request", "x"),
        ("count", -7),
        ("ratio", 2.5),
        ("deep", True),
        ("level", "high"),
        ("folder", ""),
    ]


def test_defaults_fill_in_and_optional_inputs_without_one_are_absent() -> None:
    assert bind_inputs(WORKFLOW, {"request": "x"}) == {
        "request": "x",
        "count": 3,
        "deep": False,
        "level": "low",
        "folder": "",
    }


def test_empty_text_counts_as_not_given_unless_it_is_a_text() -> None:
    bound = bind_inputs(WORKFLOW, {"request": "x", "count": "", "deep": "", "folder": ""})
    assert (bound["count"], bound["deep"], bound["folder"]) == (3, False, "")
    with pytest.raises(InputError, match="request is required"):
        bind_inputs(WORKFLOW, {"request": ""})


def test_native_values_are_accepted_when_they_fit() -> None:
    bound = bind_inputs(WORKFLOW, {"request": 5, "count": 4.0, "ratio": 1, "deep": True})
    assert bound["request"] == "5"
    assert (bound["count"], type(bound["count"])) == (4, int)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "3.5"),
        ("count", "three"),
        ("count", 3.5),
        ("count", True),
        ("count", float("inf")),
        ("count", "9" * 40),
        ("ratio", "nan"),
        ("ratio", "inf"),
        ("ratio", "1,5"),
        ("deep", "yes"),
        ("deep", 1),
        ("level", "medium"),
        ("folder", "a\0b"),
    ],
)
def test_value_that_does_not_fit_is_refused(name: str, value: InputValue) -> None:
    with pytest.raises(InputError, match=name):
        bind_inputs(WORKFLOW, {"request": "x", name: value})


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        bind_inputs(WORKFLOW, {"requst": "x", "count": "x", "level": "mid"})
    assert caught.value.problems == (
        "there is no input 'requst' (did you mean request?)",
        "input request is required",
        "input count is a whole number, not 'x'",
        "input level is one of low, high, not 'mid'",
    )
    assert caught.value.exit_code is ExitCode.USAGE
    assert "request (a text, required)" in caught.value.remedy
