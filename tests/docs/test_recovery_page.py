"""The page on recovery says what the kernel does."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.running.recovery import HELPS, LIMITED_BACKOFF_S, MAX_LIMITED, RUNGS
from orchestrate.core.running.retry import MAX_LOSSES
from orchestrate.core.running.spending import LEAST_SHARE
from orchestrate.errors import ExitCode
from scripts.generate_diagrams import CAUSES, RECOVERY, ladder_table, recovery_page

PAGE = RECOVERY.read_text(encoding="utf-8")


def test_table_on_the_page_is_the_one_in_the_code() -> None:
    assert recovery_page(PAGE) == PAGE, "run: python scripts/generate_diagrams.py"


def test_every_cause_and_every_rung_is_in_the_table() -> None:
    assert CAUSES.keys() == HELPS.keys() == set(get_args(FailureCause))
    head, _, *rows = ladder_table().splitlines()
    assert [cell.strip() for cell in head.split("|")[3:-1]] == list(RUNGS)
    assert len(rows) == len(HELPS)
    for rung in RUNGS:
        assert f"| `{rung}` |" in PAGE


def test_a_page_without_a_place_for_the_table_is_noticed() -> None:
    with pytest.raises(ValueError, match="has no lines"):
        recovery_page("# Recovery\n")


def test_figures_on_the_page_are_those_of_the_code() -> None:
    words = {6: "six", 10: "ten"}
    assert f"up to {words[MAX_LIMITED]} times at each place" in PAGE
    assert f"up to {words[MAX_LOSSES]} times, since" in PAGE
    assert f"{LIMITED_BACKOFF_S:g} s, then twice" in PAGE
    assert LEAST_SHARE == 0.1 and "at least a tenth of its allowance" in PAGE
    assert f"exit code {int(ExitCode.BUDGET)}" in PAGE
