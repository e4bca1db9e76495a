"""The published schema of --json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from orchestrate.ui.cli.schema import COMMAND_DATA, PATH, encoded_schema

SCHEMA = json.loads(PATH.read_bytes())
VALIDATOR = Draft202012Validator(SCHEMA)
ERROR = {"message": "no", "remedy": "", "exit_code": 2}


def test_file_is_what_the_program_prints() -> None:
    """If this fails: python -m orchestrate.ui.cli.schema"""
    assert PATH.read_bytes() == encoded_schema()


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "document",
    [
        {"schema": "orchestrate/1", "command": "list", "data": []},
        {"schema": "orchestrate/1", "command": "", "error": ERROR},
        {"schema": "orchestrate/1", "command": "init", "data": {"written": [], "kept": ["a"]}},
    ],
)
def test_document_of_ours_is_valid(document: object) -> None:
    VALIDATOR.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {"schema": "orchestrate/2", "command": "list", "data": []},
        {"schema": "orchestrate/1", "command": "list", "data": {}},
        {"schema": "orchestrate/1", "command": "init", "data": {"written": []}},
        {"schema": "orchestrate/1", "command": "other", "data": []},
        {"schema": "orchestrate/1", "command": "list"},
        {"schema": "orchestrate/1", "command": "list", "data": [], "error": ERROR},
        {"schema": "orchestrate/1", "command": "", "error": {**ERROR, "exit_code": 0}},
    ],
)
def test_other_documents_are_not(document: object) -> None:
    assert not VALIDATOR.is_valid(document)


PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json.md"


@pytest.mark.parametrize("command", COMMAND_DATA)
def test_page_names_every_shape_of_every_command(command: str) -> None:
    [row] = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{command}` ")]
    for shape in COMMAND_DATA[command]:
        name = (get_args(shape) or (shape,))[0].__name__
        assert f"`{name}`" in row.rpartition(" | ")[2]
        assert name in SCHEMA["$defs"]
