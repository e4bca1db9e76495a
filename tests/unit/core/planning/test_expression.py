"""Conditions: what they mean, and how they refuse."""

from __future__ import annotations

import time
from typing import Any

import pytest

from orchestrate.core.planning.expression import ExpressionError, evaluate, parse
from orchestrate.core.planning.syntax import MAX_DEPTH, MAX_LENGTH

SCOPE: dict[str, Any] = {
    "inputs": {"deep": True, "count": 3, "name": "Ada", "dotted.name": "x"},
    "tasks": {
        "security-scout": {
            "status": "succeeded",
            "ok": True,
            "attempts": 1,
            "metrics": {"findings.high": 2.0},
            "outputs": {},
        },
        "a.b": {"ok": False, "metrics": {"odd": float("nan")}},
    },
    "phases": {"scan": {"status": "done"}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("not true", False),
        ("not not true", True),
        ("true or false and false", True),
        ("(true or false) and false", False),
        ("1 < 2", True),
        ("-1.5e1 == -15", True),
        ("2 <= 2 and 2 >= 2 and 2 != 3", True),
        ("'a' < 'b'", True),
        (r"'it\'s' == \"it's\"".replace(r"\"", '"'), True),
        (r"'a\\b' == 'a\\b' and len('a\nb') == 3", True),
        ("inputs.deep", True),
        ("inputs.count > 2 and inputs.name == 'Ada'", True),
        ("inputs.dotted.name == 'x'", True),
        ("inputs['dotted.name'] == 'x'", True),
        ("tasks.security-scout.ok", True),
        ("tasks.security-scout.metrics.findings.high == 2", True),
        ("tasks['a.b'].ok", False),
        ("phases.scan.status in ['done', 'skipped']", True),
        ("3 not in [1, 2]", True),
        ("'d' in inputs.name", True),
        ("'findings.high' in tasks.security-scout.metrics", True),
        ("'none' in tasks.security-scout.metrics", False),
        ("len(inputs.name) == 3", True),
        ("len(tasks.security-scout.outputs) == 0", True),
        ("3 in []", False),
    ],
)
def test_value_of_a_condition(text: str, value: object) -> None:
    assert evaluate(parse(text), SCOPE) is value


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("   ", 0),
        ("inputs.", 6),
        ("(true", 5),
        ("true)", 4),
        ("true true", 5),
        ("a = b", 2),
        ("a && b", 2),
        ("not", 3),
        ("1 < 2 < 3", 6),
        ("1 not 2", 6),
        ("[1, inputs.a]", 4),
        ("[1 2]", 3),
        ("'open", 0),
        (r"'a\qb'", 2),
        ("1e999", 0),
        ("3abc", 0),
        ("2 ** 3", 2),
        ("2 + 3", 2),
        ("print('x')", 5),
        ("True", 0),
        ("inputs.__class__()", 16),
        ("٣ == 3", 0),
    ],
)
def test_unreadable_condition_is_refused_where_it_goes_wrong(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("a && b", "write `and`"), ("True", "write `true`"), ("a = b", "compare with `==`")],
)
def test_spelling_of_other_languages_is_explained(text: str, remedy: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    "text",
    [
        "tasks.gone.ok",
        "not tasks.gone.ok",
        "tasks.gone.ok or true",
        "inputs.nothing == 'x'",
        "inputs.count.deeper == 1",
    ],
)
def test_name_without_a_value_is_neither_true_nor_false(text: str) -> None:
    with pytest.raises(ExpressionError, match="has no value"):
        evaluate(parse(text), SCOPE)


def test_first_operand_that_decides_hides_a_missing_name() -> None:
    assert evaluate(parse("true or tasks.gone.ok"), SCOPE) is True
    assert evaluate(parse("false and tasks.gone.ok"), SCOPE) is False


@pytest.mark.parametrize(
    "text",
    [
        "inputs.count == '3'",
        "inputs.deep == 1",
        "true < false",
        "inputs.name and true",
        "not inputs.count",
        "inputs == inputs",
        "1 in 'one'",
        "'a' in [1]",
        "'a' in 3",
        "len(3) == 1",
        "tasks['a.b'].metrics.odd < 1",
    ],
)
def test_kinds_are_never_converted(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(parse(text), SCOPE)


def test_names_are_listed_with_their_offsets() -> None:
    names = parse("tasks['a.b'].ok and inputs.x.y == 1").names
    assert [(name.path, name.offset) for name in names] == [
        (("tasks", "a.b", "ok"), 0),
        (("inputs", "x.y"), 20),
    ]
    assert [str(name) for name in names] == ["tasks['a.b'].ok", "inputs.x.y"]


def test_depth_and_length_are_bounded() -> None:
    inside = "(" * MAX_DEPTH + "true" + ")" * MAX_DEPTH
    assert evaluate(parse(inside), {}) is True
    for text in (f"({inside})", "not " * (MAX_DEPTH + 1) + "true", "a" * (MAX_LENGTH + 1)):
        with pytest.raises(ExpressionError):
            parse(text)


def test_longest_condition_is_decided_at_once() -> None:
    text = " or ".join(["inputs.name == 'nobody'"] * 74)
    assert len(text) <= MAX_LENGTH
    started = time.perf_counter()
    assert evaluate(parse(text), SCOPE) is False
    assert time.perf_counter() - started < 1.0
