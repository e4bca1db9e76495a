"""The pages about states and events are what the code says."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrate.core.running import events
from scripts.generate_diagrams import PAGES, REFERENCE, TABLES, states_page


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_the_generated_one(name: str) -> None:
    committed = (REFERENCE / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run: python scripts/generate_diagrams.py"


def test_every_event_is_on_the_page() -> None:
    page = (REFERENCE / "events.md").read_text(encoding="utf-8")
    for kind in get_args(events.AnyEvent):
        assert f"### {kind.__name__}\n" in page


def test_every_row_of_every_table_is_on_the_page() -> None:
    page = states_page()
    for _, _, table, first in TABLES:
        assert f"    [*] --> {first}\n" in page
        for before, row in table.items():
            for trigger, after in row.items():
                assert f"| {before} | `{trigger}` | {after} |" in page
