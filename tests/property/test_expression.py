"""Conditions: any text is either read or refused, and what is read means what it says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.core.planning.expression import ExpressionError, evaluate, nodes, parse
from orchestrate.core.planning.inference import misfits, settled
from orchestrate.core.planning.syntax import MAX_LENGTH
from orchestrate.core.planning.template import TemplateError, references, render

SCOPE: dict[str, Any] = {
    "inputs": {"n": 2, "s": "x", "b": True},
    "tasks": {"a": {"ok": False, "status": "failed", "metrics": {"m": 1.5}, "outputs": {}}},
    "phases": {"p": {"status": "done"}},
}
WORDS = st.sampled_from(
    (
        *("and", "or", "not", "in", "true", "false", "len", "(", ")", "[", "]", ",", "==", "!="),
        *("<", "<=", ">", ">=", "1", "-2.5", "'x'", '"y"', "=", "&&", "!", "{", "}", ".", "'"),
        *("inputs.n", "inputs.s", "inputs.b", "inputs.none", "tasks.a.ok", "tasks.a.status"),
        *("tasks['a'].metrics.m", "tasks.a.metrics", "phases.p.status", "run.id", "\\", "-"),
    )
)

# Text of a condition with what Python says it is. Parenthesised, so precedence is tested apart.
Meant = tuple[str, Any]
NUMBERS: st.SearchStrategy[Meant] = st.integers(-99, 99).map(lambda n: (str(n), n))
TEXTS: st.SearchStrategy[Meant] = st.text("ab'\"\\ \n\t", max_size=3).map(
    lambda s: (
        "'"
        + s.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
        + "'",
        s,
    )
)


def _compared(pair: tuple[Meant, Meant, str]) -> Meant:
    (left, x), (right, y), operator = pair
    value = {
        "==": x == y,
        "!=": x != y,
        "<": x < y,
        "<=": x <= y,
        ">": x > y,
        ">=": x >= y,
        "in": x in [y],
        "not in": x not in [y],
    }[operator]
    return (
        f"{left} {operator} [{right}]" if "in" in operator else f"{left} {operator} {right}",
        value,
    )


OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
COMPARED = st.one_of(
    st.tuples(NUMBERS, NUMBERS, OPERATORS), st.tuples(TEXTS, TEXTS, OPERATORS)
).map(_compared)
TRUTHS: st.SearchStrategy[Meant] = st.recursive(
    st.one_of(st.sampled_from([("true", True), ("false", False)]), COMPARED),
    lambda inner: st.one_of(
        inner.map(lambda each: (f"not ({each[0]})", not each[1])),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda each: (" and ".join(f"({t})" for t, _ in each), all(v for _, v in each))
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda each: (" or ".join(f"({t})" for t, _ in each), any(v for _, v in each))
        ),
    ),
    max_leaves=8,
)


@given(TRUTHS)
def test_condition_means_what_it_says(meant: Meant) -> None:
    text, value = meant
    expression = parse(text)
    assert evaluate(expression, {}) is value
    assert settled(expression, lambda _: None) is value
    assert list(misfits(expression, {})) == []


@given(st.lists(st.sampled_from(["true", "false"]), min_size=1, max_size=6), st.data())
def test_not_binds_before_and_and_and_before_or(words: list[str], data: st.DataObject) -> None:
    text = words[0]
    for word in words[1:]:
        operator = data.draw(st.sampled_from([" and ", " or ", " and not ", " or not "]))
        text += operator + word
    expected = {"true": True, "false": False}
    clauses = [
        [
            word.split()[-1] in expected and expected[word.split()[-1]] ^ ("not" in word)
            for word in c.split(" and ")
        ]
        for c in text.split(" or ")
    ]
    assert evaluate(parse(text), {}) is any(all(clause) for clause in clauses)


@given(st.one_of(st.lists(WORDS, max_size=30).map(" ".join), st.text(max_size=80)))
def test_any_text_is_read_or_refused_at_a_place(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= min(len(text), MAX_LENGTH)
        return
    for name in expression.names:
        assert text[name.offset :].startswith(name.path[0])
    assert len(list(nodes(expression.root))) <= len(text)
    try:
        value = evaluate(expression, SCOPE)
    except ExpressionError as error:
        assert 0 <= error.offset < len(text)
    else:
        constant = settled(expression, lambda _: None)
        assert constant is None or constant is value


@given(
    st.lists(st.sampled_from(["{{", "}}", "{", "}", " ", "inputs.n", "inputs.s", "a.b", "\n", "x"]))
)
def test_any_prompt_is_filled_in_or_refused_at_a_place(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        found = references(text)
        rendered = render(text, SCOPE)
    except TemplateError as error:
        assert 0 <= error.offset < len(text)
        return
    if not found and "{{" not in text:
        assert rendered == text
