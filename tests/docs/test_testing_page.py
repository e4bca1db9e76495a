"""docs/testing.md shows the suites, budgets, markers and targets that really exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.plugins.required import BUDGETS_S, COMPONENTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
PYTEST = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]


def test_budgets_on_the_page_are_the_enforced_ones() -> None:
    rows = re.findall(r"^\| `tests/(\w+)` \| .* \| (\d+) s \|$", PAGE, re.MULTILINE)
    assert {suite: int(budget_s) for suite, budget_s in rows} == BUDGETS_S


def test_every_folder_of_tests_has_a_budget() -> None:
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in _test_files()}
    assert folders <= BUDGETS_S.keys()


def test_budgets_leave_room_for_set_up_within_the_hour() -> None:
    workers = 2
    assert sum(BUDGETS_S.values()) / workers <= 50 * 60


def test_every_marker_is_explained() -> None:
    markers = {line.split(":")[0].split("(")[0] for line in PYTEST["ini_options"]["markers"]}
    assert COMPONENTS.keys() <= markers
    assert [name for name in sorted(markers) if f"`{name}" not in PAGE] == []


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert [name for name in sorted(targets) if f"`make {name}`" not in PAGE] == []


def _test_files() -> list[Path]:
    return list((ROOT / "tests").rglob("test_*.py"))
