"""What docs/architecture.md and CONTRIBUTING.md name is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from orchestrate.core.running import commands, events

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "orchestrate"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_FILE = re.compile(r"`([\w./-]+(?:\.(?:py|yaml|md|toml)|/))`")


def _missing(text: str, *bases: Path) -> list[str]:
    """Files named in `text` that are not there; a bare name is beside the one before it."""
    missing = []
    folder = SOURCE
    for name in _FILE.findall(text):
        places = [base / name for base in bases] + [folder / name]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            missing.append(name)
        else:
            folder = found if found.is_dir() else found.parent
    return missing


def _section(page: str, title: str) -> str:
    return page.split(f"## {title}\n")[1].split("\n## ")[0]


LIFE = _section(ARCHITECTURE, "The life of one command: `orchestrate security`")
ROWS = re.findall(
    r"^\| (?!question|---).*\|$", _section(ARCHITECTURE, "Where do I look for…"), re.MULTILINE
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip(" *"))
def test_every_answer_names_files_that_are_there(row: str) -> None:
    assert _FILE.search(row)
    assert _missing(row, SOURCE) == []


def test_the_life_of_a_command_names_files_that_are_there() -> None:
    assert _missing(LIFE, SOURCE) == []


def test_functions_named_in_the_table_are_there() -> None:
    settling = (SOURCE / "core/running/settling.py").read_text(encoding="utf-8")
    assert "def owed_decision(" in settling


def test_commands_and_events_are_spelled_as_in_the_code() -> None:
    names = re.findall(r"\b((?:[A-Z][a-z]+){2,})\b", LIFE)
    known = set(vars(events)) | set(vars(commands))
    assert {"RunCompleted", "AdoptRun"} <= set(names)
    assert [name for name in names if name not in known] == []


def test_import_rule_is_the_enforced_one() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = {
        contract["id"]: " → ".join(
            " | ".join(f"`{part.strip(' ()')}`" for part in layer.split("|"))
            for layer in contract["layers"]
        ).replace("` | `", " | ")
        for contract in contracts["tool"]["importlinter"]["contracts"]
        if "layers" in contract
    }
    text = " ".join(_section(ARCHITECTURE, "Who may import whom").split())
    assert layers["core"].partition(" → ")[2] in text
    outermost_is_the_module_itself = layers["package"].partition(" → ")[2]
    assert outermost_is_the_module_itself in text


def test_contributing_names_files_that_are_there() -> None:
    assert set(_missing(CONTRIBUTING, ROOT, SOURCE)) <= {"utils.py"}  # named as what not to make
