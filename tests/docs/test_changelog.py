"""Changelog fragments are named and written as changelog.d/README.md says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
KINDS = [kind["directory"] for kind in SETTINGS["type"]]
NAME = re.compile(rf"\+[a-z0-9-]+\.({'|'.join(KINDS)})\.md")
FRAGMENTS = sorted(
    path for path in (ROOT / "changelog.d").iterdir() if path.name not in {"README.md"}
)


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_fragment_is_well_formed(fragment: Path) -> None:
    text = fragment.read_text(encoding="utf-8")
    assert NAME.fullmatch(fragment.name), f"name it +what-changed.KIND.md, KIND one of {KINDS}"
    assert text.strip(), "say what changed for a user"
    assert text.strip().endswith("."), "write sentences"
    assert not text.lstrip().startswith(("#", "-", "*")), "no heading and no list marker"


@pytest.mark.parametrize("name", ["new-thing.added.md", "+New.added.md", "+x.feature.md", "+x.md"])
def test_other_names_are_refused(name: str) -> None:
    assert not NAME.fullmatch(name)


def test_fragments_make_a_release_note() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "99.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "99.0.0" in done.stdout
    for fragment in FRAGMENTS:
        first_words = fragment.read_text(encoding="utf-8").split()[:3]
        assert " ".join(first_words) in " ".join(done.stdout.split())


def test_changelog_has_the_place_where_releases_go() -> None:
    assert SETTINGS["start_string"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
