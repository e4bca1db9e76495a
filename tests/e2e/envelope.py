"""Checking what --json prints against the published schema. Not a test."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from orchestrate.ui.cli.schema import PATH
from tests.e2e.command import Result


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(PATH.read_bytes()))


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout, valid under the schema."""
    found: dict[str, Any] = json.loads(result.out)  # fails on anything before or after it
    _validator().validate(found)
    return found


def told_error(result: Result) -> dict[str, Any]:
    """The error in the document, which agrees with the exit code and with stderr."""
    error: dict[str, Any] = document(result)["error"]
    assert error["exit_code"] == result.code, result
    assert error["message"].splitlines()[0] in result.err
    return error
