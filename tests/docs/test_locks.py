"""The lock files fit pyproject.toml, carry digests, and name no index (ADR 0001)."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
GROUPS = PROJECT["dependency-groups"]
LOCKS = {
    "runtime": RUNTIME,
    "dev": [*RUNTIME, *GROUPS["dev"], *PROJECT["build-system"]["requires"]],
    "docs": GROUPS["docs"],
}


def _text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")


def _versions(lock: str) -> dict[str, set[Version]]:
    """Locked versions by package; several when they differ between Pythons."""
    versions: defaultdict[str, set[Version]] = defaultdict(set)
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", _text(lock), re.MULTILINE):
        versions[canonicalize_name(name)].add(Version(version))
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_every_dependency_at_an_allowed_version(lock: str) -> None:
    versions = _versions(lock)
    wrong = [
        requirement
        for requirement in map(Requirement, LOCKS[lock])
        if not versions[canonicalize_name(requirement.name)]
        or not all(
            version in requirement.specifier
            for version in versions[canonicalize_name(requirement.name)]
        )
    ]
    assert wrong == [], "run: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_digests_and_names_no_index(lock: str) -> None:
    text = _text(lock)
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"(?m)^\s*--(?!hash)", text)


def test_development_uses_the_versions_users_get() -> None:
    runtime, dev = _versions("runtime"), _versions("dev")
    assert {name: dev[name] for name in runtime} == runtime
