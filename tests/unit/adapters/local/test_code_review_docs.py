"""docs/reference/review-rules.md says of every rule what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrate.adapters.backends.local import architecture, code_review
from orchestrate.adapters.backends.local.review_findings import MOST_PER_RULE
from orchestrate.adapters.backends.local.rule import Rule

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "review-rules.md"
RULES = (*code_review.RULES, *architecture.RULES)


def rows() -> dict[str, list[str]]:
    """Rule id → the cells of its row."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.match(r"`ORC-[A-Z]+-\d+`", cells[0]):
            found[cells[0].split("`")[1]] = cells
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_row_of_a_rule_is_true(rule: Rule) -> None:
    cwe = f"CWE-{rule.cwe}" if rule.cwe else "–"
    mark = "" if rule.in_tests else " †"
    assert rows()[rule.id] == [
        f"`{rule.id}`{mark}",
        rule.title,
        cwe,
        rule.severity,
        rule.confidence,
        rule.remedy,
        rule.remarks,
    ]


def test_the_page_lists_no_rule_that_does_not_exist() -> None:
    assert set(rows()) == {rule.id for rule in RULES}


def test_the_bound_on_the_page_is_the_one_in_the_code() -> None:
    assert f"At most {MOST_PER_RULE} findings of one rule are kept per file" in PAGE.read_text(
        encoding="utf-8"
    )
