"""ADR 0002 has one row for each declared dependency, with the licence that is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "adr" / "0002-libraries.md").read_text(encoding="utf-8")
# package -> licence, from the rows whose second cell is a version
ROWS = dict(re.findall(r"^\| ([\w.-]+) \| \d[\w.]* \| ([^|]+?) \|", PAGE, re.MULTILINE))
# Kept out of `.venv`, so their licence cannot be read there.
NOT_INSTALLED = {"zensical"}


def _declared() -> set[str]:
    groups = PROJECT["dependency-groups"].values()
    requirements = [
        *PROJECT["project"]["dependencies"],
        *(one for group in groups for one in group),
    ]
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def _words(licence: str) -> set[str]:
    """What tells licences apart, however the metadata spells them."""
    return set(re.findall(r"apache|bsd|mit|mpl|gpl", licence.lower()))


def _installed_licence(package: str) -> str:
    fields = metadata(package)
    classifiers = [line for line in fields.get_all("Classifier") or [] if "License ::" in line]
    stated = fields.get_all("License-Expression") or fields.get_all("License") or [""]
    return " ".join([stated[0].split("\n")[0], *classifiers])


def test_rows_are_the_declared_dependencies() -> None:
    assert {canonicalize_name(name) for name in ROWS} == _declared()


@pytest.mark.parametrize("package", sorted(ROWS.keys() - NOT_INSTALLED))
def test_row_states_the_installed_licence(package: str) -> None:
    try:
        installed = _installed_licence(package)
    except PackageNotFoundError:
        pytest.fail(f"{package} is not installed; run: make setup")
    assert _words(ROWS[package]) == _words(installed)
