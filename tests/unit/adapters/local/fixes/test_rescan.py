"""Looking again after a fix."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.local import rescan_action
from orchestrate.adapters.backends.local.fixes.rescan import Rescan
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.core.sharing.findings import Analysis
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptResult
from tests.planted_fixes import write_advisories
from tests.unit.adapters.local.fixes.fixing import Item, Project

_FETCH = """\
import requests


def fetch(url):
    return requests.get(url, verify=False)


def other(url):
    return url
"""
_FILES = {
    "app/fetch.py": _FETCH,
    "requirements.txt": "requests==2.19.1\n",
    "tests/test_fetch.py": "",
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Path]:
    folder = tmp_path_factory.mktemp("planned")
    advisories = write_advisories(folder / "advisories")
    return Project(folder, _FILES).scan(advisories), advisories


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, _FILES)


def _item(project: Project, planned: tuple[Analysis, Path], codemod: str) -> Item:
    items, _ = project.plan(planned[0])
    return next(item for item in items if item["codemod"] == codemod)


def _again(project: Project, item: Item, **fields: object) -> tuple[AttemptResult, Rescan]:
    request = project.request("rescan", workspace=str(project.root), item=item)
    result = rescan_action.run(msgspec.structs.replace(request, **fields), silent)
    data = (project.outputs("rescan") / "rescan.json").read_bytes()
    return result, msgspec.json.decode(data, type=Rescan)


def test_fixed_file_has_nothing_left_and_its_test_brings_nothing(
    project: Project, planned: tuple[Analysis, Path]
) -> None:
    item = _item(project, planned, "tls-verified")
    base = project.git("rev-parse", "HEAD")
    assert project.apply(item).ok
    for step in ("uncommitted", "committed"):
        result, found = _again(project, item, base=base)
        assert found.files == ("app/fetch.py", str(item["test"])), step
        assert found.clean, (found.new, found.unknown)
        assert result.metrics == {"remaining": 0, "new": 0, "remarks": 0, "unknown": 0}
        # The line without a time-out says something else now; it is the same finding.
        project.commit("fixed")


def test_unfixed_file_and_a_new_flaw_are_told(
    project: Project, planned: tuple[Analysis, Path]
) -> None:
    item = _item(project, planned, "tls-verified")
    text = _FETCH.replace("    return url\n", "    return eval(url)\n")
    (project.root / "app/fetch.py").write_text(text)
    result, found = _again(project, item)
    assert found.remaining
    assert set(found.remaining) <= set(str(item["fingerprints"]).split())
    assert {finding.location.line for finding in found.new} == {9}
    assert result.metrics["new"] == len(found.new) >= 1
    assert "still there" in result.summary


def test_pin_is_looked_at_with_the_advisories_of_the_scan(
    project: Project, planned: tuple[Analysis, Path]
) -> None:
    item = _item(project, planned, "raise-pin")
    base = project.git("rev-parse", "HEAD")
    inputs = {"advisories": str(planned[1])}
    _, before = _again(project, item, inputs=inputs)
    assert len(before.remaining) == 2
    assert project.apply(item).ok
    _, after = _again(project, item, inputs=inputs, base=base)
    assert after.clean


def test_pin_without_advisories_is_unknown_and_never_clean(
    project: Project, planned: tuple[Analysis, Path]
) -> None:
    item = _item(project, planned, "raise-pin")
    base = project.git("rev-parse", "HEAD")
    assert project.apply(item).ok
    result, found = _again(project, item, base=base)
    assert found.remaining == ()
    assert not found.clean
    assert result.metrics["unknown"] == 1
    assert "Not conclusive" in result.summary


def test_base_that_git_does_not_know_is_an_error(
    project: Project, planned: tuple[Analysis, Path]
) -> None:
    item = _item(project, planned, "tls-verified")
    with pytest.raises(AgentError, match="git cannot compare"):
        _again(project, item, base="0" * 40)
    with pytest.raises(AgentError, match="needs a workspace"):
        _again(project, item, base="")
