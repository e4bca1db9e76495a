"""Every rule finds what it should, at its line and weight, and leaves near misses alone."""

from __future__ import annotations

from textwrap import dedent

import pytest

from orchestrate.adapters.backends.local import review_complexity, review_dead_code
from orchestrate.adapters.backends.local.code_review import RULES
from tests.unit.adapters.local import (
    cases_crypto,
    cases_data,
    cases_injection,
    cases_logic,
    cases_transport,
)
from tests.unit.adapters.local.rule_cases import Case, expected, reported

CASES = (
    *cases_injection.CASES,
    *cases_data.CASES,
    *cases_crypto.CASES,
    *cases_transport.CASES,
    *cases_logic.CASES,
)
#: These come from tools that look at whole files; test_code_review_tools.py covers them.
_OF_TOOLS = {rule.id for rule in (*review_complexity.RULES.rules, *review_dead_code.RULES.rules)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rule_reports_exactly_the_marked_lines(case: Case) -> None:
    source = dedent(case.bad)
    assert reported(source, case.rule, case.path) == expected(source) != []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rule_leaves_near_misses_alone(case: Case) -> None:
    assert reported(case.good, case.rule, case.path) == []


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.id for rule in RULES} - _OF_TOOLS


def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_near_misses_would_be_noticed() -> None:
    """The harness itself: a hit in a `good` source is seen."""
    assert reported("eval(x)", "ORC-PY-103") == [(1, "medium/medium")]
