"""docs/reference/local-specialists.md says of the scout's rules what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from orchestrate.adapters.backends.local import bandit_rules, secret_rules
from orchestrate.adapters.backends.local.backend import PASSED_VARIABLES
from orchestrate.adapters.backends.local.security_scan import RULES
from orchestrate.core.sharing.findings import ToolStatus

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "local-specialists.md"
TEXT = PAGE.read_text(encoding="utf-8")
#: First cell of a table row, without its quotes -> the other cells.
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in TEXT.splitlines()
    if line.startswith("| `")
    for cells in [[cell.strip() for cell in line.strip("|").split(" | ")]]
}


def test_every_rule_has_a_row_with_its_title_and_no_other_rule_has() -> None:
    documented = {key: cells[0] for key, cells in ROWS.items() if re.match(r"ORC-[A-Z]+-\d+", key)}
    assert documented == RULES


@pytest.mark.parametrize("rule", bandit_rules.RULES, ids=lambda rule: rule.id)
def test_the_row_of_a_code_rule_is_true(rule: bandit_rules.BanditRule) -> None:
    own = "as bandit says"
    assert ROWS[rule.id] == [
        rule.title,
        f"CWE-{rule.cwe}",
        rule.severity or own,
        rule.confidence or own,
        ", ".join(rule.tests),
    ]


@pytest.mark.parametrize("rule", secret_rules.RULES, ids=lambda rule: rule.id)
def test_the_row_of_a_secret_rule_is_true(rule: secret_rules.SecretRule) -> None:
    assert ROWS[rule.id] == [rule.title, f"CWE-{rule.cwe}", rule.severity, rule.confidence]


def test_every_status_of_a_tool_is_explained() -> None:
    assert set(get_args(ToolStatus)) <= ROWS.keys()


def test_every_variable_a_task_may_add_is_named() -> None:
    assert all(f"`{name}`" in TEXT for name in PASSED_VARIABLES if name.isupper())


# stevedore, which loads bandit's tests, warns about an argument that bandit passes.
@pytest.mark.filterwarnings("ignore:The verify_requirements:DeprecationWarning")
def test_every_test_of_the_installed_bandit_has_a_rule() -> None:
    from bandit.core import extension_loader

    manager = extension_loader.MANAGER
    installed = {plugin.plugin._test_id for plugin in manager.plugins}
    installed |= {each["id"] for group in manager.blacklist.values() for each in group}
    assert installed - bandit_rules.BY_TEST.keys() == set()
