"""docs/reference/fixes.md says of the codemods what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.fixes import pins
from orchestrate.adapters.backends.local.fixes.code_fix import CODEMODS
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.proof_judges import JUDGES

PAGE = Path(__file__).parents[5] / "docs" / "reference" / "fixes.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_codemod_has_a_row_with_its_rules_and_a_section() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (`ORC-[^|]+) \|", TEXT, re.MULTILINE))
    stated = {name: set(re.findall(r"ORC-\w+-\d+", rules)) for name, rules in rows.items()}
    code = {codemod.name: set(codemod.rules) for codemod in CODEMODS}
    assert stated == {**code, pins.NAME: {"ORC-DEP-101"}}
    assert set(re.findall(r"^### ([a-z-]+)$", TEXT, re.MULTILINE)) == stated.keys()


def test_every_field_of_an_item_is_explained() -> None:
    table = TEXT.partition("| field | meaning |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]+) \|", table, re.M))))
    assert named == {field.name for field in msgspec.structs.fields(FixItem)}


def test_every_codemod_has_its_judge() -> None:
    assert JUDGES.keys() == {codemod.name for codemod in CODEMODS}
